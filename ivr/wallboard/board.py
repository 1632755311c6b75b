"""The board: what a picture means at one moment, ready to be shown. Pure: picture, time, policy and limits in.

Urgency and order are those of ``agent_routing.policy``, from the joining time that the caller's own channel carries, so
that the board and the engine never disagree about who is next. Where the store and Asterisk say different things of a
seat, ``agent_routing.seats.reconcile`` says which. Must not know: where it is shown, in which language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from agent_routing.decisions import Standing
from agent_routing.policy import Policy
from agent_routing.seats import Finding, SeatSeen, reconcile
from db.agent import Seat, Session
from db.customer import TIERS
from ivr.queueing.place import Place
from ivr.wallboard.alerts import raised
from ivr.wallboard.alerts_file import AlertLimits
from ivr.wallboard.picture import Link, Picture
from ivr.wallboard.rows import PARTS, Board, SeatRow, Talk, TierRow, WaitingCaller
from ivr.wallboard.sights import DEVICE_OF, Channel, reach_of

SHORTEST_NUMBER: Final = 7  # digits; a shorter one is masked but for its last digit


def board(picture: Picture, now: float, policy: Policy, limits: AlertLimits, *, whole_numbers: bool = False) -> Board:
    """The board at ``now``. Callers' numbers are masked unless ``whole_numbers``."""
    legs = {channel.id: channel for channel in picture.channels.values() if channel.seat and channel.call}
    talking = {leg.call for leg in legs.values() if leg.bridge}
    waiting = _waiting(picture, legs, talking, now, policy, whole_numbers)
    lately, today = picture.service.lately(now), picture.service.today(now)
    tiers = tuple(
        TierRow(
            tier,
            sum(one.tier == tier for one in waiting),
            max((one.waited for one in waiting if one.tier == tier), default=0.0),
            policy.tiers[tier].target,
            lately[tier],
            today[tier],
        )
        for tier in TIERS
    )
    seats = _seats(picture, legs, now, limits)
    names = {agent.id: (agent.name("zh"), agent.name("en")) for agent in picture.agents.values()}
    names |= {code: (branch.name_zh, branch.name_en) for code, branch in picture.branches.items()}
    return Board(
        now,
        {part: picture.links.get(part, Link(False, now)) for part in PARTS},
        raised(picture, waiting, seats, tiers, now, limits),
        tiers,
        waiting,
        _talks(picture, legs, now, whole_numbers),
        seats,
        names,
    )


def masked(number: str) -> str:
    """A number that tells two callers apart and calls nobody: 138****8000."""
    if len(number) < SHORTEST_NUMBER:
        return "*" * (len(number) - 1) + number[-1:]
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}" if len(number) > 7 else f"***{number[-4:]}"


def _waiting(
    picture: Picture,
    legs: Mapping[str, Channel],
    talking: set[str],
    now: float,
    policy: Policy,
    whole_numbers: bool,
) -> tuple[WaitingCaller, ...]:
    rung = {leg.call: leg.seat for leg in legs.values() if not leg.bridge}
    found = []
    for call, place in picture.places.items():
        if call in talking:
            continue
        waited = max(0.0, now - place.joined)
        channel = picture.channels.get(call)
        number = channel.caller if channel else ""
        found.append(
            WaitingCaller(
                call,
                number if whole_numbers else masked(number),
                place.tier,
                place.joined,
                waited,
                policy.urgency(place.tier, waited),
                _standing(place, waited, policy),
                place.language,
                place.branch,
                place.line or (channel.line if channel else ""),
                rung.get(call, ""),
            )
        )
    return tuple(sorted(found, key=lambda one: _order(one, picture.places[one.call])))


def _standing(place: Place, waited: float, policy: Policy) -> Standing:
    rule = policy.tiers[place.tier]
    if rule.strict:
        return "strict"
    if place.front:
        return "front"
    return "past the longest wait" if waited >= rule.longest_wait else "by urgency"


def _order(one: WaitingCaller, place: Place) -> tuple[int, int, float, float, str]:
    """Strict tiers in their order, the front, those past the longest wait, then urgency (docs/routing.md)."""
    tier = TIERS.index(one.tier)
    match one.standing:
        case "strict":
            return 0, 2 * tier + (0 if place.front else 1), one.joined, 0.0, one.call
        case "front":
            return 1, 0, one.joined, 0.0, one.call
        case "past the longest wait":
            return 2, 0, one.joined, 0.0, one.call
    return 3, 0, -one.urgency, one.joined, one.call


def _talks(picture: Picture, legs: Mapping[str, Channel], now: float, whole_numbers: bool) -> tuple[Talk, ...]:
    sitting = {session.seat: session for session in picture.sessions.values() if session.seat}
    found = []
    for leg in legs.values():
        if not leg.bridge:
            continue
        session = sitting.get(leg.seat)
        began = picture.leg_since.get(leg.id, leg.since)
        if session and session.state == "talking" and session.call == leg.call:
            began = session.since.timestamp()
        caller = picture.channels.get(leg.call)
        place = picture.places.get(leg.call)
        number = caller.caller if caller else ""
        found.append(
            Talk(
                leg.call,
                number if whole_numbers else masked(number),
                place.tier if place else None,
                session.agent if session else "",
                leg.seat,
                began,
                max(0.0, now - began),
            )
        )
    return tuple(sorted(found, key=lambda talk: (talk.began, talk.call, talk.seat)))


def _seats(picture: Picture, legs: Mapping[str, Channel], now: float, limits: AlertLimits) -> tuple[SeatRow, ...]:
    by_seat: dict[str, Channel] = {}
    for leg in legs.values():
        known = by_seat.get(leg.seat)
        if known is None or (leg.bridge and not known.bridge):
            by_seat[leg.seat] = leg
    sitting = {session.seat: session for session in picture.sessions.values() if session.seat}
    rows = []
    for seat in picture.seats.values():
        session, seen = sitting.get(seat.id), _seen(seat, picture, by_seat.get(seat.id))
        if session is None:
            rows.append(SeatRow(seat.id, seat.branch, "", "logged_out", 0.0, "", seen.reach, seen.leg))
            continue
        finding = _finding(picture, seat, session, seen, by_seat.get(seat.id), now, limits)
        since = session.since.timestamp()
        rows.append(
            SeatRow(
                seat.id, seat.branch, session.agent, session.state, since, session.reason, seen.reach, seen.leg, finding
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.branch, row.seat)))


def _seen(seat: Seat, picture: Picture, leg: Channel | None) -> SeatSeen:
    reach = reach_of(seat, picture.devices)
    if leg is None:
        return SeatSeen(reach)
    return SeatSeen(reach, "bridged" if leg.bridge else "ringing", leg.call)


def _finding(
    picture: Picture,
    seat: Seat,
    session: Session,
    seen: SeatSeen,
    leg: Channel | None,
    now: float,
    limits: AlertLimits,
) -> Finding | Literal[""]:
    """How the two disagree, once they have for a while: each hears of the other a moment later."""
    asterisk, controller = picture.links.get("asterisk"), picture.links.get("controller")
    if not asterisk or not asterisk.up:
        return ""
    found = reconcile([session], {seat.id: seen})
    if not found:
        return ""
    since = max(
        session.since.timestamp(),
        asterisk.since,
        controller.since if controller and controller.up else 0.0,
        picture.device_since.get(DEVICE_OF + seat.endpoint, 0.0),
        picture.leg_since.get(leg.id, 0.0) if leg else 0.0,
    )
    return found[0].finding if now - since >= limits.disagreement else ""
