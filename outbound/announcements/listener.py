"""Hears the early media of one call as it comes, and says what it was as soon as that is sure. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from outbound.announcements.features import RATE, FeatureStream, Samples
from outbound.announcements.matcher import Matcher, Prints
from outbound.announcements.tones import Tone, ToneStream
from outbound.outcomes import Outcome

# A special information tone says that an announcement follows, not which one.
OUTCOME_OF_TONE: Final[Mapping[Tone, Outcome]] = MappingProxyType(
    {"busy": "busy", "congestion": "network", "unallocated": "unallocated"}
)
Sound = Samples | npt.NDArray[np.int16]  # one channel at 8 kHz

_CHUNK: Final = RATE  # of a recording: small enough that little more is worked through than is needed
_TAIL: Final = np.zeros(RATE // 2, dtype=np.float32)  # completes the last word and the last pause


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was heard. ``confidence`` 1.0 is a clean copy of the reference; ``seconds`` were heard until it was sure."""

    outcome: Outcome
    confidence: float
    reference: str  # its name, or ``tone:`` and which tone
    seconds: float


class Listener:
    """Hears one call. One for each call; the references are shared."""

    def __init__(self, prints: Prints) -> None:
        self._features = FeatureStream()
        self._matcher = Matcher(prints)
        self._tones = ToneStream()
        self._heard = 0
        self.verdict: Verdict | None = None
        self.rang = False  # a ring tone was heard: a telephone was there

    def feed(self, sound: Sound) -> Verdict | None:
        """The verdict, once it is sure; None while it is not. After the first verdict nothing changes any more."""
        if self.verdict is not None or not len(sound):
            return self.verdict
        samples = samples_of(sound)
        self._heard += len(samples)
        match = self._matcher.feed(self._features.feed(samples))
        tone = self._tones.feed(samples)
        self.rang = self.rang or tone == "ringing"
        if match is not None:
            self.verdict = Verdict(match.outcome, match.agreement, match.name, self.seconds)
        elif tone is not None and tone in OUTCOME_OF_TONE:
            self.verdict = Verdict(OUTCOME_OF_TONE[tone], 1.0, f"tone:{tone}", self.seconds)
        return self.verdict

    def close(self) -> Verdict | None:
        """The call is over: what the last words say, if they say anything."""
        if self.verdict is None:
            heard = self._heard
            self.feed(_TAIL)
            self._heard = heard
        return self.verdict

    @property
    def seconds(self) -> float:
        """How long it has heard."""
        return self._heard / RATE


def samples_of(sound: Sound) -> Samples:
    """With full scale at 1.0, whether they came as 16-bit numbers or so already."""
    return sound.astype(np.float32) / np.float32(2**15) if sound.dtype == np.int16 else sound.astype(np.float32)


def listen(prints: Prints, recording: Sound) -> Listener:
    """A listener that has heard a whole recording: its ``verdict`` and whether it ``rang``."""
    listener = Listener(prints)
    for begin in range(0, len(recording), _CHUNK):
        if listener.feed(recording[begin : begin + _CHUNK]) is not None:
            return listener
    listener.close()
    return listener
