"""From a seat that becomes free to the next ring, and five minutes of a full house, by real calls.

    python bench/queueing.py [--part rings|house] [--seconds 300] [--callers 200] [--seats 40] [--json]

*rings*: callers wait; each seat answers, talks for a second, hangs up. Measured at the seat's own telephone: from its
BYE to the next INVITE. First Asterisk's app_queue with the same seats and callers (autofill, retry 1 s), then ours, on
the same Asterisk in the same run.

*house*: SIPp places callers of every tier, so many at once, and plays the seats, for so long. Judged from the journal
alone: nobody is lost, everybody is served in the order of urgency (``queueing_parts/order.py``). Waits by tier are
told.

Exit code 1 when a target is missed: a p99 of 100 ms from free to ring, nobody lost, nobody overtaken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import statistics
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "asterisk")]

from seat_phone import Ring, SeatPhone, seat_phone  # noqa: E402

from agent_routing import policy_file  # noqa: E402
from bench.lines_parts import processes  # noqa: E402
from bench.lines_parts.hotline import HOST, BenchError, Hotline, running  # noqa: E402
from bench.queueing_parts import house, order  # noqa: E402
from db.store import Store  # noqa: E402
from ivr.asterisk.process import raise_file_limit  # noqa: E402
from ivr.errors import GoldlineError  # noqa: E402

PARTS = Path(__file__).parent / "queueing_parts"
TARGET_P99_MS = 100.0
RING_SEATS, RING_CALLERS = 10, 60  # of the part `rings`; callers come again as soon as they are through
TALK_SECONDS = (3.0, 4.0)  # longer than the whisper that the agent hears first
RINGS = 250  # measured of each peer
WARM_UP = 20  # rings that do not count
LOOK_SECONDS = 0.2
PATIENCE = 60.0
DRAIN_SECONDS = 20.0


def main() -> int:
    options = _options()
    raise_file_limit()
    report: dict[str, Any] = {"bench": "queueing", "cores": len(os.sched_getaffinity(0))}
    try:
        if options.part in ("rings", "both"):
            report["rings"] = asyncio.run(_rings(options))
        if options.part in ("house", "both"):
            report["house"] = asyncio.run(_house(options))
    except (BenchError, GoldlineError, OSError) as error:
        print(f"bench/queueing.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    report["missed"] = _missed(report)
    if not options.json:
        _print(report)
    print(json.dumps(report, ensure_ascii=False))
    return 1 if report["missed"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The queue by real calls", epilog=__doc__)
    parser.add_argument("--part", choices=["rings", "house", "both"], default="both")
    parser.add_argument("--seconds", type=float, default=300.0, help="of the full house")
    parser.add_argument("--callers", type=int, default=200, help="at once in the full house")
    parser.add_argument("--seats", type=int, default=40, help="in the full house")
    parser.add_argument("--keep", type=Path, help="a directory for the database and the controller's log")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    return parser.parse_args()


# --- from free to ring ------------------------------------------------------------------------------------------------


class Measured:
    """What one peer's seats saw: seconds from their BYE to the next INVITE."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.enough = asyncio.Event()
        self._chance = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()
        self._freed: dict[SeatPhone, float] = {}

    def rang(self, ring: Ring) -> None:
        """A seat rings: it answers, talks, and hangs up."""
        freed = self._freed.pop(ring.phone, None)
        if freed is not None:
            self.waits.append(ring.rang_at - freed)
            if len(self.waits) >= RINGS + WARM_UP:
                self.enough.set()
        task = asyncio.get_running_loop().create_task(self._talk(ring))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, ring: Ring) -> None:
        ring.answer()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await ring.confirmed.wait()
        await asyncio.sleep(self._chance.uniform(*TALK_SECONDS))
        if not self.enough.is_set():
            self._freed[ring.phone] = time.monotonic()
        ring.hang_up()

    async def stop(self) -> None:
        """No more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _rings(options: argparse.Namespace) -> dict[str, Any]:
    seats = house.accounts(RING_SEATS)
    async with _hotline(seats, RING_CALLERS) as (hotline, numbers), _phones(hotline, seats) as phones:
        peer = await _measured(hotline, phones, house.PEER_NUMBER, numbers)
        await house.log_in(hotline, seats)
        await _until_seats(hotline, len(seats))
        ours = await _measured(hotline, phones, house.NUMBER, numbers)
        _keep(hotline, options)
    return {"goldline": ours, "app_queue": peer, "ratio_p50": round(peer["p50_ms"] / ours["p50_ms"], 1)}


async def _measured(hotline: Hotline, phones: list[SeatPhone], number: str, numbers: list[str]) -> dict[str, Any]:
    measured = Measured()
    for phone in phones:
        phone.on_ring = measured.rang
    async with _callers(hotline, number, numbers, RING_CALLERS):
        async with asyncio.timeout(PATIENCE + 3 * RINGS / len(phones)):
            await measured.enough.wait()
    await measured.stop()
    return _quantiles(measured.waits[WARM_UP:])


@asynccontextmanager
async def _phones(hotline: Hotline, seats: list[house.SeatAccount]) -> AsyncIterator[list[SeatPhone]]:
    port = hotline.settings.ports.at("sip")
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(seat_phone(seat.account, seat.password, port)) for seat in seats]


# --- a full house -----------------------------------------------------------------------------------------------------


async def _house(options: argparse.Namespace) -> dict[str, Any]:
    seats = house.accounts(options.seats)
    async with _hotline(seats, options.callers + options.seats) as (hotline, numbers):
        async with _sipp_seats(hotline, seats):
            await house.log_in(hotline, seats)
            await _until_seats(hotline, len(seats))
            cpu, began = processes.cpu_seconds([hotline.controller]), time.monotonic()
            async with _callers(hotline, house.NUMBER, numbers, options.callers, rate=20.0):
                await asyncio.sleep(options.seconds)
                closed_at = time.time()
            seconds = time.monotonic() - began
            cpu = processes.cpu_seconds([hotline.controller]) - cpu
            await _drained(hotline)
        _keep(hotline, options)
        found = order.judged(hotline.run_dir / "goldline.db", policy_file.read(), closed_at)
        log = hotline.controller_log.read_text("utf-8", "replace").splitlines()
    waits = {
        tier: {"calls": len(waits), "mean_s": round(statistics.fmean(waits), 1), "longest_s": round(max(waits), 1)}
        for tier, waits in found.waits.items()
        if waits
    }
    return {
        "seconds": round(seconds),
        "callers_at_once": options.callers,
        "seats": len(seats),
        "joined": found.joined,
        "talked": found.talked,
        "lost": found.lost,
        "decisions": found.decisions,
        "overtaken": len(found.overtaken),
        "overtaken_first": found.overtaken[:3],
        "waits": waits,
        "controller_cpu_percent": round(100 * cpu / seconds, 1),
        "warnings": [line for line in log if "level=warning" in line or "level=error" in line][:5],
    }


@asynccontextmanager
async def _sipp_seats(hotline: Hotline, seats: list[house.SeatAccount]) -> AsyncIterator[None]:
    """SIPp plays all seats' telephones, registered one by one."""
    port = random.randrange(11000, 12000)
    users = hotline.run_dir / "seats.csv"
    rows = (f"{seat.account};[authentication username={seat.account} password={seat.password}]" for seat in seats)
    users.write_text("SEQUENTIAL\n" + "\n".join(rows) + "\n")
    # Asterisk calls back to where a registration came from (rewrite_contact): so that port is the telephones' own.
    registering = await _sipp(
        *(hotline, "register.xml", "register", "-p", str(port), "-inf", str(users)),
        *("-m", str(len(seats)), "-r", "20", "-key", "seat_port", str(port)),
    )
    async with asyncio.timeout(PATIENCE):
        if code := await registering.wait():
            raise BenchError(f"SIPp could not register the seats (exit code {code}).")
    telephones = await _sipp(
        hotline, "seat.xml", "seats", "-p", str(port), "-mp", str(random.randrange(40000, 44000, 2)), "-aa"
    )
    try:
        yield
    finally:
        await _end(telephones)


