"""The natural voice: heard where it was rendered ahead; elsewhere the plain one, once; never a failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from speech_fakes import FakeEngine, clip_lasting

from ivr.speech import voice_pack
from ivr.speech.audio import shaping
from ivr.speech.audio.clip import Clip
from ivr.speech.building import Text, build, missing, pack_up
from ivr.speech.clips import Clips, rendered_name
from ivr.speech.composer import Composer, Natural
from ivr.speech.engines.engine import Engine
from ivr.speech.examples import example, parsed
from ivr.speech.foreseen import Foreseen
from ivr.speech.learner import Learner
from ivr.speech.manner import Manner
from ivr.speech.recordings import Recordings
from ivr.speech.sounds import Sounds
from ivr.speech.speech import Speech
from ivr.speech.utterance import Piece, Sound, Utterance
from ivr.speech.values import KINDS, Price
from ivr.speech.voice_pack import VoicePack

VOICE = "natural 1"


def tone(pitch: float, seconds: float = 0.5) -> Clip:
    """Sound that survives being packed: a tone of that pitch, in Hz."""
    time = np.arange(int(seconds * 16000)) / 16000
    return shaping.clip_of((0.1 * np.sin(2 * np.pi * pitch * time)).astype(np.float32), 16000)


def pitch_of(clip: Clip) -> float:
    wide = np.frombuffer(clip.sln16, "<i2").astype(np.float64)
    return float(np.argmax(np.abs(np.fft.rfft(wide)))) * 16000 / len(wide)


def pack_with(
    directory: Path, pitches: dict[str, float], starts: tuple[str, ...] = (), voice: str = VOICE
) -> VoicePack:
    voice_pack.write(directory, "zh", voice, pitches, starts, lambda words: tone(pitches[words]))
    pack = VoicePack.load(directory)
    assert pack.problems == ()
    return pack


def composer_with(
    engine: Engine, directory: Path, pack: VoicePack, wish: Callable[[str, str], None] | None = None
) -> Composer:
    sounds = Sounds(directory / "sounds")
    sounds.open()
    clips = Clips(directory / "clips")
    return Composer(engine, Recordings.load(directory), clips, sounds, Natural(pack, VOICE, wish))


def saying(*words: str, pause: int = 0) -> Utterance:
    return Utterance("zh", tuple(Piece(word, pause_after_ms=pause) for word in words))


def heard(sound: Sound) -> bytes:
    return Path(sound.path + ".alaw").read_bytes()


async def test_what_is_in_the_pack_is_heard_and_the_engine_says_the_rest(tmp_path: Path, engine: FakeEngine) -> None:
    pack = pack_with(tmp_path, {"您好": 500.0})
    composer = composer_with(engine, tmp_path, pack)
    packed = pack.find("zh", "您好")
    assert packed is not None
    assert pitch_of(packed.load()) == pytest.approx(500, abs=5)
    sound = heard(await composer.compose(saying("您好", "再见")))
    assert packed.load().alaw in sound
    assert clip_lasting(0.1, "fake 1 zh 再见").alaw in sound
    assert engine.said == ["再见"]


async def test_a_changed_text_is_said_plainly_until_it_is_rendered(tmp_path: Path, engine: FakeEngine) -> None:
    composer = composer_with(engine, tmp_path, pack_with(tmp_path, {"您好": 500.0}))
    await composer.compose(saying("您好！欢迎"))
    assert engine.said == ["您好！欢迎"]


async def test_a_broken_file_of_the_pack_costs_the_nice_voice_and_nothing_else(
    tmp_path: Path, engine: FakeEngine
) -> None:
    pack = pack_with(tmp_path, {"您好": 500.0})
    (file,) = (tmp_path / "zh" / voice_pack.FOLDER).glob("*.opus")
    file.write_bytes(b"OggS and then nothing")
    sound = heard(await composer_with(engine, tmp_path, pack).compose(saying("您好")))
    assert clip_lasting(0.1, "fake 1 zh 您好").alaw in sound


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"voice": 1, "clips": [], "phrases": 3}', "\udcff"])
def test_an_index_that_is_none_is_a_problem_and_no_error(tmp_path: Path, index: str) -> None:
    folder = tmp_path / "zh" / voice_pack.FOLDER
    folder.mkdir(parents=True)
    (folder / voice_pack.INDEX).write_text(index, "utf-8", errors="surrogateescape")
    pack = VoicePack.load(tmp_path)
    (problem,) = pack.problems
    assert "index" in str(problem)
    assert pack.find("zh", "您好") is None


def test_a_file_that_is_missing_is_told_and_not_promised(tmp_path: Path) -> None:
    pack_with(tmp_path, {"您好": 500.0, "再见": 600.0})
    next((tmp_path / "zh" / voice_pack.FOLDER).glob("*.opus")).unlink()
    pack = VoicePack.load(tmp_path)
    assert len(pack.problems) == 1
    assert len(pack.words("zh")) == 1


async def test_words_of_a_phrase_are_one_clip_and_a_recorded_word_stays_itself(
    tmp_path: Path, engine: FakeEngine
) -> None:
    pack = pack_with(tmp_path, {"点二三": 400.0, "点二": 500.0, "点": 600.0, "二": 700.0}, starts=("点",))
    together = pack.find("zh", "点二三")
    assert together is not None
    sound = await composer_with(engine, tmp_path, pack).compose(saying("一", "点", "二", "三"))
    assert together.load().alaw in heard(sound)
    assert engine.said == ["一"]
    words = tmp_path / "zh" / "words"
    words.mkdir()
    rng = np.random.default_rng(1)
    _write_wav(words / "二.wav", (rng.standard_normal(8000) * 0.05).astype(np.float32))
    engine.said.clear()
    sound = await composer_with(engine, tmp_path / "again", pack).compose(saying("点", "二", "三"))
    assert together.load().alaw in heard(sound)  # no recording there
    recorded = await composer_with(engine, tmp_path, pack).compose(saying("点", "二", "三"))
    assert together.load().alaw not in heard(recorded)


def _write_wav(file: Path, samples: shaping.Samples) -> None:
    import wave

    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes((samples * 32767).astype("<i2").tobytes())


def test_a_pause_inside_a_phrase_is_a_comma(tmp_path: Path) -> None:
    pieces = [Piece("六", pause_after_ms=20), Piece("零", pause_after_ms=120), Piece("五")]
    assert voice_pack.phrase("zh", pieces) == "六零，五"
    assert voice_pack.phrase("en", pieces) == "六 零, 五"


async def test_on_a_miss_the_plain_engine_speaks_at_once_and_the_next_caller_hears_the_natural_voice(
    tmp_path: Path, engine: FakeEngine
) -> None:
    natural = FakeEngine(VOICE)
    learnt = asyncio.Event()

    def learn(language: str, words: str, clip: Clip) -> None:
        composer.learn(language, words, clip)
        learnt.set()

    learner = Learner(lambda: natural, learn)
    composer = composer_with(engine, tmp_path, VoicePack(tmp_path), learner.wish)
    learner.start()
    try:
        first = heard(await composer.compose(saying("贵州茅台")))
        assert clip_lasting(0.1, "fake 1 zh 贵州茅台").alaw in first
        await asyncio.wait_for(learnt.wait(), 5)
        second = heard(await composer.compose(saying("贵州茅台")))
        assert clip_lasting(0.1, f"{VOICE} zh 贵州茅台").alaw in second
    finally:
        await learner.stop()
    # and after a restart
    again = composer_with(engine, tmp_path, VoicePack(tmp_path))
    assert heard(await again.compose(saying("贵州茅台"))) == second
    assert engine.said == ["贵州茅台"]


async def test_what_cannot_be_learnt_is_left_and_the_next_text_is_taken(tmp_path: Path) -> None:
    class Picky(FakeEngine):
        async def render(self, language: str, words: str):  # type: ignore[no-untyped-def]
            self.broken = words == "坏"
            return await super().render(language, words)

    learnt: list[str] = []
    done = asyncio.Event()

    def learn(_language: str, words: str, _clip: Clip) -> None:
        learnt.append(words)
        done.set()

    learner = Learner(lambda: Picky(VOICE), learn)
    learner.start()
    for words in ("坏", "好"):
        learner.wish("zh", words)
    await asyncio.wait_for(done.wait(), 5)
    await learner.stop()
    assert learnt == ["好"]


async def test_building_goes_on_where_it_was_cut_short_and_packs_what_is_wanted(tmp_path: Path) -> None:
    clips = Clips(tmp_path / "clips")
    engine = FakeEngine(VOICE)
    texts = [Text("zh", words) for words in ("一", "二", "三")]
    engine.seconds = 0.3
    await build(engine, texts[:2], clips)
    left = missing(texts, VoicePack.load(tmp_path), Clips(tmp_path / "clips"), VOICE)
    assert left == texts[2:]
    seen: list[tuple[int, int]] = []
    built = await build(engine, left, clips, lambda done, of: seen.append((done, of)))
    assert (built.rendered, built.failed, seen[-1]) == (1, [], (1, 1))
    assert engine.said == ["一", "二", "三"]
    wanted = Foreseen({"一": None, "三": None, "四": None}, {"一"})
    assert pack_up(tmp_path, "zh", VOICE, wanted, clips) == 2
    assert pack_up(tmp_path, "zh", VOICE, wanted, Clips(tmp_path / "elsewhere")) == 0  # it has them itself
    pack = VoicePack.load(tmp_path)
    assert set(pack.words("zh")) == {"一", "三"}
    wanted.words.pop("三")
    pack_up(tmp_path, "zh", VOICE, wanted, clips)
    assert len(list((tmp_path / "zh" / voice_pack.FOLDER).glob("*.opus"))) == 1
    told = json.loads((tmp_path / "zh" / voice_pack.FOLDER / voice_pack.INDEX).read_text("utf-8"))
    assert told["voice"] == VOICE
    assert told["phrases"] == ["一"]


async def test_a_text_that_fails_does_not_keep_the_others_from_being_rendered(tmp_path: Path) -> None:
    engine = FakeEngine(VOICE)
    engine.broken = True
    built = await build(engine, [Text("zh", "一"), Text("zh", "二")], Clips(tmp_path))
    assert [text.words for text, _ in built.failed] == ["一", "二"]


def test_a_pack_of_an_older_voice_serves_and_is_renewed_when_that_is_asked_for(tmp_path: Path) -> None:
    pack = pack_with(tmp_path, {"一": 500.0}, voice="natural 0")
    text = Text("zh", "一")
    clips = Clips(tmp_path / "clips")
    assert missing([text], pack, clips, VOICE) == []
    assert missing([text], pack, clips, VOICE, renew=True) == [text]
    clips.keep(rendered_name(VOICE, "zh", "一"), tone(900.0))
    assert missing([text], pack, clips, VOICE, renew=True) == []


def test_every_kind_of_value_has_an_example_and_a_written_form() -> None:
    for kind, written in {"price": "1.5", "move": "1/2", "day": "2026-11-23", "name": "甲"}.items():
        assert parsed(kind, written).kind == kind
    assert {example(kind).kind for kind in KINDS} == set(KINDS)


async def test_after_warming_no_phrase_is_left_to_be_unpacked_in_a_call(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    (prompts / "zh").mkdir(parents=True)
    (prompts / "zh" / "catalogue.yaml").write_text('price: "现价{last:price}。"\n', "utf-8")
    pack = pack_with(prompts, {"点二三": 400.0}, starts=("点",))
    together = pack.find("zh", "点二三")
    assert together is not None
    speech = Speech.open(prompts, tmp_path / "cache", tmp_path / "sounds", Manner("espeak", natural=True))
    await speech.start()
    try:
        await speech.warm()
        before = speech.composer.renders
        sound = await speech.composer.compose(
            speech.catalogue.say("price", "zh", {"last": Price(Decimal("8.23"), "points")})
        )
        assert speech.composer.renders == before
        assert together.load().alaw in heard(sound)
    finally:
        await speech.stop()
