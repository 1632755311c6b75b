"""What the commands of campaigns need of this house: its campaigns, rules, scripts, calendars, agents and trunks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ivr.errors import GoldlineError

if TYPE_CHECKING:
    from db.store import Store
    from ivr.config import Settings
    from ivr.datafile.problem import Problem
    from outbound.campaign import Campaign
    from outbound.campaign_check import House
    from outbound.hours import Clock
    from outbound.rules import Rules
    from outbound.script import Script


class NoSuchCampaignFile(GoldlineError):
    """There is no file of a campaign of this name."""

    error_id: ClassVar[str] = "no-such-campaign"


def files(settings: Settings) -> list[Path]:
    """The files of all campaigns, by name."""
    return sorted((settings.outbound / "campaigns").glob("*.yaml"))


def file_of(settings: Settings, name: str) -> Path:
    """The file of this campaign. Raises NoSuchCampaignFile."""
    from ivr.datafile.fields import suggest

    path = settings.outbound / "campaigns" / f"{name}.yaml"
    if Path(name).name != name or not path.is_file():
        raise NoSuchCampaignFile(
            f"There is no campaign {name!r}.", remedy=suggest(name, [one.stem for one in files(settings)])
        )
    return path


def rules_of(settings: Settings) -> Rules:
    """The rules for all campaigns. Raises OutboundRulesInvalid."""
    from outbound import rules_file

    return rules_file.read(settings.outbound / rules_file.RULES_FILE.name)


def campaign_of(settings: Settings, name: str, rules: Rules) -> Campaign:
    """The campaign of this name. Raises NoSuchCampaignFile and CampaignInvalid."""
    from outbound import campaign_file

    return campaign_file.read(file_of(settings, name), rules)


def problems_of(path: Path, rules: Rules, house: House, clock: Clock | None) -> list[Problem]:
    """Everything wrong with the campaign in this file."""
    from db.events import utcnow
    from outbound import campaign_file
    from outbound.campaign_check import check_campaign
    from outbound.hours import first_open

    try:
        campaign = campaign_file.read(path, rules)
    except campaign_file.CampaignInvalid as error:
        return list(error.problems)
    now = utcnow()
    if campaign.days is not None and clock is not None:
        now = first_open(campaign.hours, now, clock) or now  # it need not be planned today
    today = clock.day(now) if clock else None
    return check_campaign(campaign, house, planned_on=today, clock=clock)


def scripts_of(settings: Settings) -> dict[str, Script]:
    """All scripts. Raises ScriptInvalid and DispositionsInvalid."""
    from outbound import dispositions, script_file

    known = dispositions.read(settings.outbound / dispositions.DISPOSITIONS_FILE.name)
    return script_file.read_all(settings.outbound / script_file.SCRIPTS.name, known)


async def clock_of(settings: Settings, store: Store) -> Clock:
    """The lines' calendar and the exchanges' trading days. Raises LinesInvalid, StoreError."""
    from db.trading_days import TradingDays
    from ivr.lines.errors import LinesInvalid
    from ivr.lines.load import FILE_NAME, read_lines
    from outbound.hours import Clock

    plan, problems, _ = read_lines(settings.dialplans / FILE_NAME)
    if plan is None:
        raise LinesInvalid(problems)
    return Clock(plan.zone, plan.calendar, await TradingDays(store).calendar())


async def house_of(settings: Settings, store: Store) -> House:
    """What campaigns may name. Raises ScriptInvalid, DispositionsInvalid, StoreError."""
    from db.agents import Agents
    from db.branches import Branches
    from outbound.campaign_check import House

    skills: dict[str, int] = {}
    for agent in await Agents(store).all():
        if agent.standing == "active":
            for name, level in agent.skills.items():
                skills[name] = max(level, skills.get(name, 0))
    flows = [path.stem for path in settings.dialplans.glob("*.yaml") if not path.stem.endswith(".test")]
    trunks: Sequence[str] = [trunk.name for trunk in settings.sip.trunks]
    branches = [branch.code for branch in await Branches(store).all()]
    return House(scripts_of(settings), flows, skills, trunks, branches)