@asynccontextmanager
async def _callers(
    hotline: Hotline, number: str, numbers: list[str], at_once: int, rate: float = 40.0
) -> AsyncIterator[None]:
    """SIPp keeps so many callers in the house; at the end those who are there are hung up on by us."""
    users = hotline.run_dir / f"callers-{number}.csv"
    users.write_text("SEQUENTIAL\n" + "\n".join(numbers) + "\n")
    process = await _sipp(
        *(hotline, "caller.xml", f"callers-{number}", "-s", number, "-inf", str(users)),
        *("-l", str(at_once), "-r", str(rate), "-m", "1000000", "-mp", str(random.randrange(44000, 48000, 2))),
    )
    try:
        yield
    finally:
        await _end(process)
        await asyncio.to_thread(_hang_up_all, hotline)


async def _sipp(hotline: Hotline, scenario: str, name: str, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *("sipp", f"{HOST}:{hotline.settings.ports.at('sip')}", "-sf", str(PARTS / scenario), "-i", HOST, "-mi", HOST),
        *("-nostdin", "-trace_err", "-error_file", str(hotline.run_dir / f"sipp-{name}.log"), *words),
        cwd=hotline.run_dir,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


# --- the hotline ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _hotline(seats: list[house.SeatAccount], callers: int) -> AsyncIterator[tuple[Hotline, list[str]]]:
    numbers: list[str] = []

    async def prepared(url: str) -> None:
        store = await Store.open(url)
        try:
            numbers.extend(await house.plant(store, seats))
        finally:
            await store.close()

    async with running(
        callers + 50,
        flow=house.FLOW,
        numbers=[house.NUMBER],
        templates=lambda place: house.peer_templates(place, seats),
        routing=house.routing_files,
        prepared=prepared,
        sip={"seat_silence": 120},
    ) as hotline:
        yield hotline, numbers


async def _until_seats(hotline: Hotline, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while (await asyncio.to_thread(_health, hotline))["queue"]["seats"] < count:
        if time.monotonic() > deadline:
            raise BenchError("Not all seats came to work.")
        await asyncio.sleep(LOOK_SECONDS)


async def _drained(hotline: Hotline) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        health = await asyncio.to_thread(_health, hotline)
        if health["live_calls"] == 0 == health["journal"]["waiting"] == health["queue"]["talks"]:
            return
        await asyncio.sleep(LOOK_SECONDS)


def _health(hotline: Hotline) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{HOST}:{hotline.settings.ports.at('http')}/health", timeout=5) as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return told


def _keep(hotline: Hotline, options: argparse.Namespace) -> None:
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        logs = [*hotline.run_dir.glob("sipp-*.log"), hotline.controller_log, hotline.asterisk_log]
        for file in [*hotline.run_dir.glob("goldline.db*"), *logs]:
            shutil.copy(file, options.keep)


def _hang_up_all(hotline: Hotline) -> None:
    hotline.cli("channel request hangup all")


# --- the figures ------------------------------------------------------------------------------------------------------


def _quantiles(seconds: Sequence[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {
        "rings": len(seconds),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p90_ms": round(cuts[89] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
        "most_ms": round(max(seconds) * 1000, 1),
    }


def _missed(report: dict[str, Any]) -> list[str]:
    missed = []
    if (rings := report.get("rings")) and rings["goldline"]["p99_ms"] > TARGET_P99_MS:
        missed.append(
            f"from free to ring 99 of 100 take up to {rings['goldline']['p99_ms']} ms, over {TARGET_P99_MS:g}"
        )
    if full := report.get("house"):
        if full["overtaken"]:
            missed.append(f"{full['overtaken']} callers were overtaken")
        if full["lost"]:
            missed.append(f"{full['lost']} callers were lost")
        if full["talked"] < full["joined"] - full["callers_at_once"]:
            missed.append(f"only {full['talked']} of {full['joined']} callers came to talk")
    return missed


def _print(report: dict[str, Any]) -> None:
    if rings := report.get("rings"):
        print(f"From free to ring ({rings['goldline']['rings']} rings each, {RING_SEATS} seats)")
        print(f"{'':12}{'p50':>10}{'p90':>10}{'p99':>10}{'most':>10}  ms")
        for name in ("goldline", "app_queue"):
            one = rings[name]
            print(f"{name:12}{one['p50_ms']:>10}{one['p90_ms']:>10}{one['p99_ms']:>10}{one['most_ms']:>10}")
    if full := report.get("house"):
        print(f"\nA full house: {full['callers_at_once']} callers at once, {full['seats']} seats, {full['seconds']} s")
        print(f"{full['joined']} joined, {full['talked']} talked, {full['decisions']} decisions,", end=" ")
        print(f"{full['overtaken']} overtaken, {full['lost']} lost;", end=" ")
        print(f"controller {full['controller_cpu_percent']} % of a core")
        print(f"{'tier':12}{'calls':>10}{'mean':>10}{'longest':>10}  s")
        for tier, one in full["waits"].items():
            print(f"{tier:12}{one['calls']:>10}{one['mean_s']:>10}{one['longest_s']:>10}")
    for words in report["missed"]:
        print(f"MISSED: {words}")


if __name__ == "__main__":
    sys.exit(main())
