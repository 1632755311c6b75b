"""Reading a campaign's file: the campaign, or every problem with its place and remedy. Pure but for ``read``.

Whether script, skills, trunk and list are there is ``outbound.campaign_check``'s question.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final

from db.audience import Audience
from db.customer import LANGUAGES, STAGES, STATUSES, TIERS
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import NAME, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import Table, parse
from outbound.campaign import CALLS, EXHAUSTED, FLOWS, ORDERS, Campaign, Seats, What, Who
from outbound.hours import Hours, read_hours
from outbound.outcomes import Outcome
from outbound.pacing import PacingRules
from outbound.rules import PURPOSES, Caps, Rules
from outbound.rules_file import read_after, read_caps

CAMPAIGNS: Final = Path(__file__).parent / "campaigns"
MODES: Final = ("preview", "progressive", "power", "predictive")
LONGEST: Final = 400  # days of a campaign; a longer one is planned anew
LEVELS: Final = 9  # of a skill
KNOWN_COLUMNS: Final = ("account", "name", "phones", "branch", "tier", "language", "consent")  # of every list
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER: Final = re.compile(r"\+?[0-9]{3,20}")
_SHARE: Final = re.compile(r"[0-9]{6}")
_DEFAULT_CAPS: Final = Caps(1, 3, 6)


class CampaignInvalid(FileInvalid):
    """A campaign cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "campaign-invalid"


def read(path: Path, rules: Rules) -> Campaign:
    """The campaign in this file. Raises CampaignInvalid."""
    return read_checked(path, lambda text, file: load(text, file, path.stem, rules), CampaignInvalid)


