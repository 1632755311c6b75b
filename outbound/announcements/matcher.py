"""Where in the reference recordings are we? The sound heard so far is laid along all of them at once. Pure.

For every frame of every reference it keeps the best way of having come there: a local alignment (Smith and Waterman
1981) that moves on one reference frame with each frame heard, and now and then, for a small price, none or two, so that
a clock that is two per cent wrong costs little and another speaker's pace much. A way is worth the seconds of agreement
it holds; it ends when it has lost too much since its best moment (the drop-off of BLAST, Altschul 1990), so that no way
leads over words that differ.

Announcements of one carrier begin and end alike (您好，您拨打的电话已…, 请稍后再拨). So a way counts only when it has
passed through a **decisive span** of its reference, the words that say the outcome, from before its beginning to its
end, and both halves of it agreed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from outbound.announcements.features import HOP_SECONDS, Vectors, product
from outbound.outcomes import Outcome

_ALIKE: Final = 0.45  # vectors whose product is below this share of their length speak against a way
_MOST: Final = 2.0  # one frame, however loud, weighs no more than this
_SLIP: Final = 0.04  # seconds of agreement that moving on by none or two frames costs …
_SLIPS_EVERY: Final = 4  # … which a way may do so often: clocks differ by little
_DROP: Final = 0.35  # a way ends when it has lost so much
_BLOCK: Final = 4000  # columns that are multiplied together
ENOUGH: Final = 1.1  # seconds of agreement …
AHEAD: Final = 0.3  # … of which so much is not also said of another outcome …
AGREED: Final = 0.45  # … and in either half of the decisive span this share of what a clean copy has


@dataclass(frozen=True, slots=True)
class Print:
    """A reference as the matcher sees it: its vectors and its decisive spans in frames (begin, end)."""

    name: str
    outcome: Outcome
    vectors: Vectors
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A reference that was recognised. ``agreement``: in the worse half of the decisive span, 1.0 is a clean copy."""

    name: str
    outcome: Outcome
    agreement: float


class Prints:
    """All references, end to end, ready to be laid along. Shared by all matchers; never changed."""

    def __init__(self, prints: Sequence[Print]) -> None:
        if not prints:
            raise ValueError("a matcher needs references")
        self.prints = tuple(prints)
        lengths = [len(one.vectors) for one in prints]
        self.starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)
        vectors = np.concatenate([_one_long(one.vectors) for one in prints]).T.copy()
        self.columns = vectors.shape[1]
        self.blocks = [
            np.ascontiguousarray(vectors[:, begin : begin + _BLOCK]) for begin in range(0, self.columns, _BLOCK)
        ]
        self.squares = (vectors**2).sum(axis=0) * np.float32(_ALIKE / 2)
        gates: dict[str, list[int]] = {"opens": [], "middles": [], "closes": []}
        clean: dict[str, list[float]] = {"middles": [], "closes": []}
        for start, one in zip(self.starts, prints, strict=True):
            for begin, end in one.spans:
                last = min(end, len(one.vectors) - 1)
                middle = (begin + last) // 2
                # Two columns each, for a way may slip over one.
                gates["opens"] += [start + begin, start + begin + 1]
                for name, first, gate in (("middles", begin, middle), ("closes", middle, last)):
                    gates[name] += [start + gate - 1, start + gate]
                    # What a clean copy gains in this half: loud words weigh more than soft ones.
                    squares = self.squares[start + first : start + gate].sum() / (_ALIKE / 2)
                    clean[name] += [max(float(squares) * HOP_SECONDS, 1e-3)] * 2
        self.opens, self.middles, self.closes = (np.array(columns, dtype=np.intp) for columns in gates.values())
        self.clean_first, self.clean_second = (np.array(row, dtype=np.float32) for row in clean.values())


