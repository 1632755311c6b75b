"""When an alert is raised (``alerts.yaml``), checked with line and remedy. Pure but for ``read``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from db.customer import TIERS, Tier
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

ALERTS_FILE: Final = Path(__file__).parent / "alerts.yaml"
LONGEST: Final = 3600.0  # seconds: an alert that comes an hour late is none
MOST_CALLS: Final = 1000


class AlertsInvalid(FileInvalid):
    """The limits of alerts cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "alerts-invalid"


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """For how many seconds something may be so before it is an alert. ``service_level_after`` counts calls."""

    waits: Mapping[Tier, float]
    branch_offline: float
    no_language: float
    no_skill: float
    disagreement: float
    controller_away: float
    database_away: float
    asterisk_away: float
    service_level_after: int


def read(path: Path = ALERTS_FILE) -> AlertLimits:
    """The limits in this file. Raises AlertsInvalid."""
    return read_checked(path, load, AlertsInvalid)


def load(text: str, file: str) -> tuple[AlertLimits | None, list[Problem]]:
    """The limits in this text, and every problem; with problems the limits are good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    waits = fields.inner("waits")
    if waits is None:
        fields.problem("waits", "waits is missing.", "Add `waits:` with a line for each tier.")
        waits = Fields(file, type(top)({}, 1, {}), [], "")
    by_tier: dict[Tier, float] = {tier: waits.seconds(tier, "60s", 1, LONGEST) for tier in TIERS}
    for tier in TIERS:
        if not waits.has(tier) and fields.has("waits"):
            waits.problem(tier, f"{tier} is missing.", f"Add a line `{tier}: 60s`.")
    waits.done()
    limits = AlertLimits(
        by_tier,
        branch_offline=fields.seconds("branch_offline", "5s", 0, LONGEST),
        no_language=fields.seconds("no_language", "0s", 0, LONGEST),
        no_skill=fields.seconds("no_skill", "0s", 0, LONGEST),
        disagreement=fields.seconds("disagreement", "5s", 1, LONGEST),
        controller_away=fields.seconds("controller_away", "3s", 0, LONGEST),
        database_away=fields.seconds("database_away", "3s", 0, LONGEST),
        asterisk_away=fields.seconds("asterisk_away", "0s", 0, LONGEST),
        service_level_after=fields.number("service_level_after", 5, 0, MOST_CALLS),
    )
    fields.done()
    return limits, sorted(problems)
