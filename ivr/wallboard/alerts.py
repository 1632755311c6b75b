"""What a supervisor should look at now. Pure: picture, rows of the board, time and limits in."""

from __future__ import annotations

from db.customer import TIERS
from ivr.wallboard.alerts_file import AlertLimits
from ivr.wallboard.picture import Picture
from ivr.wallboard.rows import Alert, AlertKind, SeatRow, TierRow, WaitingCaller
from ivr.wallboard.sights import DEVICE_OF, Part


def raised(
    picture: Picture,
    waiting: tuple[WaitingCaller, ...],
    seats: tuple[SeatRow, ...],
    tiers: tuple[TierRow, ...],
    now: float,
    limits: AlertLimits,
) -> tuple[Alert, ...]:
    """What is wrong at this moment, the worst first."""
    found: list[Alert] = []
    away: tuple[tuple[Part, AlertKind, float], ...] = (
        ("asterisk", "asterisk_away", limits.asterisk_away),
        ("controller", "controller_away", limits.controller_away),
        ("database", "database_away", limits.database_away),
    )
    for part, kind, limit in away:
        link = picture.links.get(part)
        if link is not None and not link.up and (link.first or now - link.since >= limit):
            found.append(Alert(kind, seconds=now - link.since, text=link.why))
    for tier in TIERS:
        late = [one.waited for one in waiting if one.tier == tier and one.waited > limits.waits[tier]]
        if late:
            found.append(Alert("waits_too_long", tier, len(late), max(late)))
    found += _nobody_for(picture, waiting, limits)
    found += _branches_offline(picture, seats, now, limits)
    if limits.service_level_after:
        for row in tiers:
            level = row.lately.service
            if level is not None and row.lately.decided >= limits.service_level_after and level < row.target.share:
                found.append(Alert("below_target", row.tier, row.lately.decided, level))
    found += [Alert("disagreement", row.seat, text=row.finding) for row in seats if row.finding]
    return tuple(found)


def _nobody_for(picture: Picture, waiting: tuple[WaitingCaller, ...], limits: AlertLimits) -> list[Alert]:
    """Languages and required skills of waiting callers that nobody has who is at work, paused or not."""
    if not picture.agents:
        return []
    at_work = [
        picture.agents[session.agent]
        for session in picture.sessions.values()
        if session.state not in ("logged_out", "gone") and session.agent in picture.agents
    ]
    spoken: set[str] = {language for agent in at_work for language in agent.languages}
    languages: dict[str, list[float]] = {}
    skills: dict[str, list[float]] = {}
    for one in waiting:
        place = picture.places[one.call]
        if place.language and place.language not in spoken:
            languages.setdefault(place.language, []).append(one.waited)
        for skill, level in place.required.items():
            if not any(agent.skills.get(skill, 0) >= level for agent in at_work):
                skills.setdefault(f"{skill}:{level}", []).append(one.waited)
    found = [
        Alert("no_language", word, len(w), max(w)) for word, w in languages.items() if max(w) >= limits.no_language
    ]
    return found + [Alert("no_skill", word, len(w), max(w)) for word, w in skills.items() if max(w) >= limits.no_skill]


def _branches_offline(picture: Picture, seats: tuple[SeatRow, ...], now: float, limits: AlertLimits) -> list[Alert]:
    asterisk = picture.links.get("asterisk")
    if asterisk is None or not asterisk.up:
        return []  # nothing can be said of them
    found = []
    for branch in dict.fromkeys(row.branch for row in seats):
        rows = [row for row in seats if row.branch == branch]
        watched = [row for row in rows if row.reach != "unknown"]
        if not watched or any(row.reach == "reachable" for row in watched) or not any(row.agent for row in watched):
            continue
        devices = [DEVICE_OF + picture.seats[row.seat].endpoint for row in watched]
        since = max(picture.device_since.get(device, 0.0) for device in devices)
        if now - since >= limits.branch_offline:
            found.append(Alert("branch_offline", branch, len(watched), now - since if since else 0.0))
    return found
