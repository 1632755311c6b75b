"""One utterance, one file: cached clips are joined and nothing rendered, missing ones rendered once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from speech_fakes import PROMPTS, FakeEngine, clip_lasting, make_composer

from ivr.speech import reading
from ivr.speech.audio.clip import silence
from ivr.speech.catalogue import Catalogue
from ivr.speech.composer import LEAD_MS, TAIL_MS, Composer
from ivr.speech.engines.fallback import REST_SECONDS, FallbackEngine
from ivr.speech.errors import EngineFailed, SpeechError
from ivr.speech.sounds import Sounds
from ivr.speech.utterance import Piece, Sound, Utterance
from ivr.speech.values import Price, Value


def saying(*words: str, pause: int = 0) -> Utterance:
    return Utterance("zh", tuple(Piece(word, pause_after_ms=pause) for word in words))


def heard(sound: Sound) -> bytes:
    data = Path(sound.path + ".alaw").read_bytes()
    assert len(Path(sound.path + ".sln16").read_bytes()) == 4 * len(data)
    assert sound.seconds == len(data) / 8000
    return data


async def test_the_file_holds_the_clips_in_order_with_their_pauses(composer: Composer, engine: FakeEngine) -> None:
    sound = await composer.compose(saying("一", "二", pause=50))
    one, two = (clip_lasting(0.1, f"fake 1 zh {word}").alaw for word in "一二")
    assert heard(sound) == silence(LEAD_MS).alaw + one + silence(50).alaw + two + silence(TAIL_MS).alaw


async def test_a_quote_whose_clips_are_cached_renders_nothing(
    composer: Composer, engine: FakeEngine, quote: dict[str, Value]
) -> None:
    catalogue = Catalogue.load(PROMPTS)
    await composer.warm(catalogue.utterances())
    await composer.warm([saying(*reading.vocabulary("zh")), saying("贵州茅台")])
    engine.said.clear()
    for cents in range(100_000, 200_000, 9973):
        await composer.compose(catalogue.say("quote_share", "zh", quote | {"last": Price(Decimal(cents) / 100)}))
    assert engine.said == []


async def test_composing_from_cached_clips_never_waits(composer: Composer) -> None:
    await composer.warm([saying("一", "二")])
    steps = composer.compose(saying("二", "一"))
    with pytest.raises(StopIteration):  # it ended in its first step: no process, no thread, no turn of the loop
        steps.send(None)


async def test_ready_tells_only_what_is_there(composer: Composer) -> None:
    utterance = saying("一")
    assert composer.ready(utterance) is None
    sound = await composer.compose(utterance)
    assert composer.ready(utterance) == sound
    assert composer.ready(saying("一")) == sound
    assert composer.ready(saying("二")) is None


async def test_what_was_composed_before_a_restart_is_ready(engine: FakeEngine, tmp_path: Path) -> None:
    sound = await make_composer(engine, tmp_path).compose(saying("一"))
    again = make_composer(engine, tmp_path)
    assert again.ready(saying("一")) == sound
    assert engine.said == ["一"]


async def test_another_engine_makes_other_sounds(tmp_path: Path) -> None:
    sound = await make_composer(FakeEngine("fake 1"), tmp_path).compose(saying("一"))
    other = make_composer(FakeEngine("fake 2"), tmp_path)
    assert other.ready(saying("一")) is None
    assert (await other.compose(saying("一"))).path != sound.path


async def test_many_callers_asking_for_one_word_render_it_once(composer: Composer, engine: FakeEngine) -> None:
    engine.gate.clear()
    waiting = [asyncio.create_task(composer.compose(saying("一", word))) for word in "二三四" * 10]
    await asyncio.sleep(0)
    engine.gate.set()
    sounds = await asyncio.gather(*waiting)
    assert sorted(engine.said) == sorted("一二三四")
    assert len({sound.path for sound in sounds}) == 3


async def test_a_caller_who_hangs_up_takes_nothing_from_the_others(composer: Composer, engine: FakeEngine) -> None:
    engine.gate.clear()
    first, second = (asyncio.create_task(composer.compose(saying("一"))) for _ in range(2))
    while not engine.said:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    engine.gate.set()
    assert heard(await second)
    assert engine.said == ["一"]


async def test_when_everyone_hung_up_the_sound_is_made_all_the_same(composer: Composer, engine: FakeEngine) -> None:
    engine.gate.clear()
    only = asyncio.create_task(composer.compose(saying("一")))
    while not engine.said:
        await asyncio.sleep(0)
    only.cancel()
    engine.gate.set()
    assert heard(await composer.compose(saying("一")))
    assert engine.said == ["一"]


async def test_a_broken_engine_is_an_error_with_a_remedy_and_the_next_try_may_work(
    composer: Composer, engine: FakeEngine
) -> None:
    engine.broken = True
    for _ in range(2):
        with pytest.raises(EngineFailed, match="Mend it"):
            await composer.compose(saying("一", "二"))
    engine.broken = False
    assert heard(await composer.compose(saying("一", "二")))


async def test_nothing_to_say_is_a_short_silence(composer: Composer) -> None:
    sound = await composer.compose(Utterance("zh", ()))
    assert set(heard(sound)) == {0xD5}
    assert 0 < sound.seconds < 0.5


async def test_a_sound_that_was_forgotten_is_made_again(engine: FakeEngine, tmp_path: Path) -> None:
    now = [0.0]
    sounds = Sounds(tmp_path / "sounds", limit_bytes=1, clock=lambda: now[0])
    sounds.open()
    composer = make_composer(engine, tmp_path)
    composer._sounds = sounds
    await composer.compose(saying("一"))
    now[0] = 1000.0
    await composer.compose(saying("二"))
    assert composer.ready(saying("一")) is None
    assert heard(await composer.compose(saying("一")))
    assert engine.said == ["一", "二"]


async def test_a_disk_that_cannot_be_written_is_said_so(composer: Composer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, clip: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(composer._sounds, "write", full)
    with pytest.raises(SpeechError, match="No space left on device"):
        await composer.compose(saying("一"))


async def test_a_long_text_is_written_off_the_loop_and_is_whole(composer: Composer, engine: FakeEngine) -> None:
    engine.seconds = 30.0
    sound = await composer.compose(saying("一", "二", pause=100))
    assert len(heard(sound)) == (60_000 + LEAD_MS + 100 + TAIL_MS) * 8


async def test_warming_tells_its_progress_and_does_nothing_the_second_time(
    composer: Composer, engine: FakeEngine
) -> None:
    told: list[tuple[int, int]] = []
    utterances = [saying("一", "二"), saying("二", "三")]
    assert await composer.warm(utterances, lambda done, total: told.append((done, total))) == 3
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert await composer.warm(utterances) == 0
    assert sorted(engine.said) == sorted("一二三")


async def test_warming_goes_on_past_a_word_that_cannot_be_said(composer: Composer, engine: FakeEngine) -> None:
    engine.broken = True
    told: list[tuple[int, int]] = []
    await composer.warm([saying("一", "二")], lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2)


async def test_the_plainer_voice_speaks_when_the_first_engine_fails_and_is_not_kept(tmp_path: Path) -> None:
    now = [0.0]
    first, second = FakeEngine(), FakeEngine("plain 1")
    both = FallbackEngine(first, second, clock=lambda: now[0])
    first.broken = True
    composer = make_composer(both, tmp_path)
    plain = await composer.compose(saying("一", "二"))
    assert heard(plain)
    assert composer.ready(saying("一", "二")) == plain
    await composer.compose(saying("三"))
    assert first.said == ["一"]  # it failed once, and is left alone for a while

    first.broken = False
    now[0] += REST_SECONDS
    restarted = make_composer(both, tmp_path)
    assert restarted.ready(saying("一", "二")) is None
    again = await restarted.compose(saying("一", "二"))
    assert again.path != plain.path
    assert first.said == ["一", "一", "二"]


async def test_when_both_engines_fail_the_error_is_told(tmp_path: Path) -> None:
    first, second = FakeEngine(), FakeEngine("plain 1")
    first.broken = second.broken = True
    both = FallbackEngine(first, second)
    with pytest.raises(EngineFailed):
        await both.start()
    with pytest.raises(EngineFailed):
        await both.render("zh", "一")
