"""Two thousand calls into a whole telephone network, ten a second, with twenty agents.

    python bench/dialing.py [--calls 2000] [--agents 20] [--rate 10] [--kills 2] [--keep DIR] [--json]

Two campaigns share the trunk: a predictive one with agents, and one of automatic notices that takes what the first one
leaves of the trunk's calls per second. A second Asterisk plays the network: people who answer after some seconds and
talk, people who hang up at once, busy, no answer, unallocated numbers, refusals, announcements in early media (空号,
停机, 关机, 占线), a trunk that is overloaded. How a number behaves is written in its digits, so what ought to come of
it is known beforehand. Twenty telephones of our own play the agents; their legs are kept on the line. On the way the
controller is killed (SIGKILL) and started again.

Judged afterwards: by the network's own record, that no number was dialled twice; by the rows, that every outcome is
right, every target has come to an end or waits for its next try, and nothing is left open; and that the share of
answered calls that found no agent stays under the cap. Calls that were under way when the controller was killed are
told apart. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import random
import shutil
import statistics
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "asterisk")]

from carrier import Behaviour, number  # noqa: E402
from dial_house import Campaigned, DialHouse, announcements, on_the_line  # noqa: E402
from hotline import Hotline  # noqa: E402
from queue_house import opened  # noqa: E402

from agent_routing import pause_reasons, seat_times  # noqa: E402
from agent_routing.agents import NotAllowed, Ready  # noqa: E402
from agent_routing.desk import AgentDesk  # noqa: E402
from bench.lines_parts import processes  # noqa: E402
from db.attempt import Attempt  # noqa: E402
from db.attempts import Attempts  # noqa: E402
from db.calls import Calls  # noqa: E402
from db.campaigns import Campaigns  # noqa: E402
from db.events import OUTBOUND_CONNECTED, utcnow  # noqa: E402
from db.targets import Targets  # noqa: E402
from ivr.asterisk.process import raise_file_limit  # noqa: E402

# What comes of a number that behaves so. Who hangs up after half a second may have an agent by then.
TALK = frozenset(("reached", "abandoned"))
HEARD = frozenset(("reached", "hung_up"))  # of automatic calls: by whether the greeting was heard to its end
RIGHT: dict[Behaviour, frozenset[str]] = {
    Behaviour.TALKS: TALK,
    Behaviour.GLIMPSE: frozenset(("hung_up", "reached")),
    Behaviour.BUSY: frozenset(("busy",)),
    Behaviour.RINGS: frozenset(("no_answer",)),
    Behaviour.NO_SUCH: frozenset(("unallocated",)),
    Behaviour.DECLINES: frozenset(("refused",)),
    Behaviour.NOT_THERE: frozenset(("out_of_reach",)),
    Behaviour.OVERLOADED: frozenset(("network",)),
    Behaviour.SAYS_UNALLOCATED: frozenset(("unallocated",)),
    Behaviour.SAYS_STOPPED: frozenset(("stopped",)),
    Behaviour.SAYS_SWITCHED_OFF: frozenset(("switched_off",)),
    Behaviour.SAYS_BUSY: frozenset(("busy",)),
}
SHARES: dict[Behaviour, int] = {  # per cent
    Behaviour.TALKS: 42,
    Behaviour.GLIMPSE: 2,
    Behaviour.BUSY: 10,
    Behaviour.RINGS: 12,
    Behaviour.NO_SUCH: 5,
    Behaviour.DECLINES: 5,
    Behaviour.NOT_THERE: 5,
    Behaviour.OVERLOADED: 1,
    Behaviour.SAYS_UNALLOCATED: 5,
    Behaviour.SAYS_STOPPED: 4,
    Behaviour.SAYS_SWITCHED_OFF: 6,
    Behaviour.SAYS_BUSY: 3,
}
CUT = frozenset(("unknown", "abandoned"))  # of calls that were under way at a kill
CAP = 0.03
WITH_AGENTS = 0.4  # of all calls
NOTICE_LINES = 100
WRAP_UP_SECONDS = 1.0  # then the agent has said what came of the talk
LOOK_SECONDS = 0.5
PATIENCE = 580.0  # less than the shortest pause before a second try (``after: network`` in outbound/rules.yaml)


def main() -> int:
    options = _options()
    raise_file_limit()
    report = _bench(options)
    if not options.json:
        _print(report)
    print(json.dumps(report, ensure_ascii=False))
    return 1 if report["missed"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A predictive campaign by real calls", epilog=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--rate", type=float, default=10.0, help="calls per second that the trunk takes")
    parser.add_argument("--kills", type=int, default=2, help="how often the controller is killed on the way")
    parser.add_argument("--keep", type=Path, help="a directory for the database and the controller's log")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    return parser.parse_args()


def _numbers(calls: int, chance: random.Random) -> list[str]:
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(calls * share / 100))]
    kinds += [Behaviour.TALKS] * (calls - len(kinds))
    chance.shuffle(kinds)
    return [number(kind, _ring(kind, chance)) for kind in kinds[:calls]]


def _ring(kind: Behaviour, chance: random.Random) -> int:
    """Seconds until the telephone is answered, or the network says no."""
    if kind in (Behaviour.TALKS, Behaviour.GLIMPSE, Behaviour.DECLINES):
        return min(max(round(chance.gammavariate(4, 2.5)), 1), 20)
    return chance.randint(0, 3)


def _bench(options: argparse.Namespace) -> dict[str, Any]:
    house = DialHouse(announcements())
    story = house.queue.story(options.agents, seat={"kept_open": True}, all_seats=True)
    numbers = _numbers(options.calls, random.Random(5))
    share = round(options.calls * WITH_AGENTS)
    paced = {"mode": "predictive", "ring_at_most": "25s"}
    campaigns = [
        house.campaign(numbers[:share], story=story, **paced),
        house.campaign(numbers[share:], script="event_invitation", lines=str(NOTICE_LINES), ring_at_most="25s"),
    ]
    with ExitStack() as stack:
        asterisk = stack.enter_context(house.joined(calls_per_second=options.rate, channels=300))
        hotline = stack.enter_context(house.hotline(asterisk, "bench"))
        return asyncio.run(_run(options, house, campaigns, hotline))


async def _run(
    options: argparse.Namespace, house: DialHouse, campaigns: list[Campaigned], hotline: Hotline
) -> dict[str, Any]:
    kills: list[float] = []
    async with AsyncExitStack() as stack:
        for agent in range(options.agents):
            await stack.enter_async_context(on_the_line(hotline, campaigns[0].agents, agent))
        began = time.time()
        following = asyncio.gather(*(_follow(hotline, one) for one in campaigns), _agents_work(hotline))
        at = [options.calls * (one + 1) / (options.kills + 1) for one in range(options.kills)]
        cpu = 0.0
        used = _cpu(hotline)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            left = [await _left(hotline, one) for one in campaigns]
            waiting, held = sum(one[0] for one in left), sum(one[1] for one in left)
            done = sum(one[2] for one in left)
            if at and done >= at[0]:
                at.pop(0)
                cpu += _cpu(hotline) - used
                await asyncio.to_thread(hotline.kill)
                kills.append(time.time())
                await hotline.start()
                used = 0.0
            if not waiting and not held:
                break
            if time.time() - began > PATIENCE:
                print("bench/dialing.py: it took too long", file=sys.stderr)
                break
        seconds = time.time() - began
        cpu += _cpu(hotline) - used
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        report = await _judged(options, house, campaigns, hotline, kills, seconds)
        report["controller_cpu_percent"] = round(100 * cpu / seconds, 1)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        database = Path(hotline.settings.database_url.removeprefix("sqlite+aiosqlite:///"))
        for file in [*database.parent.glob("goldline.db*"), hotline.output, house.network.layout.queue_log]:
            shutil.copy(file, options.keep)
    return report


def _cpu(hotline: Hotline) -> float:
    assert hotline.process is not None
    return processes.cpu_seconds([hotline.process.pid])


async def _follow(hotline: Hotline, campaign: Campaigned) -> None:
    """Somebody follows the campaign, as ``ivr outbound run`` does."""
    async with opened(hotline) as store:
        lease = datetime.timedelta(seconds=30)
        await Campaigns(store).take_run(campaign.name, holder="bench", now=utcnow(), lease=lease)
        while True:
            await asyncio.sleep(5)
            await Campaigns(store).renew(campaign.name, holder="bench", now=utcnow(), lease=lease)


async def _agents_work(hotline: Hotline) -> None:
    """Each agent is ready again soon after a talk."""
    async with opened(hotline) as store:
        desk = AgentDesk(store, seat_times.read(), pause_reasons.read())
        while True:
            await asyncio.sleep(LOOK_SECONDS / 2)
            for session in await desk.sessions.all():
                if session.state == "wrap_up" and (utcnow() - session.since).total_seconds() >= WRAP_UP_SECONDS:
                    with contextlib.suppress(NotAllowed):
                        await desk.do(session.agent, Ready())


async def _left(hotline: Hotline, campaign: Campaigned) -> tuple[int, int, int]:
    """How many are due, how many are in hand, how many calls are over."""
    async with opened(hotline) as store:
        due = len(await Targets(store).next(campaign.name, utcnow(), 1))
        due += len(await Targets(store).next_promised(campaign.name, utcnow(), 1))
        held = (await Targets(store).counts(campaign.name)).get("held", 0)
        return due, held, sum((await Attempts(store).outcomes(campaign.name)).values())


async def _judged(
    options: argparse.Namespace,
    house: DialHouse,
    campaigns: list[Campaigned],
    hotline: Hotline,
    kills: list[float],
    seconds: float,
) -> dict[str, Any]:
    invited = await asyncio.to_thread(house.network.invited)
    async with opened(hotline) as store:
        rows: dict[str, list[Attempt]] = {}
        states: Counter[str] = Counter()
        for campaign in campaigns:
            for stored, target in campaign.targets.items():
                rows[stored] = [row for row in await Attempts(store).of_target(target) if row.outcome != "not_dialled"]
            states.update({str(state): count for state, count in (await Targets(store).counts(campaign.name)).items()})
        waits = []
        for attempts in rows.values():
            for row in attempts:
                if row.connected_at is not None and row.agent:
                    for event in await Calls(store).events(row.call):
                        if event.kind == OUTBOUND_CONNECTED:
                            waits.append(float(event.data["seconds"]))
    return _report(options, campaigns, invited, rows, states, waits, kills, seconds)


def _report(
    options: argparse.Namespace,
    campaigns: list[Campaigned],
    invited: Counter[str],
    rows: dict[str, list[Attempt]],
    states: Any,
    waits: list[float],
    kills: list[float],
    seconds: float,
) -> dict[str, Any]:
    wrong: list[str] = []
    cut = 0
    table: dict[str, Counter[str]] = {}
    live = abandoned = killed_live = killed_abandoned = 0
    numbers = [dialled for campaign in campaigns for dialled in campaign.numbers]
    for dialled in numbers:
        behaviour = Behaviour(dialled[3:5])
        found = rows[f"+86{dialled}"]
        outcomes = [row.outcome or row.state for row in found]
        table.setdefault(behaviour.name, Counter()).update(outcomes or ["none"])
        for row in found:
            over_a_kill = any(_within(row, kill) for kill in kills)
            cut += over_a_kill
            if row.live and row.mode != "automatic":
                live, abandoned = live + 1, abandoned + row.abandoned
                killed_live += over_a_kill
                killed_abandoned += row.abandoned and over_a_kill
            person = behaviour is Behaviour.TALKS
            right = HEARD if person and row.mode == "automatic" else RIGHT[behaviour]
            right |= CUT if over_a_kill else frozenset()
            if row.ring_seconds >= 14.5:
                right |= {"cancelled"}
            if row.outcome not in right:
                wrong.append(f"{dialled} {behaviour.name}: {row.outcome or row.state}")
        if len(found) != 1:
            wrong.append(f"{dialled} {behaviour.name}: {len(found)} attempts")
    twice = sum(count > 1 for count in invited.values())
    never = sum(not invited[dialled] for dialled in numbers)
    rate_own = (abandoned - killed_abandoned) / max(live - killed_live, 1)
    report: dict[str, Any] = {
        "bench": "dialing",
        "cores": len(os.sched_getaffinity(0)),
        "calls": options.calls,
        "agents": options.agents,
        "seconds": round(seconds, 1),
        "calls_per_second": round(sum(invited.values()) / seconds, 2),
        "kills": len(kills),
        "dialled_twice": twice,
        "never_dialled": never,
        "under_way_at_a_kill": cut,
        "wrong": len(wrong),
        "wrong_first": wrong[:8],
        "open": sum(not row.ended_at for found in rows.values() for row in found),
        "targets": dict(states),
        "live": live,
        "abandoned": abandoned,
        "abandoned_percent": round(100 * abandoned / max(live, 1), 2),
        "abandoned_percent_without_kills": round(100 * rate_own, 2),
        "to_the_agent_ms": _quantiles(waits),
        "late": sum(wait > 2.0 for wait in waits),
        "table": {name: dict(counts) for name, counts in table.items()},
    }
    report["missed"] = [
        word
        for word, missed in (
            ("dialled twice", twice > 0),
            ("forgotten", states.get("held", 0) > 0 or report["open"] > 0),
            ("wrong outcomes", bool(wrong)),
            ("cap", rate_own > CAP),
            ("later than two seconds", report["late"] > 0),
        )
        if missed
    ]
    return report


def _within(row: Attempt, kill: float) -> bool:
    """The call was under way at the kill, or within the seconds until the next controller knew everything."""
    begin = (row.dialled_at or row.leased_at).timestamp()
    end = row.ended_at.timestamp() if row.ended_at else time.time()
    return begin - 1 <= kill <= end + 1 or kill <= begin <= kill + 3


def _quantiles(seconds: list[float]) -> dict[str, Any]:
    if len(seconds) < 2:
        return {}
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {
        "talks": len(seconds),
        "p50": round(cuts[49] * 1000),
        "p90": round(cuts[89] * 1000),
        "p99": round(cuts[98] * 1000),
        "most": round(max(seconds) * 1000),
    }


def _print(report: dict[str, Any]) -> None:
    print(f"\n{report['calls']} calls, {report['agents']} agents, {report['kills']} kills, {report['cores']} cores\n")
    for name, counts in report["table"].items():
        said = ", ".join(f"{outcome} {count}" for outcome, count in sorted(counts.items(), key=lambda one: -one[1]))
        print(f"  {name:20} {said}")
    waits = report["to_the_agent_ms"]
    lines = (
        ("calls per second", report["calls_per_second"]),
        ("numbers dialled twice", report["dialled_twice"]),
        ("numbers never dialled", report["never_dialled"]),
        ("wrong outcomes", f"{report['wrong']} {report['wrong_first'] or ''}"),
        ("attempts left open", report["open"]),
        ("under way at a kill", report["under_way_at_a_kill"]),
        ("answered by a person", report["live"]),
        ("abandoned", f"{report['abandoned']} ({report['abandoned_percent']} %)"),
        ("abandoned, without kills", f"{report['abandoned_percent_without_kills']} % (cap {100 * CAP:.0f} %)"),
        ("from answer to agent", f"p50 {waits.get('p50')} ms, p99 {waits.get('p99')} ms, most {waits.get('most')} ms"),
        ("controller", f"{report['controller_cpu_percent']} % of a core"),
        ("missed", ", ".join(report["missed"]) or "nothing"),
    )
    print()
    for name, value in lines:
        print(f"  {name:26} {value}")
    print()


if __name__ == "__main__":
    sys.exit(main())
