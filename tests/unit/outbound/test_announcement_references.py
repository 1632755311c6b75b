"""The references that come with Goldline, adding one's own, and what is said of a bad index or a bad recording."""

from __future__ import annotations

import json
import shutil
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ivr import config, doctor
from ivr.cli import cli
from ivr.speech.audio import alaw
from outbound.announcements import references
from outbound.announcements.listener import listen
from outbound.announcements.sound_file import SoundUnreadable, read_sound
from outbound.outcomes import ANNOUNCED
from tests.unit.outbound.sounds import Sound, silence, tone

ALL = references.read()


def write_wav(path: Path, sound: Sound, rate: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat((sound * 32767).astype("<i2"), channels).tobytes())
    return path


def test_what_comes_with_goldline_is_whole_and_says_where_it_comes_from() -> None:
    files = {file.relative_to(references.REFERENCES).as_posix() for file in references.REFERENCES.rglob("*.alaw")}
    assert {one.file for one in ALL} == files
    assert {one.outcome for one in ALL} == set(ANNOUNCED) - {"machine"}
    assert all("synthesised" in one.source and one.carrier.startswith("none") for one in ALL)
    assert sum((references.REFERENCES / file).stat().st_size for file in files) < 600_000


def test_a_bad_index_is_told_line_by_line() -> None:
    text = """references:
  good_1:
    outcome: stoped
    file: ../secret.wav
    carrier: x
    text: x
    source: x
    decisive: [1.0-1.1, later]
    more: 1
  Bad-Name:
    outcome: stopped
"""
    _, problems = references.load(text, "index.yaml")
    told = [str(problem) for problem in problems]
    for line, words in [
        (3, "Did you mean 'stopped'?"),
        (4, "no sound below this folder"),
        (8, "'1.0-1.1' is no span of at least 0.2 s"),
        (9, "unknown field 'more'"),
        (10, "'Bad-Name' is no name"),
        (11, "file is missing"),
    ]:
        assert any(row.startswith(f"index.yaml:{line}:") and words in row for row in told), (line, words, told)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "outbound" / "announcements" / "references"
    shutil.copytree(references.REFERENCES, copy)
    monkeypatch.setenv("GOLDLINE_OUTBOUND", str(tmp_path / "outbound"))
    return copy


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["outbound", "announcements", *words], catch_exceptions=True)


