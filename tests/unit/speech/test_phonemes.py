"""Kokoro's phonemes: Mandarin by our own table, English by way of espeak-ng's IPA."""

from __future__ import annotations

import pytest
from speech_fakes import PROMPTS

from ivr.speech import reading
from ivr.speech.catalogue import Catalogue
from ivr.speech.engines.kokoro import english, mandarin
from ivr.speech.engines.kokoro.symbols import MOST, NUMBERS, numbers_of
from ivr.speech.engines.kokoro.worker import parts_of

# As the G2P package that the model was trained with (misaki 0.9.4) has them; bench/phonemes.py compares all syllables.
SYLLABLES = {
    "zhou1": "ꭧou→", "gui4": "kwei↘", "mao2": "mau↗", "nü3": "ny↓", "lüe4": "lɥe↘", "quan2": "ʨʰɥɛ↗n", "yun2": "y↗n",
    "yue4": "ɥe↘", "yong4": "jʊ↘ŋ", "you3": "jou↓", "wang2": "wa↗ŋ", "weng1": "wə→ŋ", "wei4": "wei↘", "wo3": "wo↓",
    "er4": "ɚ↘", "shi2": "ʂɨ↗", "zi4": "ʦɨ↘", "ri4": "ɻɨ↘", "yi1": "i→", "wu3": "u↓", "bo1": "pwo→", "dui4": "twei↘",
    "jiu3": "ʨjou↓", "xiang1": "ɕja→ŋ", "de5": "tɤ", "ju2": "ʨy↗", "o2": "ɔ↗", "shui3": "ʂwei↓", "lun2": "lwə↗n",
}  # fmt: skip


@pytest.mark.parametrize("spelled", SYLLABLES)
def test_a_syllable_is_spelled_as_the_model_learnt_it(spelled: str) -> None:
    assert mandarin.syllable(spelled) == SYLLABLES[spelled]


def test_what_is_no_syllable_is_left_out() -> None:
    assert [mandarin.syllable(strange) for strange in ("xq1", "bb2", "vv3")] == [""] * 3


def test_words_keep_their_commas_and_their_tones() -> None:
    assert mandarin.phonemes("一千，不对") == "i↘ʨʰjɛ→n, pu↗twei↘"
    assert mandarin.phonemes("重庆银行") == "ꭧʰʊ↗ŋʨʰi↘ŋi↗nxa↗ŋ"
    assert mandarin.phonemes("！？") == ""


@pytest.mark.parametrize(
    ("ipa", "phonemes"),
    [
        ("wˈɛlkʌm", "wˈɛlkʌm"),
        ("kˈʌstəmɚ", "kˈʌstəməɹ"),
        ("ˌeɪˈɛm", "ˌAˈɛm"),
        ("fɔːɹ kwˈoʊts", "fɔɹ kwˈOts"),
        ("dʒˈʌdʒ tʃˈɜːtʃ", "ʤˈʌʤ ʧˈɜɹʧ"),
        ("lˈɪɾəl", "lˈɪTᵊl"),
        ("(zh)ni(en) nˈaʊ", "ni nˈW"),
    ],
)
def test_ipa_becomes_what_the_model_learnt(ipa: str, phonemes: str) -> None:
    assert english.as_trained(ipa) == phonemes


def test_english_marks_are_kept_and_a_point_in_pm_is_none() -> None:
    assert english.phonemes("nine p.m. please, go: now") == "nˈIn pˌiˈɛm plˈiz, ɡˈO: nˈW"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_word_of_ours_is_said_whole(language: str) -> None:
    """Nothing that the catalogue or a value says is lost on its way to the model, and nothing is too long for it."""
    words = [
        piece.words
        for utterance in Catalogue.load(PROMPTS).utterances()
        if utterance.language == language
        for piece in utterance.pieces
    ]
    sample = [*words[::9], *list(reading.vocabulary(language))[::9]]
    for each in sample:
        parts = parts_of(language, each)
        assert parts, each
        for part in parts:
            assert len(part.phonemes) <= MOST + 1, each
            assert len(numbers_of(part.phonemes)) == len(part.phonemes), (each, set(part.phonemes) - set(NUMBERS))


def test_sentences_are_said_one_by_one_and_a_long_one_is_cut_at_commas() -> None:
    parts = parts_of("zh", "请按一。For English, press two.")
    assert [part.language for part in parts] == ["zh", "en"]
    long = parts_of("zh", "，".join(["查询行情请按一"] * 20))
    assert len(long) > 1
    lengths = [len(part.phonemes) for part in long]
    assert max(lengths) < 2 * min(lengths)
    assert parts_of("zh", "。。") == []
