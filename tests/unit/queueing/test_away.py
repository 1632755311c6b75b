"""Asterisk's own queue as the controller keeps it: who is its member, who comes back, what is read of its record."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from db.agent import Seat, Session, State
from db.events import AWAY_QUEUE, CALL_ENDED, CALL_STARTED, Event
from ivr.ami import protocol
from ivr.queueing.away import AwayQueue, member_of
from ivr.queueing.seen import CallerGone, LegGone, LegTalks, SeatLeg, Snapshot

SEATS = {
    "S801": Seat("S801", "softphone", endpoint="801"),
    "M1": Seat("M1", "mobile", trunk="carrier", number="+8613800138000", accept_key=True),
}
SINCE = datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.UTC)
DESK = "Local/S801*801**@goldline-away-seat/n"


@pytest.mark.parametrize(
    ("seat", "interface", "device"),
    [
        (SEATS["S801"], DESK, "PJSIP/801"),
        (SEATS["M1"], "Local/M1*13800138000*carrier*k@goldline-away-seat/n", "Custom:goldline-M1"),
        (
            Seat("S2", "softphone", endpoint="802", kept_open=True),
            "Local/S2*802**o@goldline-away-seat/n",
            "Custom:goldline-S2",
        ),
    ],
)
def test_a_seat_as_that_queue_rings_it(seat: Seat, interface: str, device: str) -> None:
    member = member_of(seat)
    assert (member.interface, member.device) == (interface, device)


class Manager:
    """The manager's two accounts, with a queue behind them."""

    def __init__(self) -> None:
        self.members: dict[str, str] = {}
        self.waiting: list[str] = []
        self.done: list[tuple[str, str]] = []

    async def action(self, name: str, headers: Mapping[str, str]) -> None:
        self.done.append((name, headers["Interface"]))
        if name == "QueueAdd":
            self.members[headers["Interface"]] = headers["MemberName"]
        else:
            del self.members[headers["Interface"]]

    async def list(self, name: str, headers: Mapping[str, str]) -> list[protocol.Event]:
        members = [
            _event("QueueMember", Location=interface, Name=seat, Queue=headers["Queue"])
            for interface, seat in self.members.items()
        ]
        return [*members, *(_event("QueueEntry", Uniqueid=call) for call in self.waiting)]

    async def wait_connected(self, _timeout: float) -> None:
        return

    async def take_back(self, call: str) -> None:
        self.done.append(("take back", call))


class Sink(list[Event]):
    """A journal."""


def _event(name: str, **headers: str) -> protocol.Event:
    return protocol.Event((("Event", name), *headers.items()))


def session(state: State, seat: str = "S801", **more: Any) -> Session:
    return Session("801", state, SINCE, seat, **more)


async def is_known(call: str) -> bool:
    return call == "known"


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def journal() -> Sink:
    return Sink()


@pytest.fixture
def away(manager: Manager, journal: Sink, tmp_path: Path) -> AwayQueue:
    return AwayQueue(manager, manager, journal, is_known, tmp_path / "queue_log")  # type: ignore[arg-type]


async def test_members_are_who_is_at_work(away: AwayQueue, manager: Manager) -> None:
    await away.close(manager)  # type: ignore[arg-type]
    away.open()
    for state in ("idle", "reserved", "ringing", "talking", "wrap_up"):
        away.session(session(state), SEATS)  # type: ignore[arg-type]
        await away.bring()
        assert manager.members == {DESK: "S801"}
    assert manager.done == [("QueueAdd", DESK)]
    away.session(session("paused"), SEATS)
    await away.bring()
    assert manager.members == {}
    away.session(session("talking", next_state="paused"), SEATS)
    await away.bring()
    assert manager.members == {}
    away.session(session("idle", seat="M1"), SEATS)
    await away.bring()
    assert list(manager.members.values()) == ["M1"]
    away.session(session("logged_out", seat=""), SEATS)
    await away.bring()
    assert manager.members == {}


async def test_members_of_an_earlier_controller_are_put_right(away: AwayQueue, manager: Manager) -> None:
    manager.members = {"Local/S9*809**@goldline-away-seat/n": "S9", DESK: "S801"}
    await away.close(manager)  # type: ignore[arg-type]
    away.session(session("idle"), SEATS)
    away.open()
    await away.bring()
    assert manager.members == {DESK: "S801"}
    assert ("QueueAdd", DESK) not in manager.done, "who is there already is not disturbed"


async def test_who_waits_comes_back_and_what_rings_rings_on(away: AwayQueue, manager: Manager) -> None:
    manager.members = {DESK: "S801"}
    manager.waiting = ["c-1", "c-2", "c-3"]
    waiting = await away.close(manager)  # type: ignore[arg-type]
    assert manager.done == [("QueueRemove", DESK)], "first nobody more is rung"
    legs = {
        "S801": SeatLeg("c-2", "S801", "PJSIP/801-1", "ringing"),
        "S802": SeatLeg("c-3", "S802", "PJSIP/802-1", "ringing"),
    }
    await away.take_back(waiting, Snapshot({}, legs, {}, frozenset()))
    assert manager.done[1:] == [("take back", "c-1")]
    assert away.saw(LegTalks("c-2", "S801", "PJSIP/801-1")) is None
    assert away.saw(LegGone("c-2", "S801", 16)) is None, "a talk that ends is none that came to nothing"
    work = away.saw(LegGone("c-3", "S802", 16))
    assert work is not None
    await work
    assert manager.done[2:] == [("take back", "c-3")]
    assert away.saw(LegGone("c-3", "S802", 16)) is None
    assert away.saw(CallerGone("c-1")) is None


async def test_the_record_is_read_once_and_line_by_line(away: AwayQueue, journal: Sink, tmp_path: Path) -> None:
    record = tmp_path / "queue_log"
    assert await away.tell_journal(frozenset()) == frozenset()
    record.write_text(
        "1|NONE|NONE|NONE|QUEUESTART|\n"
        "1000|new|goldline-away|NONE|CAME|139|95500\n"
        "1001|known|goldline-away|NONE|CAME|138|95500\n"
        "1002|known|goldline-away|NONE|WAITS|gold|99900"
    )
    assert await away.tell_journal(frozenset(("known",))) == {"new"}
    assert [(event.call_id, event.kind) for event in journal] == [("new", CALL_STARTED), ("new", CALL_ENDED)]
    journal.clear()
    with record.open("a") as more:  # the rest of a line that was being written
        more.write("0\n1009|known|goldline-away|NONE|ABANDON|1|1|7\n")
    assert await away.tell_journal(frozenset()) == {"known"}
    assert [(event.kind, event.data.get("tier")) for event in journal] == [(AWAY_QUEUE, "gold"), (CALL_ENDED, None)]
    journal.clear()
    assert await away.tell_journal(frozenset()) == frozenset()
    record.write_text("1100|other|goldline-away|NONE|CAME|137|95500\n")  # another file by now
    assert await away.tell_journal(frozenset()) == {"other"}
