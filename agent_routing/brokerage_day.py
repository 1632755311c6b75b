"""A brokerage's day, made up: who calls when, wants what, talks how long; and who sits where. Pure, seeded.

The shares are assumptions, stated here so that they can be argued with: calls peak at the opening and at the close of
the market (9:30 and 15:00), orders and advice need their own skills, one caller in twenty speaks English.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Final

from agent_routing.pool import Caller, Seat
from agent_routing.simulation import SimulatedCall
from db.customer import Tier

OPENS, CLOSES = 8.5, 17.0  # hours
# Calls in each half hour from OPENS on, against the mean of the day.
HALF_HOURS: Final = (0.6, 0.9, 1.7, 1.5, 1.2, 1.1, 1.0, 0.6, 0.5, 0.9, 1.1, 1.0, 1.2, 1.3, 1.0, 0.8, 0.6)
TIER_SHARES: Final[Mapping[Tier, float]] = {"platinum": 0.04, "gold": 0.12, "silver": 0.24, "normal": 0.60}
TALK_MEAN, TALK_SPREAD = 180.0, 0.8  # seconds, and the standard deviation against it (lognormal)
PATIENCE: Final[Mapping[Tier, float]] = {"platinum": 90.0, "gold": 150.0, "silver": 240.0, "normal": 300.0}  # mean, s
ERRANDS: Final = (("", 0.55), ("orders", 0.25), ("advice", 0.15), ("analysis", 0.05))
ENGLISH: Final = 0.05
BRANCHES: Final = 5
MANAGED: Final[Mapping[Tier, float]] = {"platinum": 0.8, "gold": 0.3, "silver": 0.0, "normal": 0.0}


def seats(count: int, chance: Random) -> list[Seat]:
    """Seats at head office (two of five) and in the branches; every third speaks English; skills by turns."""
    made = []
    for number in range(count):
        skills = {"orders": 1} if number % 5 < 3 else {}
        if number % 3 == 0:
            skills["advice"] = 2
        if number % 7 == 0:
            skills["analysis"] = 1
        head = number % 5 in (0, 1)
        branch = "" if head else f"B{chance.randrange(BRANCHES)}"
        languages = frozenset(("zh", "en") if number % 3 == 1 or number % 7 == 0 or number % 15 == 0 else ("zh",))
        made.append(Seat(f"s{number:03}", f"a{number:03}", skills, languages, branch, head))
    return made


def calls(count: float, seated: list[Seat], chance: Random) -> Iterator[SimulatedCall]:
    """About ``count`` calls of one day, by the time they join; seconds since OPENS."""
    tiers, shares = list(TIER_SHARES), list(TIER_SHARES.values())
    spread = math.sqrt(math.log(1.0 + TALK_SPREAD**2))
    middle = math.log(TALK_MEAN) - spread**2 / 2
    busiest = max(HALF_HOURS) * count / (CLOSES - OPENS) / 3600.0 / (sum(HALF_HOURS) / len(HALF_HOURS))
    now, number = 0.0, 0
    while True:
        now += chance.expovariate(busiest)
        if now >= (CLOSES - OPENS) * 3600.0:
            return
        if chance.random() >= HALF_HOURS[int(now // 1800)] / max(HALF_HOURS):
            continue
        number += 1
        tier = chance.choices(tiers, shares)[0]
        errand = chance.choices([name for name, _ in ERRANDS], [share for _, share in ERRANDS])[0]
        # Nobody sells analysis in English: one seat might have both, and its absence would decide the day.
        language = "en" if errand in ("", "orders") and chance.random() < ENGLISH else "zh"
        manager = (chance.choice(seated).agent,) if chance.random() < MANAGED[tier] else ()
        branch = f"B{chance.randrange(BRANCHES)}" if chance.random() < 0.8 else ""
        caller = Caller(f"c{number:06}", tier, now, language, "", branch, manager, {errand: 1} if errand else {})
        talk = chance.lognormvariate(middle, spread)
        yield SimulatedCall(caller, chance.expovariate(1.0 / PATIENCE[tier]), talk)