def test_one_is_taken_away_and_added_again_and_recognised_again(folder: Path, tmp_path: Path) -> None:
    index = (folder / "index.yaml").read_text("utf-8")
    old = next(one for one in ALL if one.name == "other_stopped")
    file = write_wav(tmp_path / "call.wav", read_sound(folder / old.file))
    assert json.loads(run("match", str(file), "--json").output)["verdict"]["reference"] == "other_stopped"
    assert run("remove", "other_stopped").exit_code == 0
    assert not (folder / old.file).exists()
    gone = run("match", str(file))
    assert gone.exit_code == 1
    assert "No announcement was recognised in 3.2 s" in gone.output

    begin, end = old.decisive[0]
    done = run(
        "add", str(file), "--outcome", "stopped", "--carrier", 'Unicom: "Hangzhou" #1', "--text", "对不起，已停机",
        "--decisive", f"{begin}-{end}",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(run("match", str(file), "--json").output)["verdict"]
    assert (found["outcome"], found["reference"]) == ("stopped", "stopped_1")
    told = [json.loads(row) for row in run("list", "--json").output.splitlines()]
    assert (len(told), told[-1]["carrier"]) == (len(ALL), 'Unicom: "Hangzhou" #1')
    assert (folder / "index.yaml").read_text("utf-8").startswith(index.split("references:")[0])  # comments stay


def test_a_folder_of_ones_own_begins_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "announcements" / "references"
    monkeypatch.setenv("GOLDLINE_OUTBOUND", str(tmp_path))
    file = str(references.REFERENCES / ALL[0].file)
    refused = run("match", file)
    assert "index.yaml" in str(refused.exception)
    assert run("add", file, "--outcome", "unallocated", "--carrier", "x", "--name", "first").exit_code == 0
    assert run("match", file).exit_code == 0
    assert run("remove", "first").exit_code == 0
    assert references.read(own) == ()
    assert "there is no reference" in str(run("match", file).exception)


def test_careful_when_it_was_something_else_until_now(folder: Path) -> None:
    stopped = str(folder / next(one.file for one in ALL if one.outcome == "stopped"))
    done = run("add", stopped, "--outcome", "switched_off", "--carrier", "x")
    assert "until now this recording was recognised as stopped (mobile_stopped)" in done.output
    assert "Without --decisive" in done.output


async def test_the_doctor_says_when_there_is_none_of_ones_own(folder: Path) -> None:
    trunk = {"name": "unicom", "host": "127.0.0.1"}

    async def found(**changed: object) -> tuple[str, str]:
        settings = config.load(overrides=changed)
        status, what, _ = await doctor.announcements_known(settings)
        return status.value, what

    assert (await found())[0] == "ok"
    status, what = await found(**{"sip.trunks": [trunk]})
    assert (status, "None of your carriers'" in what) == ("warn", True)
    file = str(folder / ALL[0].file)
    assert run("add", file, "--outcome", "unallocated", "--carrier", "Unicom").exit_code == 0
    assert await found(**{"sip.trunks": [trunk]}) == ("ok", f"1 of your own, {len(ALL)} that came with Goldline.")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "FILE", "--outcome", "stoped", "--carrier", "x"), "Did you mean 'stopped'?"),
        (("add", "FILE", "--outcome", "stopped", "--carrier", "x", "--decisive", "2-1"), "no span of at least 0.2 s"),
        (("add", "FILE", "--outcome", "stopped", "--carrier", "x", "--decisive", "2-90"), "ends after"),
        (("add", "FILE", "--outcome", "stopped", "--carrier", "x", "--name", "mobile_busy"), "mobile_busy already"),
        (("add", "FILE", "--outcome", "stopped", "--carrier", "x", "--name", "../x"), "is no name"),
        (("add", "SHORT", "--outcome", "stopped", "--carrier", "x"), "a reference lasts 1.5 to 20"),
        (("add", "SILENT", "--outcome", "stopped", "--carrier", "x"), "is silent"),
        (("add", "TEXT", "--outcome", "stopped", "--carrier", "x"), "no WAV file"),
        (("remove", "nobody"), "There is no reference 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    folder: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    before = (folder / "index.yaml").read_text("utf-8")
    files = {
        "FILE": str(folder / ALL[0].file),
        "SHORT": str(write_wav(tmp_path / "short.wav", tone(700, 0.5))),
        "SILENT": str(write_wav(tmp_path / "silent.wav", silence(3))),
        "TEXT": str(tmp_path / "text.wav"),
    }
    (tmp_path / "text.wav").write_text("no sound")
    done = run(*(files.get(word, word) for word in words))
    assert done.exit_code != 0
    assert told in f"{done.output}{done.exception}"
    assert (folder / "index.yaml").read_text("utf-8") == before


def test_sounds_are_read_as_asterisk_writes_them(tmp_path: Path) -> None:
    sound = read_sound(references.REFERENCES / ALL[0].file)
    pcm = (sound * 32767).astype("<i2").tobytes()
    wav = write_wav(tmp_path / "a.wav", sound)
    (tmp_path / "a.sln").write_bytes(pcm)
    # As it stands on disk while Asterisk still writes it, or after it died: lengths of zero.
    data = bytearray(wav.read_bytes())
    data[4:8] = data[40:44] = bytes(4)
    (tmp_path / "open.wav").write_bytes(data)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 6, 1, 8000, 8000, 1, 8, b"data", 0)
    (tmp_path / "alaw.wav").write_bytes(head + alaw.encode((sound * 32767).astype(np.int16)))
    write_wav(tmp_path / "wide.wav", np.repeat(sound, 2), rate=16000, channels=2)
    prints = references.prints()
    for name in ("a.wav", "a.sln", "open.wav", "alaw.wav", "wide.wav"):
        read = read_sound(tmp_path / name)
        assert abs(len(read) - len(sound)) < 10, name
        verdict = listen(prints, read).verdict
        assert verdict is not None, name
        assert verdict.reference == ALL[0].name
    for name, content in [("x.mp3", b""), ("x.wav", b"RIFF1234WAVEfmt "), ("y.wav", head[:36]), ("none.sln", None)]:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(SoundUnreadable):
            read_sound(tmp_path / name)
