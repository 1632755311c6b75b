"""The desk every call passes when it comes in: which line is it, is it open, is there a line free for this caller?

Holds nothing but who is up now, in memory: after a restart the calls that come back are counted as they come. Is told
whom a caller ID points to. No clock, no socket, no thread of its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ivr.lines.allocation import CLASSES, RANK, CallClass, Decision, decide
from ivr.lines.model import Known, Line, LinePlan, Tier


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call is served: with this flow, beginning in this language.

    ``tier`` is what the caller ID points to: for a greeting and a place in a queue, never for what needs proof.
    """

    line: Line
    flow: str
    language: str
    tier: Tier
    decision: Decision


@dataclass(frozen=True, slots=True)
class Closed:
    """The line is closed: say the prompt, then go on with the flow, or end the call where there is none.

    ``decision`` is there when the flow takes a line.
    """

    line: Line
    prompt: str
    flow: str
    language: str
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """No line for this caller now: say the prompt, then the flow (to leave a number), or end the call.

    No prompt either: as many as may are leaving their number, and this one is told only that all lines are busy.
    """

    line: Line
    prompt: str
    flow: str
    language: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Unallocated:
    """The number is no line's, and there is no line for such numbers."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The call was let in before, and is counted again.

    ``leaving``: it had got no line and is leaving a number.
    """

    line: Line
    leaving: bool


Arrival = Admitted | Closed | Refused | Unallocated


@dataclass(frozen=True, slots=True)
class _Place:
    """What a call counts as while it is up; ``call_class`` is None for one that only leaves a number."""

    group: str
    call_class: CallClass | None
    arrival: Arrival


class LineDesk:
    """Counts calls, and says of each new one what becomes of it."""

    def __init__(self, plan: Callable[[], LinePlan], now: Callable[[], datetime.datetime]) -> None:
        """``plan`` gives the lines that serve now (``LineBook.current``), ``now`` the moment, timezone-aware."""
        self._plan = plan
        self._now = now
        self._places: dict[str, _Place] = {}
        self._up: dict[str, list[int]] = {}  # by trunk group: calls by rank of their class
        self._leaving: dict[str, int] = {}  # by trunk group: callers who leave a number

    def arrive(self, call: str, number: str, known: Known | None) -> Arrival:
        """What becomes of a new call to ``number``. ``known`` is whom its caller ID points to.

        A call that is here already keeps what it was told.
        """
        here = self._places.get(call)
        if here is not None:
            return here.arrival
        plan = self._plan()
        line = plan.line_of(number)
        if line is None:
            return Unallocated()
        is_open = plan.open_at(line, self._now())
        if not is_open and not line.closed_flow:
            return Closed(line, line.closed_prompt, "", line.language)
        trunks = plan.trunks[line.trunks]
        call_class = line.class_of(known)
        decision = decide(trunks.group, self._counts(line.trunks), call_class)
        arrival: Arrival
        if not decision.admitted:
            may_leave = bool(line.scarce_flow) and self._leaving.get(line.trunks, 0) < trunks.leaving_number
            prompt = line.scarce_prompt if may_leave or not line.scarce_flow else ""
            flow = line.scarce_flow if may_leave else ""
            arrival = Refused(line, prompt, flow, line.language, decision)
            if may_leave:
                self._put(call, _Place(line.trunks, None, arrival))
            return arrival
        if is_open:
            arrival = _admitted(line, known, decision)
        else:
            arrival = Closed(line, line.closed_prompt, line.closed_flow, line.language, decision)
        self._put(call, _Place(line.trunks, call_class, arrival))
        return arrival

    def resume(self, call: str, number: str, known: Known | None, flow: str) -> Resumed | None:
        """Count a call that was let in before, perhaps by an earlier controller; ``flow`` is where it is.

        It is up, so nothing is decided about it again: not when lines are fewer now, and not when its number is no
        line's any more (None; then it counts nowhere).
        """
        line = self._plan().line_of(number)
        if line is None:
            return None
        here = self._places.get(call)
        if here is None:
            here = _place_again(line, known, flow)
            self._put(call, here)
        return Resumed(line, here.call_class is None)

    def left(self, call: str) -> None:
        """The call is over. Unknown ones and second times do not matter."""
        place = self._places.pop(call, None)
        if place is None:
            return
        if place.call_class is None:
            self._leaving[place.group] -= 1
        else:
            self._up[place.group][RANK[place.call_class]] -= 1

    def keep_only(self, calls: Collection[str]) -> None:
        """Forget every call that is not among these: after Asterisk was asked what calls there are."""
        for call in [call for call in self._places if call not in calls]:
            self.left(call)

    def up(self) -> Mapping[str, Mapping[CallClass, int]]:
        """The calls that are up, by trunk group and class."""
        return {group: dict(zip(CLASSES, counts, strict=True)) for group, counts in self._up.items()}

    def leaving(self) -> Mapping[str, int]:
        """The callers who got no line and are leaving a number, by trunk group."""
        return dict(self._leaving)

    def free(self) -> Mapping[str, int]:
        """The free lines of each trunk group."""
        return {
            name: max(trunks.group.lines - sum(self._counts(name)), 0) for name, trunks in self._plan().trunks.items()
        }

    def _counts(self, group: str) -> list[int]:
        return self._up.setdefault(group, [0] * len(CLASSES))

    def _put(self, call: str, place: _Place) -> None:
        self._places[call] = place
        if place.call_class is None:
            self._leaving[place.group] = self._leaving.get(place.group, 0) + 1
        else:
            self._counts(place.group)[RANK[place.call_class]] += 1


def _place_again(line: Line, known: Known | None, flow: str) -> _Place:
    """The place of a call that is up: whoever is in the flow for leaving a number is taken to leave one."""
    call_class = line.class_of(known)
    if flow == line.scarce_flow and flow not in (line.flow, line.closed_flow, *line.tier_flows.values()):
        decision = Decision(False, "all_busy", call_class, 0)
        return _Place(line.trunks, None, Refused(line, line.scarce_prompt, flow, line.language, decision))
    return _Place(line.trunks, call_class, _admitted(line, known, Decision(True, "free", call_class, 0)))


def _admitted(line: Line, known: Known | None, decision: Decision) -> Admitted:
    tier: Tier = known.tier if known else "normal"
    return Admitted(line, line.flow_for(tier), line.language, tier, decision)
