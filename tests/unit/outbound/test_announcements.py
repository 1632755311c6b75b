"""Announcements are recognised when they are worn, late or cut, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from outbound.announcements import references
from outbound.announcements.features import HOP, WINDOW, FeatureStream, features
from outbound.announcements.listener import Listener, Verdict, listen
from outbound.announcements.matcher import Prints
from outbound.announcements.references import Reference
from outbound.announcements.sound_file import read_sound
from tests.unit.outbound.sounds import Sound, beats, music, noise, noisy, silence

FOLDER = references.REFERENCES
ALL = references.read()
NAMES = [one.name for one in ALL]


@cache
def prints() -> Prints:
    return references.prints()


@cache
def sound_of(name: str) -> Sound:
    return read_sound(FOLDER / next(one.file for one in ALL if one.name == name))


def outcome_of(name: str) -> str:
    return next(one.outcome for one in ALL if one.name == name)


def heard(sound: Sound) -> Verdict | None:
    return listen(prints(), sound).verdict


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_copy_is_recognised_before_it_is_over(name: str) -> None:
    verdict = heard(sound_of(name))
    assert verdict is not None
    assert (verdict.outcome, verdict.reference) == (outcome_of(name), name)
    assert verdict.confidence > 0.8
    assert verdict.seconds < 4.5


def lossy(sound: Sound) -> Sound:
    worn = sound.copy()
    packet = 160
    for place in np.flatnonzero(np.random.default_rng(3).random(len(sound) // packet) < 0.05):
        worn[place * packet : (place + 1) * packet] = 0
    return worn


def at_speed(sound: Sound, factor: float) -> Sound:
    places = np.arange(0, len(sound) - 1, factor)
    return np.interp(places, np.arange(len(sound)), sound).astype(np.float32)


WORN: dict[str, Callable[[Sound], Sound]] = {
    "white noise at 10 dB": lambda sound: noisy(sound, 10),
    "hum": lambda sound: (sound + 0.05 * np.sin(2 * np.pi * 50 * np.arange(len(sound)) / 8000)).astype(np.float32),
    "clipped": lambda sound: np.clip(sound * 4, -0.5, 0.5),
    "12 dB softer": lambda sound: sound * np.float32(0.25),
    "12 dB louder": lambda sound: np.clip(sound * 4, -1, 1),
    "2 % faster": lambda sound: at_speed(sound, 1.02),
    "2 % slower": lambda sound: at_speed(sound, 0.98),
    "5 % of the packets lost": lossy,
    "after a ring tone": lambda sound: np.concatenate([beats((1.0, 4.0)), sound]),
    "from the middle of a round": lambda sound: np.concatenate([sound[len(sound) // 2 :], silence(0.8), sound]),
}


@pytest.mark.parametrize("wear", list(WORN))
def test_a_worn_copy_is_recognised(wear: str) -> None:
    wrong = []
    for name in ("mobile_unallocated", "mobile_switched_off", "other_stopped"):
        verdict = heard(WORN[wear](np.concatenate([sound_of(name), silence(0.8), sound_of(name)])))
        if verdict is None or verdict.outcome != outcome_of(name):
            wrong.append((name, verdict))
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_an_announcement_that_is_not_among_the_references_is_not_taken_for_one_of_the_same_voice(name: str) -> None:
    others = Prints(
        [
            references.print_of(one, sound_of(one.name))
            for one in ALL
            if one.name != name and one.outcome != outcome_of(name)
        ]
    )
    assert listen(others, np.concatenate([sound_of(name)] * 2)).verdict is None


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(beats((1.0, 4.0), rounds=3), id="ring tone"),
        pytest.param(music(20), id="colour ringback"),
        pytest.param(noise(80_000) * np.float32(0.1), id="noise"),
        pytest.param(silence(5), id="silence"),
        pytest.param(sound_of("mobile_busy")[::-1].copy(), id="speech backwards"),
        pytest.param(sound_of("mobile_stopped")[:15_200], id="only what is said before the decisive words"),
        pytest.param(silence(0), id="nothing at all"),
    ],
)
def test_nothing_else_is_taken_for_an_announcement(sound: Sound) -> None:
    listener = listen(prints(), sound)
    assert listener.verdict is None
    assert listener.rang == (len(sound) == 15 * 8000)


def test_the_tones_of_the_network_say_it_too() -> None:
    assert heard(beats((0.35, 0.35), rounds=6)) == Verdict("busy", 1.0, "tone:busy", 3.0)
    congested = heard(beats((0.7, 0.7), rounds=4))
    assert congested is not None
    assert congested.outcome == "network"
    unallocated = heard(beats((0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (0.4, 0.4), rounds=3))
    assert unallocated is not None
    assert unallocated.outcome == "unallocated"


def test_the_verdict_does_not_depend_on_how_the_sound_comes() -> None:
    sound = noisy(np.concatenate([silence(0.7), sound_of("mobile_no_answer")]), 15)
    for size in (37, 160, 4000):
        listener = Listener(prints())
        heard_first = next(
            (place for place in range(0, len(sound), size) if listener.feed(sound[place : place + size])), None
        )
        assert heard_first is not None
        assert listener.verdict is not None
        assert listener.verdict.reference == "mobile_no_answer"
        assert abs(listener.verdict.seconds - 4.0) < 0.7
        before = listener.verdict
        assert listener.feed(sound_of("mobile_stopped")) is before  # the first verdict stands
    as_numbers = (sound * 32767).astype(np.int16)
    verdict = listen(prints(), as_numbers).verdict
    assert verdict is not None
    assert verdict.outcome == "no_answer"


def test_features_are_the_same_in_pieces_and_at_any_level() -> None:
    sound = sound_of("other_switched_off")
    whole = features(sound)
    assert whole.shape == ((len(sound) - WINDOW) // HOP + 1, 18)
    stream = FeatureStream()
    pieces = np.concatenate([stream.feed(sound[place : place + 333]) for place in range(0, len(sound), 333)])
    np.testing.assert_allclose(pieces, whole, atol=1e-5)
    for louder in (0.25, 4.0):
        changed = features(sound * np.float32(louder))
        alike = (changed * whole).sum() / np.sqrt((changed**2).sum() * (whole**2).sum())
        assert alike > 0.97, louder


def test_a_reference_without_a_decisive_span_is_recognised_when_most_of_it_was_heard() -> None:
    sound = sound_of("other_unallocated")
    one = Reference("own", "unallocated", "unallocated/own.alaw", "", "", "")
    only = Prints([references.print_of(one, sound)])
    verdict = listen(only, sound).verdict
    assert verdict is not None
    assert verdict.outcome == "unallocated"
    assert listen(only, sound[: len(sound) // 2]).verdict is None