class Matcher:
    """Follows one stream of vectors."""

    def __init__(self, prints: Prints) -> None:
        self._prints = prints
        # By column: seconds of agreement (0: no way leads here); the most there were on the way; 1 + the seconds at the
        # last gate of a decisive span (0: none was passed); and of a clean copy's agreement in the span the share in
        # its first half, or minus that in its worse half once it was passed (0: not yet).
        self._ways = np.zeros((4, prints.columns), dtype=np.float32)
        self._frame = 0

    def feed(self, vectors: Vectors) -> Match | None:
        """What these vectors make sure; None while nothing is sure."""
        prints = self._prints
        gains = np.concatenate([product(vectors, block) for block in prints.blocks], axis=1)
        gains -= (vectors**2).sum(axis=1, keepdims=True) * np.float32(_ALIKE / 2)
        gains -= prints.squares
        np.clip(gains, -_MOST, _MOST, out=gains)
        gains *= np.float32(HOP_SECONDS / (1 - _ALIKE))
        for row in gains:
            self._step(row)
            found = self._sure()
            if found is not None:
                return found
        return None

    def _step(self, gains: npt.NDArray[np.float32]) -> None:
        prints, ways = self._prints, self._ways
        self._frame += 1
        if self._frame % _SLIPS_EVERY == 0:
            self._slip()
        ways[:, 1:] = ways[:, :-1]
        ways[:, prints.starts] = 0
        agreed, most, _, _ = ways
        agreed += gains
        np.maximum(most, agreed, out=most)
        ways *= (agreed > 0) & (agreed >= most - np.float32(_DROP))
        self._gates()

    def _gates(self) -> None:
        """Ways that have come to the beginning, the middle or the end of a decisive span."""
        prints, (agreed, _, gate, share) = self._prints, self._ways
        here = prints.opens[(agreed[prints.opens] > 0) & (share[prints.opens] >= 0)]
        gate[here], share[here] = agreed[here] + 1, 0
        here, gained = self._gained(prints.middles, prints.clean_first, share[prints.middles] == 0)
        gate[here], share[here] = agreed[here] + 1, gained
        here, gained = self._gained(prints.closes, prints.clean_second, share[prints.closes] > 0)
        gate[here], share[here] = 0, -np.minimum(share[here], gained)

    def _gained(
        self, columns: npt.NDArray[np.intp], clean: npt.NDArray[np.float32], due: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Which of the ways that are due at these columns agreed enough since the gate before, and how much."""
        agreed, _, gate, _ = self._ways
        gained = (agreed[columns] + 1 - gate[columns]) / clean
        enough = due & (gate[columns] > 0) & (gained >= AGREED)
        return columns[enough], gained[enough]

    def _slip(self) -> None:
        """Ways move over to the column before or behind, where they are better than what is there."""
        ways = self._ways
        before, behind = ways[:, :-2].copy(), ways[:, 2:].copy()
        here, starts = ways[:, 1:-1], self._prints.starts[1:]
        before[0, starts - 1] = behind[0, starts - 2] = 0  # no way leads from one reference into the next
        for beside in (before, behind):
            beside[0] -= np.float32(_SLIP)
            np.copyto(here, beside, where=beside[0] > here[0])

    def _sure(self) -> Match | None:
        prints, agreed = self._prints, self._ways[0]
        # The best way of all must have passed its span: a way that hurried on to the end of one is behind the true one.
        column = int(agreed.argmax())
        most, in_span = float(agreed[column]), -float(self._ways[3, column])
        if most < ENOUGH or in_span <= 0:
            return None
        one = prints.prints[int(np.searchsorted(prints.starts, column, side="right")) - 1]
        for other, best in zip(prints.prints, np.maximum.reduceat(agreed, prints.starts), strict=True):
            if other.outcome != one.outcome and most - best < AHEAD:
                return None
        return Match(one.name, one.outcome, min(1.0, in_span))


def _one_long(vectors: Vectors) -> Vectors:
    """Scaled so that the mean of the vectors' squared lengths is one."""
    mean = float((vectors**2).sum(axis=1).mean())
    return vectors / np.float32(max(mean, 1e-6) ** 0.5)
