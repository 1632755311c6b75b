"""What the wallboard costs: an event folded, a board made and drawn, at a busy brokerage's size.

    python bench/wallboard.py

1,000 seats in 50 branches, 500 callers waiting, 400 talks, 100,000 calls since midnight. The board is made and drawn
when something happened, at most four times a second.
"""

from __future__ import annotations

import argparse
import datetime
import io
import json
import time
from collections.abc import Callable
from statistics import median

from rich.console import Console

from agent_routing.policy_file import read as read_policy
from db.agent import Agent, Seat, Session
from db.customer import TIERS, Branch
from ivr.queueing.place import Place, encode
from ivr.wallboard.alerts_file import read as read_limits
from ivr.wallboard.board import board
from ivr.wallboard.lines import line, told
from ivr.wallboard.picture import Picture
from ivr.wallboard.screen import screen
from ivr.wallboard.sights import LinkSeen, RosterRead, sights_of, state_of
from ivr.wallboard.words import ZH

ROUNDS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seats", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=500)
    parser.add_argument("--talks", type=int, default=400)
    parser.add_argument("--calls", type=int, default=100_000)
    size = parser.parse_args()
    policy, limits, now = read_policy(), read_limits(), time.time()
    picture = Picture(policy)
    talking = {number: f"t{number}" for number in range(size.talks)}
    began = datetime.datetime.fromtimestamp(now - 100, datetime.UTC)
    picture.take(
        RosterRead(
            tuple(Agent(str(10_000 + n), f"座席{n}", f"Agent {n}") for n in range(size.seats)),
            tuple(Seat(f"S{n}", "softphone", f"e{n}", branch=f"B{n % 50:02}") for n in range(size.seats)),
            tuple(Branch(f"B{n:02}", f"营业部{n}", f"Branch {n}") for n in range(50)),
            tuple(
                Session(str(10_000 + n), "talking" if n in talking else "idle", began, f"S{n}", talking.get(n, ""))
                for n in range(size.seats)
            ),
        )
    )
    channels = [status(f"w{n}", f"138{n:08}", place=Place(now - n, TIERS[n % 4], "zh")) for n in range(size.waiting)]
    channels += [status(call, f"139{n:08}", bridge=f"b{n}") for n, call in talking.items()]
    channels += [status(f"l{n}", "", bridge=f"b{n}", seat=f"S{n}", call=call) for n, call in talking.items()]
    devices = [{"Device": f"PJSIP/e{n}", "State": "NOT_INUSE"} for n in range(size.seats)]
    for part in ("asterisk", "controller", "database"):
        picture.take(LinkSeen(part, True, now))  # type: ignore[arg-type]
    for number in range(size.calls):
        picture.service.joined(f"d{number}", TIERS[number % 4], now - 20_000 + number * 20_000 / size.calls)
        picture.service.answered(f"d{number}", 3.0)
    console = Console(file=io.StringIO(), width=120, height=50)
    events = [
        event
        for n in range(2000)
        for event in (
            {"Event": "Newchannel", "Timestamp": str(now), "Uniqueid": f"n{n}", "CallerIDNum": "138", "Exten": "95500"},
            {"Event": "Newstate", "Timestamp": str(now), "Uniqueid": f"n{n}", "ChannelStateDesc": "Up"},
            {"Event": "Hangup", "Timestamp": str(now), "Uniqueid": f"n{n}"},
        )
    ]

    def fold() -> None:
        for event in events:
            for sight in sights_of(event, now):
                picture.take(sight)

    figures = {
        "read_state_ms": timed(lambda: picture.take(state_of(channels, devices, now))),
        "board_ms": timed(lambda: board(picture, now, policy, limits)),
        "line_ms": timed(lambda: line(told(board(picture, now, policy, limits)), now)),
        "drawn_ms": timed(lambda: console.print(screen(board(picture, now, policy, limits), ZH, 120, 50))),
        "event_us": timed(fold) * 1000 / len(events),
    }
    for name, value in figures.items():
        print(f"{name:<16}{value:>10.2f}")
    print(
        json.dumps({"bench": "wallboard", **vars(size), **{name: round(value, 3) for name, value in figures.items()}})
    )


def status(
    channel: str,
    number: str,
    *,
    place: Place | None = None,
    bridge: str = "",
    seat: str = "(null)",
    call: str = "(null)",
) -> dict[str, object]:
    """An item of AMI's ``Status``."""
    values = {"GOLDLINE_WAIT": encode(place) if place else "(null)", "GOLDLINE_SEAT": seat, "GOLDLINE_CALL": call}
    return {
        "Uniqueid": channel,
        "CallerIDNum": number,
        "ChannelStateDesc": "Up",
        "BridgeID": bridge,
        "Seconds": "30",
        "ChanVariable": "GOLDLINE_LINE=95500",
        "Variable": [f"{name}={value}" for name, value in values.items()],
    }


def timed(work: Callable[[], object]) -> float:
    """Milliseconds, the median of ROUNDS."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


if __name__ == "__main__":
    main()
