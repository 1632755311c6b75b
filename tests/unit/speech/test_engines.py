"""The real engines: what they say can be heard, whatever is thrown at them and whatever happens to a worker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from ivr.speech.audio import alaw, shaping
from ivr.speech.audio.clip import Clip
from ivr.speech.engines.engine import Engine, spoken_texts
from ivr.speech.engines.espeak import EspeakEngine
from ivr.speech.engines.pyttsx3_pool import Pyttsx3Pool
from ivr.speech.errors import EngineFailed
from ivr.speech.reading import vocabulary
from ivr.speech.template import LONGEST_PROMPT

LONG = "今日市场总体平稳，成交活跃。" * 20
SENTENCE = "欢迎致电金线证券服务热线，查询行情请按一。"


@pytest.fixture
async def pool() -> AsyncIterator[Pyttsx3Pool]:
    pool = Pyttsx3Pool(2)
    yield pool
    await pool.stop()
    assert pool.pids == []


@pytest.fixture(params=["pyttsx3", "espeak"])
async def any_engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    engine: Engine = Pyttsx3Pool(2) if request.param == "pyttsx3" else EspeakEngine(2)
    await engine.start()
    yield engine
    await engine.stop()


async def clip_of(engine: Engine, words: str, language: str = "zh") -> Clip:
    rendered = await engine.render(language, words)
    assert rendered.engine == engine.identity
    assert rendered.clip.whole
    return rendered.clip


def wide(clip: Clip) -> shaping.Samples:
    return np.frombuffer(clip.sln16, "<i2").astype(np.float32) / 32768


def check_sound(clip: Clip) -> None:
    """Non-silent in both forms, as loud as a voice shall be, and never cut square."""
    level = shaping.level_dbfs(wide(clip), 16000)
    assert level == pytest.approx(shaping.TARGET_DBFS, abs=5)
    narrow = alaw.decode(clip.alaw).astype(np.float32) / 32768
    assert shaping.level_dbfs(narrow, 8000) == pytest.approx(level, abs=2)
    assert np.abs(wide(clip)).max() <= shaping.CEILING + 0.001


LENGTHS = [
    ("zh", SENTENCE, 4, 7),
    ("zh", "一", 0.15, 0.6),
    ("zh", "贵州茅台", 0.7, 1.5),
    ("zh", "请按井号键。 For English, press eight", 3, 5),
    ("en", "Welcome to the Goldline Securities hotline", 2, 4),
    ("en", "one", 0.2, 0.7),
]


async def test_a_clip_can_be_heard_and_is_as_long_as_the_words(any_engine: Engine) -> None:
    for language, words, shortest, longest in LENGTHS:
        clip = await clip_of(any_engine, words, language)
        check_sound(clip)
        assert shortest < clip.seconds < longest, words


async def test_different_words_sound_different_and_the_same_the_same(any_engine: Engine) -> None:
    texts = ["一", "二", "三", "四", "七", "十", "元", "角", "上涨百分之", "下跌百分之"]
    clips = [await clip_of(any_engine, words) for words in texts]
    assert len({clip.alaw for clip in clips}) == len(texts)
    assert (await clip_of(any_engine, "一")).seconds == pytest.approx(clips[0].seconds, abs=0.03)


async def test_a_voice_keeps_its_pace_whichever_voice_spoke_before(any_engine: Engine) -> None:
    """A new rate is queued in espeak, and was once lost between two languages."""
    lengths: dict[str, list[float]] = {"zh": [], "en": []}
    for language in ["zh", "en", "en", "zh", "zh", "en"] * 3:
        words = SENTENCE if language == "zh" else "For quotes, press one. For notices, press two."
        lengths[language].append((await clip_of(any_engine, words, language)).seconds)
    for seconds in lengths.values():
        assert max(seconds) - min(seconds) < 0.15


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_number_words_are_equally_loud(any_engine: Engine, language: str) -> None:
    words = [word for word in vocabulary(language) if len(word) <= 6][::12]
    levels = [shaping.level_dbfs(wide(await clip_of(any_engine, word, language)), 16000) for word in words]
    assert np.median(levels) == pytest.approx(shaping.TARGET_DBFS, abs=3)


NASTY = [
    "-v 好",
    "--help",
    "-- 你好",
    "<speak><break time='10s'/>你好</speak>",
    "[[hello]] 你好",
    "&lt;你好&gt;",
    "你好😀🎉",
    "$(touch /tmp/x) `id` 你好; rm",
    "quote \" ' \\ 你好",
    "你\x00好\x1b[31m",
    "é ü ñ ß 你好",
    "龘𠮷",
    "💹",
    "",
    " ",
    "。。。",
]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_whatever_is_in_a_text_it_is_said_or_left_out(any_engine: Engine, language: str) -> None:
    for words in NASTY:
        clip = await clip_of(any_engine, words, language)
        assert clip.seconds < 10, words
        assert (clip.seconds < 0.1) == (not spoken_texts(language, words)), words


async def test_the_longest_prompt_is_said_to_its_end(any_engine: Engine) -> None:
    sentence = "今日市场总体平稳，成交活跃。"
    twice = await clip_of(any_engine, sentence * 2)
    often = LONGEST_PROMPT // len(sentence)
    clip = await clip_of(any_engine, sentence * often)
    assert clip.seconds == pytest.approx(twice.seconds / 2 * often, rel=0.2)


async def test_fifty_at_once_are_fifty_right_clips(any_engine: Engine) -> None:
    words = [word for word in vocabulary("zh") if len(word) > 1][:50]
    together = await asyncio.gather(*(clip_of(any_engine, word) for word in words))
    alone = EspeakEngine(1)
    for word, clip in list(zip(words, together, strict=True))[::5]:
        check_sound(clip)
        assert clip.seconds == pytest.approx((await clip_of(alone, word)).seconds, abs=0.06), word


async def test_a_worker_killed_while_it_speaks_loses_nothing(pool: Pyttsx3Pool) -> None:
    await pool.start()
    (worker,) = pool.pids
    speaking = asyncio.create_task(clip_of(pool, LONG))
    await asyncio.sleep(0)  # the request goes out in the task's first step
    os.kill(worker, signal.SIGKILL)
    assert (await speaking).seconds > 40
    assert worker not in pool.pids
    check_sound(await clip_of(pool, "一千"))


async def test_a_worker_killed_while_idle_is_replaced(pool: Pyttsx3Pool) -> None:
    await pool.start()
    os.kill(pool.pids[0], signal.SIGKILL)
    check_sound(await clip_of(pool, "一千"))


async def test_a_worker_that_hangs_is_ended_and_said_so() -> None:
    pool = Pyttsx3Pool(1, render_seconds=4.0)  # the new one must make it, however busy the machine
    await pool.start()
    (worker,) = pool.pids
    os.kill(worker, signal.SIGSTOP)
    check_sound(await clip_of(pool, "一千"))  # on a new worker
    assert worker not in pool.pids
    os.kill(pool.pids[0], signal.SIGSTOP)
    await pool.stop()  # does not wait for it for ever
    assert pool.pids == []


async def test_a_text_that_takes_too_long_is_an_error_with_a_remedy() -> None:
    pool = Pyttsx3Pool(1, render_seconds=0.001)
    try:
        with pytest.raises(EngineFailed) as caught:
            await clip_of(pool, "今日市场总体平稳。" * 20)
        assert "did not answer" in caught.value.message
        assert caught.value.remedy
    finally:
        await pool.stop()


async def test_a_caller_who_goes_away_leaves_the_pool_in_step(pool: Pyttsx3Pool) -> None:
    await pool.start()
    waiting = asyncio.create_task(clip_of(pool, LONG))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    clips = await asyncio.gather(*(clip_of(pool, "一千") for _ in range(4)))
    assert all(clip.seconds < 1 for clip in clips)


async def test_a_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pyttsx3.py").write_text("raise RuntimeError('no espeak here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pool = Pyttsx3Pool(1)
    with pytest.raises(EngineFailed, match="no espeak here") as caught:
        await pool.start()
    assert "espeak-ng" in caught.value.remedy
    with pytest.raises(EngineFailed, match="no espeak here"):
        await pool.render("zh", "一")
    assert pool.pids == []


async def test_a_missing_program_says_what_to_install() -> None:
    engine = EspeakEngine(1, program="espeak-that-is-not-there")
    for attempt in (engine.start(), engine.render("zh", "一")):
        with pytest.raises(EngineFailed, match="Install the package espeak-ng"):
            await attempt


async def test_a_program_that_fails_or_hangs_is_an_error_and_is_ended(tmp_path: Path) -> None:
    program = tmp_path / "espeak"
    program.write_text("#!/bin/sh\ncat >/dev/null\necho no voice >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(EngineFailed, match="ended with 3: no voice"):
        await EspeakEngine(1, str(program)).render("zh", "一")
    program.write_text("#!/bin/sh\necho $$ > " + str(tmp_path / "pid") + "\nexec sleep 60\n")
    with pytest.raises(EngineFailed, match="did not end in 1"):
        await EspeakEngine(1, str(program), render_seconds=1.0).render("zh", "一")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_the_loop_goes_on_while_engines_speak(any_engine: Engine) -> None:
    turns = 0
    speaking = asyncio.create_task(clip_of(any_engine, SENTENCE * 5))
    while not speaking.done():
        await asyncio.sleep(0.001)
        turns += 1
    await speaking
    assert turns > 5


def test_pinyin_is_what_the_market_says() -> None:
    said = {words: spoken_texts("zh", words)[0].text for words in ("重庆银行涨停", "还款", "A股", "一万一千", "第一条")}
    assert said == {
        "重庆银行涨停": "chong2 qing4 yin2 hang2 zhang3 ting2",
        "还款": "huan2 kuan3",
        "A股": "ei1 gu3",
        "一万一千": "yi2 wan4 yi4 qian1",
        "第一条": "di4 yi1 tiao2",
    }
