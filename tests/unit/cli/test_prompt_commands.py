"""``ivr prompts``: what an operator types, and what comes of it."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ivr.cli import cli
from ivr.speech import voice_pack
from ivr.speech.audio import shaping

TEXTS = {
    "zh": 'greeting: "您好。"\nnews: "{name:name}，现价{last:price}。"\n',
    "en": 'greeting: "Hello."\nnews: "{name:name} stands at {last:price}."\n',
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    prompts = tmp_path / "prompts"
    for language, text in TEXTS.items():
        (prompts / language).mkdir(parents=True)
        (prompts / language / "catalogue.yaml").write_text(text, "utf-8")
    monkeypatch.setenv("GOLDLINE_PROMPTS", str(prompts))
    monkeypatch.setenv("GOLDLINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GOLDLINE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GOLDLINE_CONFIG", "")
    monkeypatch.setenv("GOLDLINE_SPEECH__ENGINE", "espeak")
    (tmp_path / "run").mkdir()
    return prompts


def ivr(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["prompts", *map(str, words)])


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def packed(place: Path, words: str, language: str = "zh", voice: str = "natural 0") -> None:
    time = np.arange(8000) / 16000
    clip = shaping.clip_of((0.1 * np.sin(2 * np.pi * 500 * time)).astype(np.float32), 16000)
    voice_pack.write(place, language, voice, [words], [], lambda _: clip)


def recording(file: Path, level: float = 0.1, rate: int = 16000) -> Path:
    samples = np.random.default_rng(1).standard_normal(rate) * level
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file


def test_list_tells_who_says_each_prompt(place: Path, tmp_path: Path) -> None:
    packed(place, "您好")
    recording(place / "en" / "greeting.wav")
    told = {(str(row["prompt"]), str(row["language"])): row["voice"] for row in lines(ivr("list", "--json"))}
    assert told["greeting", "zh"] == "natural"
    assert told["greeting", "en"] == "recording"
    assert told["news", "zh"] == "plain"
    rows = lines(ivr("list", "--missing", "--language", "zh", "--json"))
    assert [row["prompt"] for row in rows] == ["news"]
    assert rows[0]["text"] == "{name}现价{last}"
    assert "您好" in ivr("list").output


def test_check_says_what_the_natural_voice_lacks_and_what_is_broken(place: Path) -> None:
    packed(place, "您好")
    result = ivr("check", "--json")
    assert result.exit_code == 0, result.output
    zh = next(row for row in lines(result) if row["language"] == "zh")
    assert "您好" not in zh["missing"]  # type: ignore[operator]
    assert "现价" in zh["missing"]  # type: ignore[operator]
    assert zh["pack_is_current"] is False
    plain = ivr("check", "--language", "zh").output
    assert "plain: 现价" in plain
    assert "ivr prompts build" in plain
    next((place / "zh" / "voice").glob("*.opus")).write_bytes(b"nothing")
    broken = ivr("check")
    assert broken.exit_code == 1
    assert "cannot be read" in broken.output


def test_a_prompt_is_written_as_callers_hear_it(place: Path, tmp_path: Path) -> None:
    packed(place, "您好")
    file = tmp_path / "out.wav"
    result = ivr("play-file", "greeting", "-o", file)
    assert result.exit_code == 0, result.output
    with wave.open(str(file)) as sound:
        assert sound.getframerate() == 16000
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert 0.4 < len(samples) / 16000 < 0.8
    assert np.argmax(np.abs(np.fft.rfft(samples))) * 16000 / len(samples) == pytest.approx(500, abs=10)
    quote = tmp_path / "quote.wav"
    assert ivr("play-file", "news", "--with", "last=12.34", "--with", "name=中国平安", "-o", quote).exit_code == 0
    assert quote.stat().st_size > 32000
    assert "takes no 'price'" in ivr("play-file", "news", "--with", "price=1").output
    assert ivr("play-file", "news", "--with", "last=dear").exit_code != 0


def test_a_recording_takes_a_prompts_place_when_it_is_good_and_goes_away_again(place: Path, tmp_path: Path) -> None:
    good, loud = recording(tmp_path / "good.wav"), recording(tmp_path / "loud.wav", level=5)
    assert ivr("override", "greeting", good, "--language", "en").exit_code == 0
    assert (place / "en" / "greeting.wav").read_bytes() == good.read_bytes()
    refused = ivr("override", "greeting", loud, "--language", "en")
    assert refused.exit_code != 0
    assert (place / "en" / "greeting.wav").read_bytes() == good.read_bytes()
    assert sorted(file.name for file in (place / "en").glob("*.wav")) == ["greeting.wav"]
    assert "holds values" in ivr("override", "news", good).output
    assert ivr("override", "greeting", "--language", "en", "--remove").exit_code == 0
    assert not (place / "en" / "greeting.wav").exists()
    assert "There is no recording" in ivr("override", "greeting", "--remove").output


def test_without_the_extra_build_says_what_to_install(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ivr.speech.engines.kokoro import model

    monkeypatch.setattr(model, "MODEL_PARTS", ("no_such_part",))
    result = ivr("build", "--language", "zh", "--only", "greet*")
    assert result.exit_code != 0
    assert "[voice]" in getattr(result.exception, "remedy", "")
