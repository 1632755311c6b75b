"""A machine is what surely is one; whoever waits for an answer, says nothing or cannot be told is a person."""

from __future__ import annotations

import numpy as np
import pytest

from outbound.announcements import references
from outbound.announcements.matcher import Prints
from outbound.announcements.sound_file import read_sound
from outbound.machines import Answer, AnswerListener, MachineRules
from tests.unit.outbound.sounds import Sound, noise, silence, tone

REFERENCE = next(one for one in references.read() if one.name == "mobile_out_of_reach")
SPOKEN = read_sound(references.REFERENCES / REFERENCE.file)  # nine seconds of speech
HELLO = SPOKEN[:6000]


def heard(*sounds: Sound, rules: MachineRules | None = None, prints: Prints | None = None) -> Answer | None:
    listener = AnswerListener(rules, prints)
    sound = np.concatenate(sounds)
    for place in range(0, len(sound), 160):
        if listener.feed(sound[place : place + 160]):
            break
    return listener.answer


@pytest.mark.parametrize(
    ("why", "sounds", "within"),
    [
        pytest.param("short_answer", (silence(0.4), HELLO, silence(2)), 2.2, id="a greeting"),
        pytest.param("short_answer", (HELLO, silence(0.5), HELLO, silence(2)), 3.5, id="asks again"),
        pytest.param("short_answer", (noise(3000) * np.float32(0.01), HELLO, silence(1)), 2.2, id="a click before"),
        pytest.param("silence", (silence(4),), 2.6, id="says nothing"),
        pytest.param("silence", (noise(80_000) * np.float32(0.05),), 2.6, id="a noisy line, nobody speaks"),
        pytest.param("not_sure", tuple((SPOKEN[8000:32_000], silence(0.8)) * 4), 9.1, id="sentences with pauses"),
    ],
)
def test_a_person(why: str, sounds: tuple[Sound, ...], within: float) -> None:
    answer = heard(*sounds)
    assert answer is not None
    assert (answer.who, answer.why) == ("person", why)
    assert answer.seconds <= within


def test_noise_behind_a_person_is_no_voice() -> None:
    sound = np.concatenate([silence(0.3), HELLO, silence(4)])
    worn = (sound + noise(len(sound)) * np.float32(0.02)).astype(np.float32)
    answer = heard(worn)
    assert answer is not None
    assert (answer.who, answer.why) == ("person", "short_answer")


def test_who_talks_on_and_on_is_a_machine() -> None:
    talk = np.concatenate([SPOKEN[:20_000], SPOKEN[28_000:]])  # without the pause between its languages
    answer = heard(talk, talk)
    assert answer is not None
    assert (answer.who, answer.why) == ("machine", "long_greeting")
    assert answer.seconds == pytest.approx(MachineRules().long_greeting, abs=1.5)
    sooner = heard(talk, talk, rules=MachineRules(long_greeting=3.0))
    assert sooner is not None
    assert sooner.who == "machine"
    assert sooner.seconds < 4.5


@pytest.mark.parametrize("hertz", [440, 1000, 1400])
def test_a_beep_is_a_machine(hertz: float) -> None:
    answer = heard(SPOKEN[:20_000], silence(0.3), tone(hertz, 0.4), silence(1))
    assert answer is not None
    assert (answer.who, answer.why) == ("machine", "beep")


def test_a_tone_that_goes_on_is_no_beep() -> None:
    answer = heard(silence(0.2), tone(1000, 8), silence(1))
    assert answer is not None
    assert answer.who == "person"


@pytest.mark.parametrize("lost", [0.0, 0.1, 0.4])
def test_a_fax_though_some_of_it_is_lost(lost: float) -> None:
    answer = heard(silence(0.5), tone(2100, 0.4), silence(lost), tone(2100, 2.5))
    assert answer is not None
    assert (answer.who, answer.why) == ("fax", "fax_tone")


def test_a_recording_that_is_known_is_told_by_its_name() -> None:
    prints = references.prints()
    answer = heard(silence(0.3), SPOKEN, prints=prints)
    assert answer is not None
    assert (answer.who, answer.why) == ("announcement", "recording")
    assert answer.heard is not None
    assert answer.heard.outcome == "out_of_reach"


def test_after_the_first_answer_nothing_changes() -> None:
    listener = AnswerListener()
    for _ in range(3):
        listener.feed(silence(1))
    before = listener.answer
    assert before is not None
    assert listener.feed(tone(2100, 3)) is before
    as_numbers = AnswerListener()
    assert as_numbers.feed(np.zeros(30_000, dtype=np.int16)) is not None
