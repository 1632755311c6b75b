"""Speech as the controller uses it: opened on the prompts that we ship, started, warmed, stopped."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speech_fakes import PROMPTS

from ivr.speech.audio import alaw
from ivr.speech.clip_files import read_clip
from ivr.speech.errors import CatalogueInvalid, SpeechError
from ivr.speech.export import export_prompts
from ivr.speech.hold_music import LEVEL_DBFS, loop, write_hold_music
from ivr.speech.manner import EngineName, Manner
from ivr.speech.speech import Speech
from ivr.speech.values import Count, Name, Price, Text, Value

NAMES = [Name({"zh": "贵州茅台", "en": "Kweichow Moutai"})]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered once for all tests here."""
    cache = tmp_path_factory.mktemp("cache")

    async def warm() -> None:
        speech = Speech.open(PROMPTS, cache, cache / "sounds", Manner("espeak"))
        await speech.start()
        assert await speech.warm(NAMES) > 400
        await speech.stop()

    asyncio.run(warm())
    return cache


async def test_from_prompts_to_a_file_with_either_engine(tmp_path: Path, quote: dict[str, Value]) -> None:
    engines: tuple[EngineName, ...] = ("pyttsx3", "espeak")
    for engine in engines:
        speech = Speech.open(PROMPTS, tmp_path / "cache", tmp_path / "sounds", Manner(engine, workers=2))
        await speech.start()
        try:
            for language in speech.catalogue.languages:
                sound = await speech.composer.compose(speech.catalogue.say("quote_share", language, quote))
                assert 8 < sound.seconds < 21
                assert read_clip(Path(sound.path)) is not None
        finally:
            await speech.stop()


async def test_when_warm_no_quote_is_rendered_and_each_is_composed_in_no_time(
    cache: Path, tmp_path: Path, quote: dict[str, Value]
) -> None:
    speech = Speech.open(PROMPTS, cache, tmp_path / "sounds", Manner("espeak"))
    await speech.start()
    assert await speech.warm(NAMES) == 0
    took: list[float] = []
    for cents in range(100_000, 120_000, 97):
        utterance = speech.catalogue.say("quote_share", "zh", quote | {"last": Price(Decimal(cents) / 100)})
        started = time.process_time()
        await speech.composer.compose(utterance)
        took.append(time.process_time() - started)
    assert speech.composer.renders == 0
    assert sorted(took)[len(took) // 2] < 0.005
    await speech.stop()


async def test_a_notice_of_five_thousand_characters_is_one_sound(tmp_path: Path) -> None:
    speech = Speech.open(PROMPTS, tmp_path, tmp_path / "sounds", Manner("pyttsx3", workers=2))
    await speech.start()
    try:
        text = "今日市场总体平稳，成交3.5亿元，上涨1.2%。" * 200
        notice: dict[str, Value] = {
            "number": Count(1),
            "of": Count(1),
            "title": Text({"zh": "千股日评"}),
            "body": Text({"zh": text[:5000]}),
        }
        sound = await speech.composer.compose(speech.catalogue.say("notice", "zh", notice))
        assert sound.seconds > 900
        clip = read_clip(Path(sound.path))
        assert clip is not None
        assert clip.seconds == sound.seconds
    finally:
        await speech.stop()


async def test_warming_tells_its_progress(cache: Path, tmp_path: Path) -> None:
    speech = Speech.open(PROMPTS, cache, tmp_path / "sounds", Manner("espeak"))
    told: list[tuple[int, int]] = []
    await speech.warm([Name({"zh": "平安银行"})], lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == told[0][0] + 1
    await speech.stop()


async def test_a_bad_catalogue_and_a_bad_recording(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid):
        Speech.open(tmp_path / "nowhere", tmp_path, tmp_path)
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "catalogue.yaml").write_text("greeting: 您好\n", "utf-8")
    (tmp_path / "zh" / "greeting.wav").write_text("no sound")
    speech = Speech.open(tmp_path, tmp_path / "cache", tmp_path / "sounds", Manner("espeak"))
    assert [problem.file.rpartition("/")[2] for problem in speech.recordings.problems] == ["greeting.wav"]
    await speech.start()
    assert (await speech.composer.compose(speech.catalogue.say("greeting", "zh"))).seconds > 0.4
    await speech.stop()


async def test_prompts_are_exported_under_stable_names_and_only_fixed_ones(cache: Path, tmp_path: Path) -> None:
    speech = Speech.open(PROMPTS, cache, tmp_path / "sounds", Manner("espeak"))
    await speech.start()
    for _ in range(2):
        written = await export_prompts(speech.catalogue, speech.composer, ["apology", "all_lines_busy"], tmp_path / "x")
        assert [str(path.relative_to(tmp_path)) for path in written] == [
            "x/zh/apology",
            "x/en/apology",
            "x/zh/all_lines_busy",
            "x/en/all_lines_busy",
        ]
        assert all(read_clip(path) for path in written)
    with pytest.raises(SpeechError, match="quote_old takes values"):
        await export_prompts(speech.catalogue, speech.composer, ["quote_old"], tmp_path)
    with pytest.raises(SpeechError, match="no prompt 'nonsense'"):
        await export_prompts(speech.catalogue, speech.composer, ["nonsense"], tmp_path)
    await speech.stop()


def test_hold_music_is_quiet_pleasantly_long_and_has_no_seam(tmp_path: Path) -> None:
    base = write_hold_music(tmp_path)
    clip = read_clip(base)
    assert clip is not None
    assert 30 <= clip.seconds <= 60
    forms: list[np.ndarray[Any, Any]] = [
        np.frombuffer(clip.sln16, "<i2").astype(float) / 32768,
        alaw.decode(clip.alaw).astype(float) / 32768,
    ]
    for samples in forms:
        assert 10 * np.log10((samples**2).mean()) == pytest.approx(LEVEL_DBFS, abs=2)
        assert np.abs(samples).max() < 0.25
        steps = np.abs(np.diff(samples))
        assert abs(samples[0] - samples[-1]) <= steps.max()
        assert steps.max() < 0.06
    assert clip == loop()


async def test_composed_sounds_are_kept_up_to_the_limit_that_was_set(cache: Path, tmp_path: Path) -> None:
    """What was composed longest ago is forgotten; nothing that may still be playing is."""
    manner = Manner("espeak", sounds_bytes=2_000_000)
    speech = Speech.open(PROMPTS, cache, tmp_path, manner)
    now = 0.0
    speech._sounds._clock = lambda: now
    await speech.start()
    try:
        first = await speech.composer.compose(speech.catalogue.say("main_menu", "zh"))
        for prompt in ("account_menu", "main_menu", "changes_menu", "wishes_menu", "appointments_menu"):
            now += 600
            await speech.composer.compose(speech.catalogue.say(prompt, "en"))
        assert speech._sounds.total_bytes <= 2_000_000
        assert read_clip(Path(first.path)) is None
        assert speech.composer.ready(speech.catalogue.say("appointments_menu", "en")) is not None
    finally:
        await speech.stop()
