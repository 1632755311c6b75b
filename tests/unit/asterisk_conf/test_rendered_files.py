"""What is rendered: complete, readable by an independent parser, safe against its own settings, never half written."""

from __future__ import annotations

import re
import tomllib
import warnings
from pathlib import Path
from typing import Any

import asterisk.config
import pytest

from ivr import contract
from ivr.asterisk import render, secrets_file
from ivr.asterisk.errors import AsteriskError, TemplateFault
from ivr.asterisk.layout import Layout
from ivr.asterisk.locate import Installation
from ivr.asterisk.secrets_file import Secrets
from ivr.config import Settings, load

SECRETS = Secrets(
    *(
        "goldline-abc",
        "soft-pw",
        "self-pw",
        "events-pw",
        "actions-pw",
        "monitor-pw",
        "recorder-pw",
        "token",
        "identity-pw",
    )
)
FILES = sorted(path.name.removesuffix(".j2") for path in render.TEMPLATES.glob("*.j2"))


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An Asterisk that has every module we load."""
    modules = tmp_path / "root/usr/lib/x86_64-linux-gnu/asterisk/modules"
    modules.mkdir(parents=True)
    for name in re.findall(r"^load = (\S+)", (render.TEMPLATES / "modules.conf.j2").read_text(), re.MULTILINE):
        (modules / name).touch()
    return Installation(tmp_path / "root", "22.10.1")


@pytest.fixture(autouse=True)
def _no_music(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hold music has tests of its own (tests/unit/speech), and takes half a second to compose."""
    monkeypatch.setattr(render, "write_hold_music", lambda directory: directory)


def settings_in(tmp_path: Path, **overrides: Any) -> Settings:
    return load(tmp_path / "none.toml", {}, {"run_dir": tmp_path / "run", **overrides})


def rendered(tmp_path: Path, installation: Installation, **overrides: Any) -> dict[str, str]:
    return render.render(render.variables(settings_in(tmp_path, **overrides), SECRETS, installation))


class Parsed:
    """One rendered file as pyst2 reads it: an independent reading of Asterisk's format."""

    def __init__(self, tmp_path: Path, name: str, text: str) -> None:
        file = tmp_path / f"parsed-{name}"
        # It knows neither templates of sections, [name](!,other), nor #include.
        plain = re.sub(r"(?m)^(\[[^]]+\])\([^)]*\)$", r"\1", re.sub(r"(?m)^#include .*$", "", text))
        file.write_text(plain)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # pyst2 leaves the file to the garbage collector
            self.categories = asterisk.config.Config(str(file)).categories

    def sections(self, name: str) -> list[dict[str, list[str]]]:
        found = []
        for category in self.categories:
            if category.name == name:
                items: dict[str, list[str]] = {}
                for item in category.items:
                    items.setdefault(item.name.strip(), []).append(item.value.strip())
                found.append(items)
        return found


@pytest.mark.parametrize("name", FILES)
def test_an_independent_parser_reads_every_file(tmp_path: Path, installation: Installation, name: str) -> None:
    text = rendered(tmp_path, installation, **{"sip.trunk_hosts": ["192.0.2.7", "192.0.2.0/28"]})[name]
    assert "{{" not in text
    assert "{%" not in text
    parsed = Parsed(tmp_path, name, text)
    for category in parsed.categories:
        for item in category.items:
            assert item.name.strip(), f"{name}: a line without a name in [{category.name}]"


def test_manager_accounts_hold_their_own_secret_and_are_loopback_only(
    tmp_path: Path, installation: Installation
) -> None:
    parsed = Parsed(tmp_path, "manager.conf", rendered(tmp_path, installation)["manager.conf"])
    (general,) = parsed.sections("general")
    assert general["bindaddr"] == ["127.0.0.1"]
    assert general["webenabled"] == ["no"]
    for name, secret in (
        (contract.AMI_EVENTS, "events-pw"),
        (contract.AMI_ACTIONS, "actions-pw"),
        (contract.AMI_MONITOR, "monitor-pw"),
    ):
        (account,) = parsed.sections(name)
        assert account["secret"] == [secret]
        assert account["deny"] == ["0.0.0.0/0.0.0.0"]
        assert account["permit"] == ["127.0.0.1/255.255.255.255"]
    assert parsed.sections(contract.AMI_MONITOR)[0]["write"] == ["reporting"]


