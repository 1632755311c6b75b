"""A campaign in words, for whoever asks what it does. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from outbound.campaign import Campaign
from outbound.hours import DAY_KINDS


def in_words(one: Campaign) -> dict[str, str]:
    """One sentence for each part of the file."""
    caps = one.attempts
    pacing = one.pacing
    how = f"{pacing.mode}" if one.needs_agents else f"{one.lines} lines"
    return {
        "purpose": one.purpose,
        "who": "; ".join(_who(one)),
        "what": f"{one.what.call}, script {one.what.script}, flow {one.what.flow}",
        "when": "; ".join(_when(one)),
        "from": f"{one.caller_id or 'the number of the trunk'} by {one.trunk or 'the first trunk'}",
        "seats": _seats(one),
        "pacing": f"{how}, rings {pacing.ring_at_least:g} to {pacing.ring_at_most:g} s",
        "attempts": f"{caps.day} a day, {caps.week} a week, {caps.in_all} in all; then {one.exhausted}",
        "after": ", ".join(
            f"{outcome} {_pause(pause) if pause else 'not this number again'}" for outcome, pause in one.after.items()
        ),
    }


def _who(one: Campaign) -> Iterator[str]:
    who, audience = one.who, one.who.audience
    if who.listed:
        file = who.list_file or "a file that is given when it is planned"
        yield f"a list ({file}) with {', '.join(who.columns) or 'no columns of its own'}"
    for name, words in (
        ("status", audience.statuses),
        ("tier", audience.tiers),
        ("stage", audience.stages),
        ("branch", audience.branches),
        ("language", audience.languages),
        ("watching", audience.watching),
    ):
        if words:
            yield f"{name} {' or '.join(words)}"
    for said, days in (
        ("opened within {} days", audience.opened_within),
        ("opened {} days ago or earlier", audience.opened_before),
        ("complained within {} days", audience.complained_within),
        ("called within {} days of the opening", who.within),
    ):
        if days is not None:
            yield said.format(days)
    if audience.assets_from is not None:
        yield f"assets of {audience.assets_from:,} yuan or more"
    if who.last_day:
        yield f"until {who.last_day}"
    if who.once_per:
        yield f"once per {', '.join(who.once_per)}"
    if who.again is not None:
        yield f"again {who.again} days after it was done"
    yield f"in the order of {who.order}"


def _when(one: Campaign) -> Iterator[str]:
    for kind in DAY_KINDS:
        spans = one.hours.spans.get(kind, ())
        if spans:
            yield f"{kind} {', '.join(map(str, spans))}"
    if one.hours.trading:
        yield "on trading days alone"
    if one.begins_on:
        yield f"from {one.begins_on}"
    yield f"until {one.ends_on}" if one.ends_on else f"for {one.days} days from its planning"


def _seats(one: Campaign) -> str:
    if not one.needs_agents:
        return "none"
    skills = ", ".join(f"{name} at level {level}" for name, level in one.seats.skills.items())
    return skills + (", of the target's branch" if one.seats.own_branch else "")


def _pause(pause: datetime.timedelta) -> str:
    minutes = int(pause.total_seconds()) // 60
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
