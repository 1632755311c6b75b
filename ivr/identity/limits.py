"""Who may try a PIN how often: the limits as data, and the decisions they lead to. Pure, with a clock passed in.

Wrong tries are counted on three kinds of tallies: of the account, of the caller ID, and one for all withheld caller IDs
together. A try is counted before the PIN is looked at, and taken back when it was right: so calls side by side cannot
try more often than calls one after the other.

NIST SP 800-63B (5.2.2) wants at most 100 wrong tries in a row on an account and names growing delays; six digits are a
million PINs, and a guesser who knows many accounts tries the likeliest PIN on each: hence fewer, and by caller as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from db.identity_tries import Tally

NOTHING: Final = timedelta(0)
_EXACT: Final = 1e-6  # tries: far more than rounding can add to a level, far less than a try


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of tally allows.

    ``delays[n]`` is how long to wait after the n-th counted try that is still remembered (the last one for all that
    follow; before the first there is none to wait for). ``locks_at``: so many, and only an agent opens it again; 0:
    never. ``forgives``: one try is forgotten in this time; None: none is. ``most``: counted no higher than this.
    """

    delays: tuple[timedelta, ...]
    locks_at: int = 0
    forgives: timedelta | None = None
    most: int = 1_000


def _minutes(*numbers: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=number) for number in numbers)


# Three slips of the finger cost nothing; the fourth waits long enough to look the PIN up; the sixth wrong one locks.
# Time forgives nothing: five guesses a day would be a thousand in a year. A right one forgives everything.
ACCOUNT: Final = Rule(delays=_minutes(0, 0, 0, 5, 15, 60), locks_at=6, most=6)

# A family or an office shares a telephone: five slips are free, one is forgotten a day. A caller ID is never locked:
# others may hold it tomorrow; at four hours a try it guesses six times a day.
CALLER: Final = Rule(delays=_minutes(0, 0, 0, 0, 0, 1, 5, 15, 30, 60, 120, 240), forgives=timedelta(days=1), most=20)

# Everybody who withholds the caller ID: wide, because they are many, and never locked, because one of them would lock
# out all. Forgetting one in ten seconds, it bears 360 wrong tries an hour before anybody waits a minute.
WITHHELD: Final = Rule(delays=(*_minutes(0) * 60, timedelta(minutes=1)), forgives=timedelta(seconds=10), most=120)

CODE_LASTS: Final = timedelta(minutes=5)  # long enough for a slow text message, too short to be found in an old one
CODE_WINDOW: Final = timedelta(hours=1)
CODES_PER_ACCOUNT: Final = 3  # in an hour: one lost, one late; a text costs money, and its owner sleep
CODES_PER_CALLER: Final = 6  # in an hour, over all accounts
CODES_WITHHELD: Final = 30  # in an hour, by everybody who withholds the caller ID

# A tally that is not locked and was not touched for so long is deleted. Five guesses a quarter stay harmless.
TALLY_KEPT: Final = timedelta(days=90)
CODE_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a tally stands at a moment: ``locked``, or to be waited for, or free to try."""

    tries: int
    wait: timedelta = NOTHING
    locked: bool = False

    @property
    def free(self) -> bool:
        """A try is allowed now."""
        return not self.locked and self.wait <= NOTHING


def level(rule: Rule, tally: Tally, now: datetime) -> float:
    """The tries still remembered now, with the part of one that time has begun to forgive."""
    if rule.forgives is None:
        return tally.level
    return max(0.0, tally.level - max(NOTHING, now - tally.at) / rule.forgives)


def standing(rule: Rule, tally: Tally, now: datetime) -> Standing:
    """How the tally stands now. A clock that was set back makes nobody wait longer than the delay itself."""
    tries = math.ceil(level(rule, tally, now) - _EXACT)
    if rule.locks_at and tries >= rule.locks_at:
        return Standing(tries, locked=True)
    if tries <= 0:
        return Standing(0)
    delay = rule.delays[min(tries, len(rule.delays) - 1)]
    return Standing(tries, min(delay, max(NOTHING, tally.at + delay - now)))


def counted(rule: Rule, tally: Tally, now: datetime) -> Tally:
    """The tally with one try more, as if it were wrong."""
    return Tally(min(level(rule, tally, now) + 1, float(rule.most)), now)


def account_after_right(_: Tally, now: datetime) -> Tally:
    """The account's tally after a right try: nothing is held against it."""
    return Tally(0.0, now)


def caller_after_right(rule: Rule, tally: Tally, now: datetime) -> Tally:
    """The caller's tally after a right try: that one is taken back, and none before it.

    So a guesser with an account of their own cannot wash the caller ID clean between two guesses.
    """
    left = max(0.0, level(rule, tally, now) - 1)
    return Tally(0.0 if left < _EXACT else left, now)


def wait_for_code(sent: Sequence[datetime], most: int, now: datetime) -> timedelta:
    """How long until another code may be sent, when these were sent: at most ``most`` in any ``CODE_WINDOW``."""
    latest = sorted(moment for moment in sent if moment > now - CODE_WINDOW)[-most:]
    if len(latest) < most:
        return NOTHING
    return min(CODE_WINDOW, latest[0] + CODE_WINDOW - now)