def test_early_media_is_recorded_by_an_account_that_is_there_only_where_calls_go_out(
    tmp_path: Path, installation: Installation
) -> None:
    parsed = Parsed(tmp_path, "manager.conf", rendered(tmp_path, installation)["manager.conf"])
    assert not parsed.sections(contract.AMI_RECORDER)
    trunk = {"sip.trunks": [{"name": "city", "host": "192.0.2.1"}]}
    parsed = Parsed(tmp_path, "manager.conf", rendered(tmp_path, installation, **trunk)["manager.conf"])
    (account,) = parsed.sections(contract.AMI_RECORDER)
    assert account["secret"] == ["recorder-pw"]
    assert account["permit"] == ["127.0.0.1/255.255.255.255"]
    assert account["write"] == ["system"]
    assert "read" not in account


def test_without_trunk_hosts_there_is_no_trunk(tmp_path: Path, installation: Installation) -> None:
    assert contract.ENDPOINT_TRUNK not in rendered(tmp_path, installation)["pjsip.conf"]


def test_the_trunk_is_known_by_address_alone(tmp_path: Path, installation: Installation) -> None:
    text = rendered(tmp_path, installation, **{"sip.trunk_hosts": ["192.0.2.7", "192.0.2.0/28"]})["pjsip.conf"]
    endpoint, identify = Parsed(tmp_path, "pjsip.conf", text).sections(contract.ENDPOINT_TRUNK)
    assert endpoint["identify_by"] == ["ip"]
    assert endpoint["context"] == [contract.CONTEXT_TRUNK]
    assert identify["match"] == ["192.0.2.7", "192.0.2.0/28"]


def test_every_endpoint_but_the_trunk_needs_a_password(tmp_path: Path, installation: Installation) -> None:
    parsed = Parsed(tmp_path, "pjsip.conf", rendered(tmp_path, installation)["pjsip.conf"])
    for name, password in ((contract.ENDPOINT_SOFTPHONE, "soft-pw"), (contract.ENDPOINT_SELF, "self-pw")):
        endpoint, auth, _aor = parsed.sections(name)
        assert endpoint["auth"] == [name]
        assert endpoint["direct_media"] == ["no"]
        assert auth["password"] == [password]


def test_a_public_address_is_told_to_phones_behind_a_nat(tmp_path: Path, installation: Installation) -> None:
    overrides = {"sip.bind": "0.0.0.0", "sip.external_address": "203.0.113.5"}
    text = rendered(tmp_path, installation, **overrides)["pjsip.conf"]
    parsed = Parsed(tmp_path, "pjsip.conf", text)
    for name, port in (("transport-udp", 5060), ("transport-tcp", 5060), ("transport-tls", 5061)):
        (transport,) = parsed.sections(name)
        assert transport["external_media_address"] == ["203.0.113.5"]
        assert transport["bind"] == [f"0.0.0.0:{port}"]
    assert "media_address" not in parsed.sections(contract.ENDPOINT_SOFTPHONE)[0]  # RTP on every address


def test_the_offset_moves_every_port(tmp_path: Path, installation: Installation) -> None:
    texts = rendered(tmp_path, installation, **{"ports.offset": 700})
    assert "bind = 127.0.0.1:5760" in texts["pjsip.conf"]
    assert "port = 5738" in texts["manager.conf"]
    assert "agi://127.0.0.1:5273/call" in texts["extensions.conf"]
    assert "rtpstart = 10700" in texts["rtp.conf"]


def test_nothing_a_caller_chooses_is_used_in_the_dialplan(tmp_path: Path, installation: Installation) -> None:
    text = rendered(tmp_path, installation)["extensions.conf"]
    cleaned = re.sub(r"\$\{FILTER\([^,]+,\$\{CALLERID\((num|name)\)\}\)\}", "", text)
    assert "${CALLERID" not in cleaned, "caller ID is used nowhere but cleaned"
    assert "System(" not in text
    assert not re.search(r"\$\{EXTEN\}(?!\))", text), "EXTEN outside FILTER"
    assert not re.search(r"PJSIP_HEADER|SIP_HEADER", text)


def test_digits_and_agi_commands_reach_no_log_file(tmp_path: Path, installation: Installation) -> None:
    (files,) = Parsed(tmp_path, "logger.conf", rendered(tmp_path, installation)["logger.conf"]).sections("logfiles")
    levels = ",".join(value for values in files.values() for value in values).split(",")
    assert set(levels) == {"notice", "warning", "error", "security"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sip.trunk_hosts", ["192.0.2.7\ntype = endpoint"]),
        ("sip.trunk_hosts", ["192.0.2.7;x"]),
        ("sip.external_address", "203.0.113.5]"),
        ("run_dir", "/tmp/a\nb"),
    ],
)
def test_a_setting_cannot_smuggle_a_line_into_a_file(
    tmp_path: Path, installation: Installation, setting: str, value: object
) -> None:
    with pytest.raises(Exception, match=r"cannot stand in|cannot carry|trunk_hosts|external_address"):
        render.prepare(settings_in(tmp_path, **{setting: value}), SECRETS, installation)