def load(text: str, file: str, stem: str, rules: Rules) -> tuple[Campaign | None, list[Problem]]:
    """The campaign in this text, and every problem; with problems it is good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    name = fields.name("campaign")
    if name and name != stem:
        fields.problem("campaign", f"campaign is {name!r}, the file is {stem!r}.", "Give both the same name.")
    title = fields.text("title")
    purpose = fields.one_of("purpose", PURPOSES, "service")
    who = _who(_inner(fields, "who"))
    what = _what(_inner(fields, "what"))
    when = _inner(fields, "when")
    known = next(one for one in PURPOSES if one == purpose)
    hours = _hours(when, rules.purposes[known].hours)
    begins_on, ends_on, days = _days(when)
    when.done()
    caller = fields.inner("from") or _empty(fields, "from")
    caller_id, trunk = _caller(caller)
    attempts = read_caps(fields.inner("attempts") or _empty(fields, "attempts"), _DEFAULT_CAPS, within=rules.customer)
    own_after = read_after(fields, "after", whole=False)
    exhausted = fields.one_of("exhausted", EXHAUSTED, "by_hand")
    seats = _seats(fields.inner("seats"))
    pacing, lines = _pacing(fields.inner("pacing") or _empty(fields, "pacing"), what)
    _together(fields, who, what, seats, rules.purposes[known].consent)
    _possible(fields, attempts, own_after, begins_on, ends_on, days)
    fields.done()
    campaign = Campaign(
        name=name,
        title=title,
        purpose=known,
        who=who,
        what=what,
        hours=hours,
        attempts=attempts,
        after=dict(rules.after) | own_after,
        exhausted=next(one for one in EXHAUSTED if one == exhausted),
        pacing=pacing,
        lines=lines,
        seats=seats,
        caller_id=caller_id,
        trunk=trunk,
        begins_on=begins_on,
        ends_on=ends_on,
        days=days,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
        file=file,
    )
    return campaign, sorted(set(problems))


# --- who --------------------------------------------------------------------------------------------------------------


def _who(fields: Fields) -> Who:
    listed = fields.text("list", "no")
    audience = Audience(
        statuses=_some(fields, "status", STATUSES),
        tiers=_some(fields, "tier", TIERS),
        stages=_some(fields, "stage", [stage for stage in STAGES if stage]),
        branches=fields.words("branch", ()),
        languages=_some(fields, "language", LANGUAGES),
        opened_within=_optional(fields, "opened_within_days", 1, 3_650),
        opened_before=_optional(fields, "opened_before_days", 1, 36_500),
        assets_from=_amount(fields, "assets_from"),
        watching=fields.words("watching", ()),
        complained_within=_optional(fields, "complained_within_days", 1, 365),
    )
    for code in audience.watching:
        if not _SHARE.fullmatch(code):
            fields.problem("watching", f"watching: {code!r} is no share's code.", "Six digits: 600519.")
    columns = tuple(word for word in fields.words("columns", ()))
    for column in columns:
        if not NAME.match(column) or (column in KNOWN_COLUMNS and column != "consent"):
            fields.problem("columns", f"columns: {column!r} cannot be a column of its own.", "Take another name.")
    order = fields.one_of("order", ORDERS, "opened")
    last_day = fields.text("last_day", "")
    within = _optional(fields, "within_days", 1, LONGEST)
    is_listed = listed not in ("no", "false")
    once_per = fields.words("once_per", ())
    again = _optional(fields, "again_after_days", 1, 3_650)
    for column in once_per:
        if column not in columns:
            fields.problem("once_per", f"once_per: there is no column {column!r}.", suggest(column, columns))
    if again is not None and is_listed:
        fields.problem("again_after_days", "again_after_days is for queries: a list has once_per.", "Take it out.")
    if not fields.table.entries:
        fields.problem("list", "nobody is named.", "Give a condition (status: [new]), or a list (list: yes).")
    elif audience.everybody and not is_listed:
        fields.problem("list", "this would call every customer.", "Give a condition (status: [new]), or list: yes.")
    if columns and not is_listed:
        fields.problem("columns", "columns are those of a list, and there is none.", "Write `list: yes`.")
    if last_day and last_day not in columns:
        fields.problem("last_day", f"last_day: there is no column {last_day!r}.", suggest(last_day, columns))
    if within is not None and is_listed:
        fields.problem("within_days", "within_days counts from the opening of accounts: a list has last_day.", "")
    opened = audience.opened_within
    if within is not None and opened is not None and opened > within:
        what = f"accounts of the last {opened} days are called within {within} days of their opening."
        fields.problem("within_days", what, "Make opened_within_days no longer than within_days.")
    if audience.opened_before is not None and opened is not None and opened <= audience.opened_before:
        what = f"no account was opened within {opened} days and before {audience.opened_before} days."
        fields.problem("opened_before_days", what, "Take one of the two out.")
    fields.done()
    file = listed if is_listed and listed not in ("yes", "true") else ""
    return Who(
        audience,
        is_listed,
        file,
        columns,
        next(one for one in ORDERS if one == order),
        last_day,
        within,
        once_per,
        again,
    )


def _some(fields: Fields, name: str, known: Sequence[Any]) -> tuple[Any, ...]:
    found = fields.words(name, ())
    for word in found:
        if word not in known:
            fields.problem(name, f"{name}: there is no {name} {word!r}.", suggest(word, known))
    return tuple(word for word in found if word in known)


def _optional(fields: Fields, name: str, least: int, most: int) -> int | None:
    return fields.number(name, None, least, most) if fields.has(name) else None


def _amount(fields: Fields, name: str) -> Decimal | None:
    text = fields.text(name, "")
    if text and not re.fullmatch(r"[0-9]{1,14}", text):
        fields.problem(name, f"{name} must be an amount in yuan, not {text!r}.", "Write 500000.")
        return None
    return Decimal(text) if text else None


# --- what, when, from where -------------------------------------------------------------------------------------------


def _what(fields: Fields) -> What:
    call = next(one for one in CALLS if one == fields.one_of("call", CALLS, "agent"))
    script = fields.name("script")
    flow = fields.name("flow", FLOWS[call])
    survey = fields.flag("survey")
    if survey and call != "agent":
        fields.problem("survey", "survey: there is no talk with an agent to be marked.", "Take it out.")
    machines = fields.flag("machines")
    fields.done()
    return What(call, script, flow, survey, machines)


def _hours(fields: Fields, law: Hours) -> Hours:
    trading = fields.flag("trading_days")
    hours = read_hours(fields, law, trading)
    if trading and any(hours.spans.values()) and not hours.spans["weekdays"]:
        what = "no hour is left: the exchanges trade on weekdays only, and there are no hours on weekdays."
        fields.problem("trading_days", what, "Give weekdays a time, or write `trading_days: no`.")
    return hours


def _days(fields: Fields) -> tuple[datetime.date | None, datetime.date | None, int | None]:
    begins, ends = _date(fields, "begins"), _date(fields, "until")
    days = _optional(fields, "days", 1, LONGEST)
    if fields.has("until") == fields.has("days"):
        fields.problem("until", "when does it end?", "Give `until: 2026-12-31`, or `days: 30` from its planning on.")
    if begins and ends and ends < begins:
        fields.problem("until", f"it ends on {ends}, before it begins on {begins}.", "Correct one of the two.")
    return begins, ends, days


def _date(fields: Fields, name: str) -> datetime.date | None:
    text = fields.text(name, "")
    if not text:
        return None
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    except ValueError:
        fields.problem(name, f"{name}: {text!r} is no date.", "Write it like 2026-12-31.")
        return None


def _caller(fields: Fields) -> tuple[str, str]:
    caller_id, trunk = fields.text("caller_id", ""), fields.text("trunk", "")
    if caller_id and not _NUMBER.fullmatch(caller_id):
        fields.problem("caller_id", f"caller_id: {caller_id!r} is no number.", "Digits only, as the trunk wants it.")
    fields.done()
    return caller_id, trunk


def _seats(fields: Fields | None) -> Seats:
    if fields is None:
        return Seats()
    inner = fields.inner("skills")
    skills = {}
    if inner is not None:
        for name in inner.table.entries:
            if not NAME.match(name):
                inner.problem(name, f"{name!r} is no name of a skill.", "Use small letters, digits, underscores.")
            skills[name] = inner.number(name, None, 1, LEVELS)
    own_branch = fields.flag("own_branch")
    fields.done()
    return Seats(skills, own_branch)


def _pacing(fields: Fields, what: What) -> tuple[PacingRules, int]:
    usual = PacingRules()
    lines = fields.number("lines", 0, 0, 10_000)
    at_least = fields.seconds("ring_at_least", f"{usual.ring_at_least:g}s", 15, 60)
    at_most = fields.seconds("ring_at_most", f"{usual.ring_at_most:g}s", 15, 90)
    if at_most < at_least:
        fields.problem("ring_at_most", "ring_at_most is shorter than ring_at_least.", "Make it the same, or longer.")
    if what.call != "agent":
        for name in ("mode", "ratio", "aim_permille", "cancelling"):
            if fields.element(name) is not None:
                fields.problem(name, f"{name} paces calls with agents, and here is none.", "Take it out; `lines: 20`.")
        if not lines:
            fields.problem("lines", "an automatic campaign needs the number of its lines.", "Write `lines: 20`.")
        fields.done()
        return PacingRules(mode="progressive", ring_at_least=at_least, ring_at_most=at_most), lines
    mode = fields.one_of("mode", MODES, "predictive")
    ratio = fields.number("ratio_percent", 150, 100, 1_000) / 100
    aim = fields.number("aim_permille", 29, 1, 30) / 1000
    cancelling = fields.flag("cancelling", True)
    if fields.has("ratio_percent") and mode != "power":
        fields.problem("ratio_percent", f"ratio_percent is for mode power, not for {mode}.", "Take it out.")
    fields.done()
    rules = PacingRules(
        mode=next(one for one in ("preview", "progressive", "power", "predictive") if one == mode),
        ratio=ratio,
        aim=aim,
        ring_at_least=at_least,
        ring_at_most=at_most,
        cancelling=cancelling,
    )
    return rules, lines


# --- what must fit together -------------------------------------------------------------------------------------------


def _together(fields: Fields, who: Who, what: What, seats: Seats, consent: bool) -> None:
    if consent and "consent" not in who.columns:
        said = "calls of this purpose need the customers' consent, and nothing here says where its evidence is."
        fields.problem("purpose", said, "Take the targets from a list with the column consent (who: columns).")
    if what.call == "agent" and not seats.skills:
        said = "which agents? Calls with an agent need at least one skill."
        fields.problem("seats", said, "Write `seats: {skills: {revisit: 1}}`.")
    if what.call != "agent" and fields.has("seats"):
        fields.problem("seats", "an automatic call has no seats.", "Take it out.")


def _possible(
    fields: Fields,
    attempts: Caps,
    after: Mapping[Outcome, datetime.timedelta | None],
    begins_on: datetime.date | None,
    ends_on: datetime.date | None,
    days: int | None,
) -> None:
    length = days
    if begins_on and ends_on and ends_on >= begins_on:
        length = (ends_on - begins_on).days + 1
    if length is None:
        return
    most = length * attempts.day
    if attempts.in_all > most and fields.has("attempts"):
        said = f"{attempts.in_all} attempts in all cannot be made: {length} days at {attempts.day} a day are {most}."
        fields.problem("attempts", said, f"Write in_all: {most}, or give it more days.")
    for outcome, pause in after.items():
        if pause is not None and pause >= datetime.timedelta(days=length):
            said = f"after {outcome} nobody is tried again: the campaign is over before the pause is."
            fields.problem("after", said, "Write a shorter pause, or never.")


def _inner(fields: Fields, name: str) -> Fields:
    inner = fields.inner(name)
    if inner is not None:
        return inner
    if not fields.has(name):
        fields.problem(name, f"{name} is missing.", f"Add `{name}:` and what belongs below it.")
    return _empty(fields, name, silent=True)


def _empty(fields: Fields, name: str, silent: bool = False) -> Fields:
    """A table that says nothing; ``silent``: complaints about it have been made."""
    problems: list[Problem] = [] if silent else fields.problems
    return Fields(fields.file, Table({}, fields.line(name), {}), problems, f"{fields.where}{name}: ")
