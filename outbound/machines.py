"""Who took the call: a person, a machine, a fax? Pure; a stream, fed in any pieces. Off unless a campaign asks.

A person is who is not surely a machine: a machine that reaches an agent costs seconds, a person who is hung up on is a
customer lost and an abandoned call (Ofcom counts them so). So what is not sure is a person, and a call need not wait
for the verdict: an agent may be connected within two seconds while this goes on listening.

Sure signs, in this order: the tone of a fax; a recording that is among the references (in China voicemail is the
carrier's, and says the same to everybody); a beep; somebody who talks on and on without giving anybody a chance to
answer.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from outbound.announcements.features import RATE, Samples
from outbound.announcements.listener import Listener, Sound, Verdict, samples_of
from outbound.announcements.matcher import Prints
from outbound.announcements.tones import ToneStream

Who = Literal["person", "machine", "fax", "announcement"]
Why = Literal["fax_tone", "recording", "beep", "long_greeting", "short_answer", "silence", "not_sure"]

_FRAME: Final = RATE // 50
_FRAME_SECONDS: Final = _FRAME / RATE
_SOFTEST_DBFS: Final = -42.0  # below this nobody speaks into a telephone
_ABOVE_NOISE_DB: Final = 9.0  # a voice is so far above what the line had at its quietest of late …
_BETWEEN: Final = 0.5  # … and in the upper half between that and the loudest, in dB: others talk in the background
_LATE_FRAMES: Final = 75  # a second and a half: whoever speaks takes breath, or closes the lips, in that
_SMOOTH: Final = 0.4  # of the power, the newest frame's share
_BEEP_HERTZ: Final = (350.0, 2000.0)  # above that a fax may answer
_BEEP_SECONDS: Final = (0.14, 1.6)


@dataclass(frozen=True, slots=True)
class MachineRules:
    """The limits, in seconds. docs/outcomes.md has what they were measured to do."""

    long_greeting: float = 6.5  # of voice without a pause …
    pause: float = 0.7  # … which is so long: whoever says 喂？ waits for an answer
    short_answer: float = 2.4  # of voice before a pause: a person
    silence: float = 2.5  # from the answer on, without a voice: a person who waits
    not_sure: float = 9.0  # after this a person, whatever was heard
    gap: float = 0.3  # between words, and still the same voice


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered. ``heard`` is the recording that was recognised, if one was."""

    who: Who
    why: Why
    seconds: float
    heard: Verdict | None = None


class AnswerListener:
    """Hears one call from its answer on."""

    def __init__(self, rules: MachineRules | None = None, prints: Prints | None = None) -> None:
        """``prints``: recordings of carriers to recognise as well."""
        self._rules = rules or MachineRules()
        self._listener = Listener(prints) if prints is not None else None
        self._tones = ToneStream()
        self._rest: Samples = np.zeros(0, dtype=np.float32)
        self._power = 0.0
        self._levels: deque[float] = deque(maxlen=_LATE_FRAMES)
        self._frames = 0
        self._voice = 0.0  # seconds, with the gaps in it
        self._quiet = 0.0  # seconds since the voice
        self._spoken = False
        self.answer: Answer | None = None

    def feed(self, sound: Sound) -> Answer | None:
        """Who it is, once that is sure; None while it is not. After the first answer nothing changes any more."""
        if self.answer is not None or not len(sound):
            return self.answer
        samples = samples_of(sound)
        heard = np.concatenate([self._rest, samples])
        whole = len(heard) // _FRAME * _FRAME
        self._rest = heard[whole:]
        for begin in range(0, whole, _FRAME):
            self.answer = self._hear(heard[begin : begin + _FRAME])
            if self.answer is not None:
                break
        return self.answer

    def _hear(self, frame: Samples) -> Answer | None:
        self._frames += 1
        seconds = self._frames * _FRAME_SECONDS
        if self._tones.feed(frame) == "fax":
            return Answer("fax", "fax_tone", seconds)
        verdict = self._listener.feed(frame) if self._listener else None
        if verdict is not None:
            who: Who = "machine" if verdict.outcome == "machine" else "announcement"
            return Answer(who, "recording", seconds, verdict)
        if self._beeped():
            return Answer("machine", "beep", seconds)
        self._follow(frame)
        rules = self._rules
        if self._voice >= rules.long_greeting:
            return Answer("machine", "long_greeting", seconds)
        if self._voice and self._quiet >= rules.pause and self._voice <= rules.short_answer:
            return Answer("person", "short_answer", seconds)
        if not self._spoken and seconds >= rules.silence:
            return Answer("person", "silence", seconds)
        return Answer("person", "not_sure", seconds) if seconds >= rules.not_sure else None

    def _follow(self, frame: Samples) -> None:
        self._power += _SMOOTH * (float((frame**2).mean()) - self._power)
        level = 10 * math.log10(self._power + 1e-10)
        self._levels.append(level)
        softest, loudest = min(self._levels), max(self._levels)
        if level >= max(_SOFTEST_DBFS, softest + _ABOVE_NOISE_DB, softest + _BETWEEN * (loudest - softest)):
            if 0 < self._quiet <= self._rules.gap and self._voice:
                self._voice += self._quiet
            self._voice += _FRAME_SECONDS
            self._quiet, self._spoken = 0.0, True
        else:
            self._quiet += _FRAME_SECONDS
            if self._quiet >= self._rules.pause and self._voice > self._rules.short_answer:
                self._voice = 0.0  # neither short nor long: what comes now is counted anew

    def _beeped(self) -> bool:
        """A pure tone that began and ended, after something else than a tone."""
        runs = self._tones.runs
        if not runs or not runs[-1].is_tone(_BEEP_HERTZ, *_BEEP_SECONDS):
            return False
        return self._tones.present().hertz == 0.0 and not any(run.hertz for run in runs[-4:-1])
