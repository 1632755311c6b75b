"""480 callers at once: does the hotline keep its promises when every line of a real brokerage is in use?

    python bench/lines.py [--callers 480] [--rate 20] [--codes 600519] [--json]

Starts a hotline of its own (``lines_parts/hotline.py``) and has SIPp place the calls of ``lines_parts/caller.xml``:
each listens, keys 1 and a code, hears the price, keys * and 2, hears a notice, hangs up after some 55 seconds, so that
all are up at once. Hotline, callers and this program share two cores.

What is judged (exit code 1 when one is missed): every call goes through; all callers are up at once, as Asterisk
counts them; from the packet that brings a key to the packet with the next AGI command, 99 of 100 within 50 ms; every
call's events are in the database, each exactly once; every caller hears sound.

Where the figures come from: *turns* from a capture of the AGI port (an independent witness) and, coarser, from the
controller's own histograms; *CPU* from /proc over the time from the first call to the last, as a share of one core;
*peak* from Asterisk's CoreStatus. On a machine that others use as well the tails grow with the time in which the
controller has work and no core; that time is told.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import csv
import json
import os
import sqlite3
import statistics
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.lines_parts import ears, processes  # noqa: E402
from bench.lines_parts.capture import Capture, Turns  # noqa: E402
from bench.lines_parts.hotline import HOST, BenchError, Hotline, family, running  # noqa: E402
from ivr import contract  # noqa: E402
from ivr.ami.client import AmiClient  # noqa: E402
from ivr.asterisk.process import raise_file_limit  # noqa: E402
from ivr.errors import GoldlineError  # noqa: E402

SCENARIO = Path(__file__).parent / "lines_parts" / "caller.xml"
CORES = 2  # what the promise is made for; on a larger machine the rest is left alone
TARGET_P99_MS = 50.0
CALL_SECONDS = 60.0  # the longest that a caller of the scenario stays
LISTENED = 12  # callers whose sound is looked at from beginning to end
LEAST_SOUND_SECONDS = 30.0  # of a caller's 55: the rest is silence while we wait for keys
LOOK_SECONDS = 0.5
DRAIN_SECONDS = 15.0  # after the last caller has hung up
BEYOND_SECONDS = 30.0  # the callers may take this long beyond what they should
# Of each call, exactly once. What a caller keys is written as it was understood.
ONCE = ("call.started", "call.answered", "call.ended", "keyed 1", "keyed {code}", "keyed *", "keyed 2")


@dataclass
class Watch:
    """What was seen while the calls went on."""

    peak_calls: int = 0
    controller_mb: list[float] = field(default_factory=list)
    worker_mb: list[float] = field(default_factory=list)
    asterisk_mb: list[float] = field(default_factory=list)


@dataclass
class Spent:
    """CPU seconds; ``waited`` are those in which the controller was ready to run and had no core."""

    controller: float
    waited: float
    worker: float
    asterisk: float
    machine: float

    def since(self, before: Spent) -> Spent:
        """What was spent meanwhile."""
        return Spent(
            self.controller - before.controller,
            self.waited - before.waited,
            self.worker - before.worker,
            self.asterisk - before.asterisk,
            self.machine - before.machine,
        )


def main() -> int:
    options = _options()
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:CORES]))
    raise_file_limit()
    try:
        report = asyncio.run(_bench(options))
    except (BenchError, GoldlineError, OSError) as error:
        print(f"bench/lines.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not options.json:
        _print(report)
    print(json.dumps(report, ensure_ascii=False))
    return 1 if report["missed"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The whole hotline under all its callers")
    parser.add_argument("--callers", type=int, default=480, help="calls, all of them up at once")
    parser.add_argument("--rate", type=float, default=20.0, help="new calls per second")
    parser.add_argument(
        "--codes", type=lambda text: text.split(","), default=["600519"], help="what is asked for, in turn; with commas"
    )
    parser.add_argument("--keep", type=Path, help="a directory for SIPp's and the controller's logs")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()
    if options.callers / options.rate > CALL_SECONDS - 15:
        parser.error("so slowly, the first caller hangs up before the last one comes")
    return options


async def _bench(options: argparse.Namespace) -> dict[str, Any]:
    async with running(options.callers) as hotline:
        sound = ears.Ears(options.callers, LISTENED)
        capture = Capture(hotline.settings.ports.at("agi"), hotline.run_dir / "agi.pcapng")
        ami = AmiClient(
            host=HOST,
            port=hotline.settings.ports.at("ami"),
            username=contract.AMI_EVENTS,
            secret=hotline.secrets.ami_events,
        )
        try:
            await ami.start()
            await ami.wait_connected(10)
            sound.listen()
            no_capture = await capture.start()
            figures_before = await asyncio.to_thread(_metrics, hotline)
            async with _watched(hotline, ami) as watch:
                before, began = _spent(hotline), time.monotonic()
                callers = await _call(hotline, options, sound.sipp_port)
                seconds, spent = time.monotonic() - began, _spent(hotline).since(before)
            await _at_rest(hotline, ami)
            end_mb = processes.resident_mb([hotline.controller])
            figures = await asyncio.to_thread(_metrics, hotline)
            turns = None if no_capture else await capture.turns()
            heard = sound.heard()
        finally:
            await capture.end()
            await ami.stop()
            sound.close()
            if options.keep:
                _keep(hotline, options.keep)
        stored = _stored(hotline.run_dir / "goldline.db", options)
        log_lines = hotline.controller_log.read_text("utf-8", "replace").splitlines()
    report = {
        "bench": "lines",
        "callers": options.callers,
        "rate": options.rate,
        "codes": len(options.codes),
        "seconds": round(seconds, 1),
        "calls": callers,
        "peak_calls": watch.peak_calls,
        "turns": _turns(turns) if turns else {"not_captured": no_capture},
        "own_turns": _histogram(figures_before, figures, "goldline_agi_turn_seconds"),
        "loop_lag": _histogram(figures_before, figures, "goldline_loop_lag_seconds"),
        "controller": {
            "cpu_percent": round(100 * spent.controller / seconds, 1),
            "cpu_ms_per_call": round(1000 * spent.controller / options.callers, 2),
            "no_core_percent": round(100 * spent.waited / seconds, 1),
            "mb_start": round(watch.controller_mb[0], 1),
            "mb_peak": round(max(watch.controller_mb), 1),
            "mb_end": round(end_mb, 1),
        },
        "speech_worker": {
            "cpu_percent": round(100 * spent.worker / seconds, 1),
            "mb_peak": round(max(watch.worker_mb), 1),
        },
        "asterisk": {
            "cpu_percent": round(100 * spent.asterisk / seconds, 1),
            "mb_peak": round(max(watch.asterisk_mb), 1),
        },
        "machine_cpu_percent": round(100 * spent.machine / seconds, 1),
        "journal": stored,
        "sound": _sound(heard, sound.listened),
        "warnings": _warnings(log_lines),
    }
    report["missed"] = _missed(report, options)
    return report


# --- the calls --------------------------------------------------------------------------------------------------------


async def _call(hotline: Hotline, options: argparse.Namespace, media_port: int) -> dict[str, int]:
    """Have SIPp place all calls; how they ended."""
    users = hotline.run_dir / "users.csv"
    rows = (f"139{index:08d};{options.codes[index % len(options.codes)]}" for index in range(options.callers))
    users.write_text("SEQUENTIAL\n" + "\n".join(rows) + "\n")
    statistics_file = hotline.run_dir / "sipp.csv"
    longest = options.callers / options.rate + CALL_SECONDS + BEYOND_SECONDS
    process = await asyncio.create_subprocess_exec(
        *("sipp", f"{HOST}:{hotline.settings.ports.at('sip')}", "-sf", str(SCENARIO), "-inf", str(users)),
        *("-s", hotline.settings.sip.number, "-i", HOST, "-mi", HOST),
        *("-mp", str(media_port)),
        *("-m", str(options.callers), "-l", str(options.callers), "-r", str(options.rate), "-nostdin"),
        *("-trace_stat", "-stf", str(statistics_file), "-fd", "1"),
        *("-trace_err", "-error_file", str(hotline.run_dir / "sipp_errors.log")),
        cwd=hotline.run_dir,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await process.wait()
    finally:
        if process.returncode is None:  # it hangs, or we are stopped
            process.kill()
            await process.wait()
    if not statistics_file.is_file():
        errors = hotline.run_dir / "sipp_errors.log"
        raise BenchError(
            f"SIPp did not run (code {process.returncode}): {errors.read_text() if errors.exists() else ''}"
        )
    last = list(csv.DictReader(statistics_file.read_text().splitlines(), delimiter=";"))[-1]
    return {
        "made": int(last["TotalCallCreated"]),
        "good": int(last["SuccessfulCall(C)"]),
        "failed": int(last["FailedCall(C)"]),
        "retransmitted": int(last["Retransmissions(C)"]),
    }


@contextlib.asynccontextmanager
async def _watched(hotline: Hotline, ami: AmiClient) -> AsyncIterator[Watch]:
    """What is seen meanwhile."""
    watch = Watch()
    looking = asyncio.create_task(_look(hotline, ami, watch))
    try:
        yield watch
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _look(hotline: Hotline, ami: AmiClient, watch: Watch) -> None:
    """Look on until cancelled."""
    while True:
        controller, *workers = family(hotline.controller)
        watch.controller_mb.append(processes.resident_mb([controller]))
        watch.worker_mb.append(processes.resident_mb(workers))
        watch.asterisk_mb.append(processes.resident_mb([hotline.asterisk]))
        watch.peak_calls = max(watch.peak_calls, await _calls_now(ami))
        await asyncio.sleep(LOOK_SECONDS)


async def _calls_now(ami: AmiClient) -> int:
    return int((await ami.action("CoreStatus")).get("CoreCurrentCalls"))


async def _at_rest(hotline: Hotline, ami: AmiClient) -> None:
    """Wait until Asterisk has no call and the journal nothing to store."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        health = json.loads(await asyncio.to_thread(_fetch, hotline, "health"))
        if await _calls_now(ami) == 0 == health["live_calls"] == health["journal"]["waiting"]:
            return
        await asyncio.sleep(LOOK_SECONDS)


