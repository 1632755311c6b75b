"""The voice pack that we ship: whole, heard, and of the words that are said today. What is missing is named here."""

from __future__ import annotations

import json

import numpy as np
import pytest
from speech_fakes import PROMPTS

from ivr.speech import reading, voice_pack
from ivr.speech.audio import shaping
from ivr.speech.catalogue import Catalogue
from ivr.speech.engines.kokoro.voices import identity
from ivr.speech.voice_pack import VoicePack

LANGUAGES = ("zh",)  # whose pack must be complete
MOST_MISSING = 0.25  # of the catalogue: texts change between two renderings, and are said plainly until the next
MOST_BYTES = 12 << 20  # of both languages: everybody who clones the project downloads it
EVERY = 23  # a file in so many is listened to
REMEDY = "render them: ivr prompts build --pack"


@pytest.fixture(scope="module")
def pack() -> VoicePack:
    return VoicePack.load(PROMPTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_today_is_in_the_pack(pack: VoicePack, language: str) -> None:
    said = [utterance for utterance in Catalogue.load(PROMPTS).utterances() if utterance.language == language]
    wanted = {piece.words for utterance in said for piece in utterance.pieces}
    missing = sorted(words for words in wanted if pack.find(language, words) is None)
    assert len(missing) <= MOST_MISSING * len(wanted), f"{REMEDY}: {missing}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_number_word_is_in_the_pack(pack: VoicePack, language: str) -> None:
    """A quote must not change its voice in the middle."""
    assert [each for each in reading.vocabulary(language) if pack.find(language, each) is None] == [], REMEDY


def test_the_pack_is_whole_and_of_todays_voice(pack: VoicePack) -> None:
    assert pack.problems == ()
    languages = Catalogue.load(PROMPTS).languages
    assert {pack.identity(language) for language in languages} <= {identity(), ""}, REMEDY
    everything = {language: list(pack.words(language)) for language in languages}
    assert pack.strangers(everything) == []
    files = list(PROMPTS.glob(f"*/{voice_pack.FOLDER}/*"))
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    for language in [each for each in languages if pack.identity(each)]:
        told = json.loads((PROMPTS / language / voice_pack.FOLDER / voice_pack.INDEX).read_text("utf-8"))
        assert set(told["clips"]) == set(pack.words(language))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_in_it_can_be_heard_and_lasts_as_long_as_its_words(pack: VoicePack, language: str) -> None:
    shortest, longest = {"zh": (0.1, 0.4), "en": (0.03, 0.12)}[language]  # seconds a letter
    for words in sorted(pack.words(language))[::EVERY]:
        packed = pack.find(language, words)
        assert packed is not None
        clip = packed.load()
        wide = np.frombuffer(clip.sln16, "<i2").astype(np.float32) / 2**15
        assert shaping.level_dbfs(wide, 16000) == pytest.approx(shaping.TARGET_DBFS, abs=5), words
        assert np.abs(wide).max() <= shaping.CEILING + 0.01, words
        letters = sum(letter.isalpha() for letter in words)
        assert shortest * letters < clip.seconds < 0.6 + longest * letters, (words, clip.seconds)
