"""What the exchanges are doing at a moment: the sessions of ``sessions.yaml`` on the days of the calendar.

A price is expected to be as new as the exchange can make it: of this minute while there is trading, of the end of the
last session otherwise. ``as_of`` says of which moment that is. Pure, but for ``read``.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal, get_args

from db.customer import BROKERAGE_TIME
from db.trading_calendar import TradingCalendar
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

Phase = Literal[
    "pre_open", "opening_auction", "morning", "lunch_break", "afternoon", "closing_auction", "closed", "holiday"
]

SESSIONS_FILE: Final = Path(__file__).parent / "sessions.yaml"
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
OF_TRADING: Final[frozenset[Phase]] = frozenset({"opening_auction", "morning", "afternoon", "closing_auction"})
CONTINUOUS: Final[frozenset[Phase]] = frozenset({"morning", "afternoon"})
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MIDNIGHT: Final = datetime.time(0, 0)


class SessionsInvalid(FileInvalid):
    """The file of sessions cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "sessions-invalid"


@dataclass(frozen=True, slots=True)
class Sessions:
    """The phases of a trading day: from each time (exchange time, rising, the first at midnight) until the next."""

    begins: tuple[tuple[datetime.time, Phase], ...]

    def phase(self, moment: datetime.datetime, calendar: TradingCalendar) -> Phase:
        """What is going on at this (aware) moment; ``holiday`` all day when there is no trading."""
        local = moment.astimezone(BROKERAGE_TIME)
        if not calendar.is_trading_day(local.date()):
            return "holiday"
        now = local.time()
        return next(phase for begin, phase in reversed(self.begins) if begin <= now)

    def as_of(self, moment: datetime.datetime, calendar: TradingCalendar) -> datetime.datetime:
        """The moment of the newest price there can be: now while there is trading, else the end of the last session."""
        local = moment.astimezone(BROKERAGE_TIME)
        day = local.date()
        if calendar.is_trading_day(day):
            if self.phase(local, calendar) in OF_TRADING:
                return local
            if ended := [end for end in self._ends() if end <= local.time()]:
                return datetime.datetime.combine(day, ended[-1], BROKERAGE_TIME)
        before = calendar.last_trading_day(day)
        return datetime.datetime.combine(before, self._ends()[-1], BROKERAGE_TIME)

    def _ends(self) -> list[datetime.time]:
        """When a stretch of trading ends and none follows at once."""
        pairs = itertools.pairwise(self.begins)
        return [end for (_, phase), (end, then) in pairs if phase in OF_TRADING and then not in OF_TRADING]


@dataclass(frozen=True, slots=True)
class Exchange:
    """The exchanges now: their sessions, the calendar in force, and the time (all handed in, so that it is pure)."""

    sessions: Sessions
    calendar: Callable[[], TradingCalendar]
    now: Callable[[], datetime.datetime]

    def phase(self) -> Phase:
        """What is going on at this moment."""
        return self.sessions.phase(self.now(), self.calendar())

    def as_of(self, ago: datetime.timedelta) -> datetime.datetime:
        """The moment of the newest price there could be so long ago."""
        return self.sessions.as_of(self.now() - ago, self.calendar())


def read(path: Path = SESSIONS_FILE) -> Sessions:
    """The sessions in a file. Raises SessionsInvalid."""
    return read_checked(path, read_text, SessionsInvalid)


def read_text(text: str, file: str) -> tuple[Sessions | None, list[Problem]]:
    """The sessions in a text, and every problem."""
    table, problems = parse(text, file)
    if table is None:
        return None, problems
    fields = Fields(file, table, problems)
    begins: list[tuple[datetime.time, Phase]] = []
    for clock, word in fields.mapping("sessions").items():
        phase = next((one for one in PHASES if one == word and one != "holiday"), None)
        match = _CLOCK.fullmatch(clock)
        if not match:
            fields.problem("sessions", f"sessions: {clock!r} is no time.", 'Write it like "09:30".')
        elif phase is None:
            known = [one for one in PHASES if one != "holiday"]
            fields.problem("sessions", f"sessions: {clock} cannot be {word!r}.", suggest(word, known))
        else:
            begins.append((datetime.time(int(match[1]), int(match[2])), phase))
    fields.done()
    times = [begin for begin, _ in begins]
    if not problems and times[:1] != [_MIDNIGHT]:
        fields.problem("sessions", "sessions: the first must begin at midnight.", 'Begin with `"00:00": pre_open`.')
    if times != sorted(set(times)):
        fields.problem("sessions", "sessions: the times must rise.", "Put them in order.")
    if not problems and (begins[-1][1] in OF_TRADING or not any(phase in OF_TRADING for _, phase in begins)):
        fields.problem("sessions", "sessions: trading must begin and end on the same day.", "End with closed.")
    return (None, problems) if problems else (Sessions(tuple(begins)), [])