def copy_of_templates(tmp_path: Path) -> Path:
    templates = tmp_path / "templates"
    templates.mkdir()
    for path in render.TEMPLATES.glob("*.j2"):
        (templates / path.name).write_text(path.read_text())
    return templates


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("port = {{ ami_prot }}", "'ami_prot' is undefined"),
        ("port = {{ ami_port", "rtp.conf"),
        ("{% if %}", "Expected an expression"),
        ("x = {{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_broken_template_names_file_and_line_and_changes_nothing(
    tmp_path: Path, installation: Installation, line: str, said: str
) -> None:
    templates = copy_of_templates(tmp_path)
    settings = settings_in(tmp_path)
    layout = render.prepare(settings, SECRETS, installation, templates)
    before = {path.name: path.read_text() for path in layout.etc_dir.iterdir()}
    broken = templates / "rtp.conf.j2"
    broken.write_text("; one\n; two\n" + line + "\n")
    with pytest.raises(TemplateFault) as caught:
        render.prepare(settings, SECRETS, installation, templates)
    assert re.search(rf"{re.escape(str(broken))}:[34]: ", caught.value.message)
    assert said in caught.value.message
    assert "stays in place" in caught.value.remedy
    assert {path.name: path.read_text() for path in layout.etc_dir.iterdir()} == before


def test_a_file_whose_template_is_gone_goes_too(tmp_path: Path, installation: Installation) -> None:
    templates = copy_of_templates(tmp_path)
    settings = settings_in(tmp_path)
    layout = render.prepare(settings, SECRETS, installation, templates)
    (templates / "cel.conf.j2").unlink()
    render.prepare(settings, SECRETS, installation, templates)
    assert not (layout.etc_dir / "cel.conf").exists()
    assert (layout.etc_dir / "cdr.conf").exists()


def test_a_module_that_asterisk_lacks_is_named(tmp_path: Path, installation: Installation) -> None:
    (installation.module_dir / "app_mixmonitor.so").unlink()
    with pytest.raises(AsteriskError, match=r"lacks app_mixmonitor\.so"):
        render.prepare(settings_in(tmp_path), SECRETS, installation)


def test_files_are_for_the_owner_only(tmp_path: Path, installation: Installation) -> None:
    layout = render.prepare(settings_in(tmp_path), SECRETS, installation)
    assert {path.name for path in layout.etc_dir.iterdir()} == set(FILES)
    for path in layout.etc_dir.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    for path in (layout.run_dir, layout.asterisk_dir, layout.etc_dir, layout.var_dir, layout.log_dir):
        assert path.stat().st_mode & 0o777 == 0o700


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    first = secrets_file.load_or_create(file)
    assert secrets_file.load_or_create(file) == first == secrets_file.load(file)
    assert file.stat().st_mode & 0o777 == 0o600
    values = list(tomllib.loads(file.read_text()).values())
    assert len(set(values)) == len(values)
    passwords = [value for value in values if value != first.system_name]
    assert all(len(value) >= 32 for value in passwords)


def test_a_secret_that_is_missing_is_made_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    first = secrets_file.load_or_create(file)
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "softphone" not in line))
    with pytest.raises(AsteriskError, match="lacks softphone"):
        secrets_file.load(file)
    second = secrets_file.load_or_create(file)
    assert second.ami_events == first.ami_events
    assert second.softphone != first.softphone


def test_a_broken_secrets_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text('softphone = "given out to forty phones\n')
    with pytest.raises(AsteriskError, match="cannot be read"):
        secrets_file.load_or_create(file)
    assert "forty phones" in file.read_text()


def test_secrets_do_not_show_themselves() -> None:
    assert "pw" not in repr(SECRETS)
    assert "token" not in repr(SECRETS).replace("http_token", "")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (Path("/srv") / ("deep/" * 30), "a socket's path may have 107"),
        (Path("/srv/my hotline"), "' '"),
        (Path("/srv/a;b"), "';'"),
        (Path("/srv/${x}"), "'\\$'"),
        (Path("relative"), "not an absolute path"),
    ],
)
def test_a_run_directory_that_asterisk_cannot_work_with_is_refused(path: Path, said: str) -> None:
    with pytest.raises(AsteriskError, match=said) as caught:
        Layout(path).check()
    assert "GOLDLINE_RUN_DIR" in caught.value.remedy
