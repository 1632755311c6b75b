"""Whether a campaign fits what it names: its script, the agents' skills, the trunks, the flows, the calendar. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from ivr.datafile.fields import suggest
from ivr.datafile.problem import Problem
from outbound.campaign import Campaign
from outbound.hours import Clock, first_open
from outbound.script import BUILT_IN, Script

# What a target of a query brings for its script, by the condition that gives it; a list brings its columns.
OF_ACCOUNTS: Final = ("opened_on",)
OF_COMPLAINTS: Final = ("ticket", "complained_on")


@dataclass(frozen=True, slots=True)
class House:
    """What there is. None: it is not known here, and not asked for."""

    scripts: Mapping[str, Script]
    flows: Collection[str] | None = None
    skills: Mapping[str, int] | None = None  # of agents who may take calls: the highest level of each
    trunks: Collection[str] | None = None
    branches: Collection[str] | None = None


def check_campaign(
    campaign: Campaign, house: House, *, planned_on: datetime.date | None = None, clock: Clock | None = None
) -> list[Problem]:
    """Everything in the campaign that names something which is not there, or can never happen."""
    return [
        *_script(campaign, house),
        *_seats(campaign, house),
        *_named(campaign, house),
        *(_hours(campaign, planned_on, clock) if planned_on and clock else ()),
    ]


def given_values(campaign: Campaign) -> frozenset[str]:
    """The values that every target brings for the script."""
    found = set(campaign.who.columns)
    if not campaign.who.listed:
        found.update(OF_ACCOUNTS)
    if campaign.who.audience.complained_within is not None:
        found.update(OF_COMPLAINTS)
    return frozenset(found)


def _script(campaign: Campaign, house: House) -> list[Problem]:
    what = campaign.what
    script = house.scripts.get(what.script)
    if script is None:
        return [
            Problem(campaign.file, 1, f"there is no script {what.script!r}.", suggest(what.script, list(house.scripts)))
        ]
    found = []
    given = given_values(campaign)
    missing = [value for value in script.values if value not in given and value not in BUILT_IN]
    if missing:
        said = f"the script {script.name} says {', '.join(missing)}, which no target brings."
        remedy = "Take the targets from a list with these columns, or take them out of the script."
        found.append(Problem(campaign.file, 1, said, remedy))
    if what.call == "notice" and script.notice is None:
        said = f"the script {script.name} has no notice for an automatic call."
        found.append(Problem(campaign.file, 1, said, "Give it a notice, or call with an agent."))
    if what.call == "questionnaire" and not script.by_keys:
        said = f"the script {script.name} cannot be asked by keys."
        found.append(Problem(campaign.file, 1, said, "Write `by_keys: yes` in it, or call with an agent."))
    return found


def _seats(campaign: Campaign, house: House) -> list[Problem]:
    if house.skills is None or not campaign.needs_agents:
        return []
    found = []
    for skill, level in campaign.seats.skills.items():
        have = house.skills.get(skill, 0)
        if have < level:
            said = f"no agent has the skill {skill} at level {level} or above."
            remedy = "Give it to agents (`ivr agents`), or ask for another."
            found.append(Problem(campaign.file, 1, said, remedy))
    return found


def _named(campaign: Campaign, house: House) -> list[Problem]:
    found = []
    if house.flows is not None and campaign.what.flow not in house.flows:
        said = f"there is no flow {campaign.what.flow!r}."
        found.append(Problem(campaign.file, 1, said, suggest(campaign.what.flow, sorted(house.flows))))
    if house.trunks is not None and not house.trunks:
        said = "there is no trunk to call out by."
        found.append(Problem(campaign.file, 1, said, "Name one in the settings: [[sip.trunks]]."))
    elif house.trunks is not None and campaign.trunk and campaign.trunk not in house.trunks:
        said = f"there is no trunk {campaign.trunk!r}."
        found.append(Problem(campaign.file, 1, said, suggest(campaign.trunk, sorted(house.trunks))))
    for branch in campaign.who.audience.branches:
        if house.branches is not None and branch not in house.branches:
            said = f"there is no branch {branch!r}."
            found.append(Problem(campaign.file, 1, said, suggest(branch, sorted(house.branches))))
    return found


def _hours(campaign: Campaign, planned_on: datetime.date, clock: Clock) -> list[Problem]:
    begins = max(planned_on, campaign.begins_on or planned_on)
    start = datetime.datetime.combine(begins, datetime.time(), clock.zone)
    end = campaign.end(planned_on, clock.zone)
    if end <= start:
        said = f"the campaign ended on {(end - datetime.timedelta(days=1)).date()}."
        return [Problem(campaign.file, 1, said, "Give it a later end.")]
    first = first_open(campaign.hours, start, clock)
    if first is None or first >= end:
        said = f"no hour is left to call in, from {begins} to {(end - datetime.timedelta(days=1)).date()}."
        return [Problem(campaign.file, 1, said, "Look at its hours, and at holidays and trading days in between.")]
    return []
