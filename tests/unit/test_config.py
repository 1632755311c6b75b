"""A setting that is unknown or wrong is refused with its name, where it came from, and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.config import ConfigError, Settings, load


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "goldline.toml"
    file.write_text(text, "utf-8")
    return file


def test_without_anything_the_defaults_serve(tmp_path: Path) -> None:
    settings = load(tmp_path / "none.toml", {})
    assert settings == Settings()
    assert settings.sip.bind == "127.0.0.1"
    assert settings.database_url == f"sqlite+aiosqlite:///{settings.run_dir}/goldline.db"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "[ports]\nsip = 6000\nagi = 6001\nami = 6002\n")
    environment = {"GOLDLINE_PORTS__AGI": "7001", "GOLDLINE_PORTS__AMI": "7002", "PATH": "/bin"}
    ports = load(file, environment, {"ports.ami": 8002}).ports
    assert (ports.sip, ports.agi, ports.ami) == (6000, 7001, 8002)


def test_the_file_is_found_by_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, 'language = "en"\n')
    assert load(environment={"GOLDLINE_CONFIG": str(file)}).language == "en"
    with pytest.raises(ConfigError, match=r"GOLDLINE_CONFIG names .*, which is not there"):
        load(environment={"GOLDLINE_CONFIG": str(tmp_path / "other.toml")})


def test_the_offset_moves_every_port(tmp_path: Path) -> None:
    ports = load(tmp_path / "none.toml", {"GOLDLINE_PORTS__OFFSET": "100"}).ports
    assert (ports.at("sip"), ports.at("rtp_last")) == (5160, 13099)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ports]\nsipp = 5060\n", ["there is no setting ports.sipp", "Did you mean sip?", "goldline.toml"]),
        ("[pots]\nsip = 5060\n", ["there is no setting pots", "Did you mean ports?"]),
        ("[log]\nxyz = 1\n", ["there is no setting log.xyz", "Known here: format, level"]),
        ('[ports]\nsip = "many"\n', ["setting ports.sip", "valid integer", "'many'"]),
        ("[ports]\nsip = 70000\n", ["setting ports.sip", "65535"]),
        ("[ports]\noffset = 20000\nhttp = 60000\n", ["http plus the offset is over 65535"]),
        ("[ports]\nrtp_first = 10000\nrtp_last = 10001\n", ["a call needs two ports"]),
        ('[log]\nlevel = "loud"\n', ["setting log.level", "'debug'", "'loud'"]),
        ('[sip]\nnumber = "9 55"\n', ["setting sip.number", "'9 55'"]),
        ('[sip]\nbind = "localhost"\n', ["setting sip.bind", "'localhost'"]),
        ('[sip]\ntrunk_hosts = ["192.0.2.7; x"]\n', ["sip.trunk_hosts", "192.0.2.7; x"]),
        ('[sip]\nexternal_address = "a\\nb"\n', ["setting sip.external_address"]),
        ("limits = 3\n", ["setting limits"]),
        ("[ports\n", ["is not valid TOML", "line 1"]),
    ],
)
def test_a_wrong_file_is_refused_with_name_and_hint(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), {})
    for words in said:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GOLDLINE_PORTS__SIPP", "1", "environment variable GOLDLINE_PORTS__SIPP: there is no setting ports.sipp"),
        ("GOLDLINE_PORTS__SIP", "x", "environment variable GOLDLINE_PORTS__SIP: setting ports.sip"),
        ("GOLDLINE_LANGUAGE__X", "1", "language is a single setting, not a section"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_own_name(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, 'language = "zh"\n'), {name: value})
    assert said in str(caught.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, "[ports]\nsip = 0\nagi = 0\n"), {})
    assert "ports.sip" in str(caught.value)
    assert "ports.agi" in str(caught.value)


def test_trunks_may_be_addresses_networks_and_names(tmp_path: Path) -> None:
    hosts = ("192.0.2.7", "192.0.2.0/28", "gw1.carrier.example")
    assert load(tmp_path / "none.toml", {}, {"sip.trunk_hosts": hosts}).sip.trunk_hosts == hosts


def test_the_limits_of_the_speech_stores_are_megabytes_and_only_the_controller_learns(tmp_path: Path) -> None:
    speech = load(
        tmp_path / "none.toml", {"GOLDLINE_SPEECH__SOUNDS_MB": "16", "GOLDLINE_SPEECH__CLIPS_MB": "64"}
    ).speech
    manner = speech.manner()
    assert (manner.sounds_bytes, manner.clips_bytes) == (16 << 20, 64 << 20)
    assert (manner.natural, manner.learns) == (True, False)
    assert speech.manner(learns=speech.learns).learns
    with pytest.raises(ConfigError, match="sounds_mb"):
        load(tmp_path / "none.toml", {"GOLDLINE_SPEECH__SOUNDS_MB": "1"})