def _spent(hotline: Hotline) -> Spent:
    controller, *workers = family(hotline.controller)
    return Spent(
        processes.cpu_seconds([controller]),
        processes.waited_seconds(controller),
        processes.cpu_seconds(workers),
        processes.cpu_seconds([hotline.asterisk]),
        processes.machine_busy_seconds(),
    )


# --- the figures ------------------------------------------------------------------------------------------------------


def _fetch(hotline: Hotline, path: str) -> str:
    with urllib.request.urlopen(f"http://{HOST}:{hotline.settings.ports.at('http')}/{path}", timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def _metrics(hotline: Hotline) -> dict[str, float]:
    rows = (line.rpartition(" ") for line in _fetch(hotline, "metrics").splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def _histogram(before: dict[str, float], after: dict[str, float], name: str) -> dict[str, Any]:
    """Of what was observed in between: how many, and below which bound half and 99 of 100 lie."""
    start = f'{name}_bucket{{le="'
    rows = [
        (float(key.removeprefix(start).removesuffix('"}')), count - before.get(key, 0.0))
        for key, count in after.items()
        if key.startswith(start)
    ]
    total = rows[-1][1]
    bounds = {
        label: next(bound * 1000 for bound, count in rows if count >= total * share)
        for label, share in (("p50_ms_under", 0.50), ("p99_ms_under", 0.99), ("most_ms_under", 1.0))
    }
    return {"count": int(total), **bounds}


def _turns(turns: Turns) -> dict[str, Any]:
    return {
        "sessions": turns.sessions,
        "all": _quantiles(turns.all),
        "after_key": _quantiles(turns.after_key),
        "key_to_sound": _quantiles(turns.key_to_sound),
        "asterisk": _quantiles(turns.asterisk),
    }


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {"count": len(seconds)}
    cuts = statistics.quantiles(seconds, n=1000, method="inclusive")
    return {
        "count": len(seconds),
        "p50_ms": round(cuts[499] * 1000, 2),
        "p99_ms": round(cuts[989] * 1000, 2),
        "p999_ms": round(cuts[998] * 1000, 2),
        "most_ms": round(max(seconds) * 1000, 2),
    }


def _stored(database: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Is every call in the database, each of its steps exactly once?"""
    by_call: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    asked: dict[str, str] = {}
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        for call, kind, text in connection.execute("SELECT call_id, kind, data FROM call_events"):
            data = json.loads(text)
            by_call[call][f"keyed {data['keys']}" if kind == "keyed" else kind] += 1
            if kind == "call.started":
                asked[call] = options.codes[int(data["caller"][3:]) % len(options.codes)]
        ended = connection.execute("SELECT count(*) FROM calls WHERE ended_how = 'caller'").fetchone()[0]
    finally:
        connection.close()
    whole = sum(
        all(steps[step.format(code=asked.get(call))] == 1 for step in ONCE) and steps["fault"] == 0
        for call, steps in by_call.items()
    )
    sizes = [steps.total() for steps in by_call.values()]
    return {
        "events": sum(sizes),
        "events_per_call": [min(sizes, default=0), max(sizes, default=0)],
        "calls": len(by_call),
        "calls_whole": whole,
        "calls_ended_by_caller": ended,
    }


def _sound(heard: dict[int, ears.Heard], listened: set[int]) -> dict[str, Any]:
    whole = [heard[index] for index in sorted(listened)]
    return {
        "silent_callers": sum(one.silent for one in heard.values()),
        "least_seconds": round(min(one.seconds for one in heard.values()), 1),
        "most_seconds": round(max(one.seconds for one in heard.values()), 1),
        "listened": len(whole),
        "listened_least_loud_share": round(min(one.loud_share for one in whole), 2),
        "packets": sum(one.packets for one in heard.values()),
        "lost_packets": sum(one.lost for one in whole),
    }


def _warnings(lines: list[str]) -> list[str]:
    return [line for line in lines if "level=warning" in line or "level=error" in line][:5]


def _missed(report: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """The targets that were missed, in words."""
    missed = []
    calls, stored, sound, callers = report["calls"], report["journal"], report["sound"], options.callers
    if calls["good"] != callers or calls["failed"]:
        missed.append(f"{callers - calls['good']} of {callers} calls failed")
    if report["peak_calls"] < callers:
        missed.append(f"only {report['peak_calls']} of {callers} calls were up at once")
    after_key = report["turns"].get("after_key")
    p99 = after_key.get("p99_ms", float("inf")) if after_key else report["own_turns"]["p99_ms_under"]
    if p99 > TARGET_P99_MS:
        missed.append(f"from key to next command 99 of 100 take up to {p99} ms, over {TARGET_P99_MS:.0f} ms")
    if stored["calls_whole"] != callers or stored["calls"] != callers:
        missed.append(f"{stored['calls_whole']} of {callers} calls are whole in the database")
    if stored["calls_ended_by_caller"] != callers:
        missed.append(f"{stored['calls_ended_by_caller']} of {callers} calls have ended as they did")
    if sound["silent_callers"] or sound["least_seconds"] < LEAST_SOUND_SECONDS:
        missed.append(f"{sound['silent_callers']} callers heard nothing, one heard {sound['least_seconds']} s only")
    return missed


def _keep(hotline: Hotline, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    names = ("controller.log", "sipp.csv", "sipp_errors.log", "agi.pcapng", "goldline.db")
    for file in (*(hotline.run_dir / name for name in names), hotline.asterisk_log):
        if file.is_file():
            (directory / file.name).write_bytes(file.read_bytes())


def _print(report: dict[str, Any]) -> None:
    calls, turns = report["calls"], report["turns"]
    print(
        f"{calls['made']} calls at {report['rate']:g} per second, {calls['failed']} failed, "
        f"{report['peak_calls']} at once, {report['seconds']} s, {calls['retransmitted']} SIP messages repeated"
    )
    print(f"\n{'milliseconds':<44} {'count':>7} {'p50':>8} {'p99':>8} {'p99.9':>8} {'most':>8}")
    for name, title in (
        ("after_key", "from a key to our next command (captured)"),
        ("key_to_sound", "from a key to the next prompt's command"),
        ("all", "from any answer to our next command"),
        ("asterisk", "Asterisk's answer to what waits for nobody"),
    ):
        row = turns.get(name, {})
        print(
            f"{title:<44} {row.get('count', 0):>7} {row.get('p50_ms', '-'):>8} {row.get('p99_ms', '-'):>8} "
            f"{row.get('p999_ms', '-'):>8} {row.get('most_ms', '-'):>8}"
        )
    for name, title in (("own_turns", "the same turns, in the controller's eyes"), ("loop_lag", "event loop late by")):
        row = report[name]
        print(
            f"{title:<44} {row['count']:>7} {'<' + format(row['p50_ms_under'], 'g'):>8} "
            f"{'<' + format(row['p99_ms_under'], 'g'):>8} {'':>8} {'<' + format(row['most_ms_under'], 'g'):>8}"
        )
    if "not_captured" in turns:
        print(f"no capture: {turns['not_captured']}; judged by the controller's own figures")
    one, two, three = report["controller"], report["speech_worker"], report["asterisk"]
    print(f"\n{'process':<16} {'% of a core':>12} {'MB peak':>8}")
    print(f"{'controller':<16} {one['cpu_percent']:>12} {one['mb_peak']:>8}", end="")
    print(f"   {one['cpu_ms_per_call']} ms a call; {one['mb_start']} MB at start, {one['mb_end']} at the end")
    print(f"{'':<16} {one['no_core_percent']:>12} {'':>8}   of the time it had work and no core")
    print(f"{'speech worker':<16} {two['cpu_percent']:>12} {two['mb_peak']:>8}")
    print(f"{'Asterisk':<16} {three['cpu_percent']:>12} {three['mb_peak']:>8}")
    print(f"{'whole machine':<16} {report['machine_cpu_percent']:>12}   callers and other programs included")
    stored, sound = report["journal"], report["sound"]
    print(
        f"\njournal: {stored['events']} events of {stored['calls']} calls, {stored['calls_whole']} whole, "
        f"{stored['events_per_call'][0]}-{stored['events_per_call'][1]} each"
    )
    print(
        f"sound: {sound['least_seconds']}-{sound['most_seconds']} s per caller, {sound['silent_callers']} heard "
        f"nothing; {sound['listened']} listened to: {sound['lost_packets']} packets lost"
    )
    for line in (*report["warnings"], *(f"MISSED: {one}" for one in report["missed"])):
        print(line)


if __name__ == "__main__":
    sys.exit(main())
