"""Which Asterisk is found, and with what words it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.asterisk import locate, sandbox
from ivr.asterisk.errors import AsteriskMissing
from ivr.asterisk.layout import Layout
from ivr.asterisk.locate import RECIPE, VERSION_FILE, Installation


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1\n", "22.10.1"),
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5\n", "20.6.0"),
        ("Asterisk certified/20.7-cert1\n", "20.7"),
        ("Asterisk certified-20.7-cert1\n", "20.7"),
        ("bash: asterisk: command not found\n", ""),
        ("", ""),
    ],
)
def test_versions_are_read(text: str, version: str) -> None:
    assert locate.parse_version(text) == version


@pytest.mark.parametrize(("version", "enough"), [("22.1", True), ("20.6.0", True), ("18.26.4", False), ("", False)])
def test_20_and_newer_will_do(version: str, enough: bool) -> None:
    assert locate.is_new_enough(version) is enough


def program_saying(tmp_path: Path, text: str) -> str:
    file = tmp_path / "asterisk"
    file.write_text(f"#!/bin/sh\nprintf '%s\\n' '{text}'\n")
    file.chmod(0o755)
    return str(file)


def test_the_systems_own_is_taken_when_new_enough(tmp_path: Path) -> None:
    program = program_saying(tmp_path, "Asterisk 20.6.0")
    assert locate.find_system(lambda: program) == Installation(Path("/"), "20.6.0")
    assert locate.find_system(lambda: program_saying(tmp_path, "Asterisk 16.28.0")) is None
    assert locate.find_system(lambda: "") is None
    assert locate.find_system(lambda: str(tmp_path / "nothing")) is None


def private(cache: Path, version: str, recipe: int = RECIPE) -> Path:
    root = cache / f"asterisk-r{recipe}-{version}"
    root.mkdir(parents=True)
    (root / VERSION_FILE).write_text(f"{version}\n")
    return root


def test_the_newest_complete_private_one_is_taken(tmp_path: Path) -> None:
    private(tmp_path, "22.9.0")
    newest = private(tmp_path, "22.10.1")
    private(tmp_path, "23.0.0", recipe=RECIPE + 1)  # built by a newer Goldline, for another recipe
    (tmp_path / f"asterisk-r{RECIPE}-22.11.0").mkdir()  # somebody is building it
    assert locate.find_private(tmp_path) == Installation(newest, "22.10.1")


def test_none_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "find_system", lambda: None)
    with pytest.raises(AsteriskMissing) as caught:
        locate.find(tmp_path)
    assert "make run" in caught.value.remedy


def test_the_sandbox_shows_the_run_directory_and_little_else(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "run")
    words = sandbox.sandboxed(Installation(Path("/cache/asterisk"), "22.1"), layout, ["-f"], [Path("/srv/prompts")])
    binds = [tuple(words[i : i + 3]) for i, word in enumerate(words) if word == "--bind"]
    assert binds == [("--bind", str(layout.run_dir), str(layout.run_dir))]  # the only place it may write
    assert ("--ro-bind", "/cache/asterisk/usr", "/usr") in zip(words, words[1:], words[2:], strict=False)
    assert "--die-with-parent" in words
    assert words[words.index("--cap-drop") + 1] == "ALL"
    assert words[words.index("--uid") + 1] != "0"
    assert "--clearenv" in words
    assert words[-4:] == ["/usr/sbin/asterisk", "-C", str(layout.main_file), "-f"]


def test_without_a_sandbox_it_still_ends_with_its_parent_and_has_no_rights(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/lib/x86_64-linux-gnu/asterisk/modules").mkdir(parents=True)
    (root / "usr/lib64").mkdir()
    (root / "usr/lib64/ld-linux-x86-64.so.2").touch()
    words = sandbox.plain(Installation(root, "22.1"), Layout(tmp_path / "run"), ["-f"])
    assert words[:3] == ["setpriv", "--pdeathsig", "KILL"]
    assert "--no-new-privs" in words
    library = words[words.index("--library-path") + 1]
    assert library == str(root / "usr/lib/x86_64-linux-gnu")
    assert str(root / "usr/sbin/asterisk") in words


def test_asterisk_gets_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDLINE_DATABASE__URL", "postgresql://user:password@host/name")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    assert sandbox.environment() == {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TZ": "Asia/Shanghai",
    }
