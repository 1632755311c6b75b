"""How much CPU a call costs our AGI server, against the floor and against the libraries there are.

    python bench/agi.py [--calls 3000] [--concurrency 200] [--rounds 5] [--peers bare,goldline] [--json]

Every peer is a server process, ``bench/agi_peers/NAME.py --port N``, that runs the 13 commands of
``bench/agi_peers/script.py``; ``engine`` is the whole controller but for database and telephone: flow, checks,
speech, services and trace. This process plays Asterisk (epoll, no asyncio): so many calls at once, a new one for
each that ends, every command checked. With two cores or more, servers have one and the generator another, which it
never gives back: else a slow peer would pay for waking it at every command, which in a virtual machine costs more than
the command. Peers take turns within a round, so that a noisy moment of the machine meets them all.

What the columns mean: *calls/s* the generator saw; *p50/p99* milliseconds from our answer to the peer's next command;
*CPU* microseconds of the server process per call, user and system; *÷ bare* that CPU divided by the bare peer's in the
same round. All are medians over the rounds. Only the last is fit to be compared between machines: judge by it.

Exits with 1 when any call went wrong, or when a peer is above its ceiling in ``CEILINGS``.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PEERS_DIR = Path(__file__).parent / "agi_peers"
sys.path.insert(0, str(PEERS_DIR))
from script import ANSWERS, COMMANDS, ENGINE, ENVIRONMENT  # noqa: E402

PEERS = ["bare", "goldline", "engine", "panoramisk_asyncio", "panoramisk_uvloop", "pystrix_threads"]
CEILINGS = {"goldline": 2.0, "engine": 3.0}  # CPU per call as a multiple of bare
WARM_UP_CALLS = 300
STALL_SECONDS = 20.0  # no progress for so long: the peer hangs
TICK = os.sysconf("SC_CLK_TCK")

# Peers quote and number their arguments each in their own way; the verb and the first argument must be right.
STARTS = [" ".join(words[:3] if len(words) > 1 else words).encode() for words in COMMANDS]
SCRIPT = list(zip(STARTS, ANSWERS, strict=True))
SCRIPTS = {"engine": ENGINE}  # the flow engine says what it says


class BenchError(Exception):
    """A peer did something wrong: its figures would mean nothing."""


@dataclass
class Cell:
    """One peer in one round."""

    calls_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


@dataclass
class Peer:
    """A server process."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    cells: list[Cell] = field(default_factory=list)
    rss_mb: float = 0.0

    def cpu_seconds(self) -> float:
        """User and system time of the process, with all its threads, those that have ended included."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident_mb(self) -> float:
        """Memory in use now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


def main() -> int:
    options = _options()
    cores = sorted(os.sched_getaffinity(0))
    server_core, generator_core = (cores[0], cores[1]) if len(cores) > 1 else (cores[0], cores[0])
    os.sched_setaffinity(0, {generator_core})
    peers: list[Peer] = []
    try:
        for name in options.peers:
            peers.append(_start(name, server_core))
        for peer in peers:
            _run(peer, WARM_UP_CALLS, min(options.concurrency, 50))
        for number in range(options.rounds):
            for peer in peers if number % 2 == 0 else reversed(peers):
                peer.cells.append(_run(peer, options.calls, options.concurrency))
                peer.rss_mb = max(peer.rss_mb, peer.resident_mb())
            print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    except BenchError as error:
        print(f"bench/agi.py: {error}", file=sys.stderr)
        return 1
    finally:
        for peer in peers:
            peer.process.terminate()
            peer.process.wait(10)
    return _report(peers, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="CPU per call of AGI servers")
    parser.add_argument("--calls", type=int, default=3000, help="calls per peer and round")
    parser.add_argument("--concurrency", type=int, default=200, help="calls at once")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=lambda text: text.split(","), default=PEERS, help="names, with commas")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    return parser.parse_args()


def _start(name: str, core: int) -> Peer:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    program = PEERS_DIR / f"{name}.py"
    process = subprocess.Popen(
        [sys.executable, str(program), "--port", str(port)],
        cwd=PEERS_DIR.parent.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PEERS_DIR.parent.parent), str(PEERS_DIR)])},
    )
    os.sched_setaffinity(process.pid, {core})
    peer = Peer(name, port, process)
    deadline = time.monotonic() + STALL_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        # Not by connecting: a connection that says nothing makes panoramisk spin for ever.
        if _listens(port):
            return peer
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise BenchError(f"{program} does not listen: run it by hand to see why.")


def _listens(port: int) -> bool:
    wanted = f"0100007F:{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1] == wanted and row[3] == "0A" for row in rows)


@dataclass(slots=True)
class _Call:
    socket: socket.socket
    step: int = 0
    answered_at: float = 0.0
    pending: bytes = b""


def _run(peer: Peer, calls: int, concurrency: int) -> Cell:
    """Make so many calls and time them. Raises BenchError when any of them goes wrong."""
    script = SCRIPTS.get(peer.name, SCRIPT)
    patience = 0 if len(os.sched_getaffinity(peer.process.pid) | os.sched_getaffinity(0)) > 1 else 1.0
    epoll = select.epoll()
    live: dict[int, _Call] = {}
    latencies: list[float] = []
    begun = done = 0
    clock = time.perf_counter
    # The peer may still be closing what the last cell left behind: begin when it is at rest.
    time.sleep(0.05)
    cpu = peer.cpu_seconds()
    start = clock()
    progress = start
    try:
        while done < calls:
            while begun < calls and len(live) < concurrency:
                connection = socket.create_connection(("127.0.0.1", peer.port), 10)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setblocking(False)
                connection.send(ENVIRONMENT % (begun, begun))
                live[connection.fileno()] = _Call(connection)
                epoll.register(connection.fileno(), select.EPOLLIN)
                begun += 1
            for number, _ in epoll.poll(patience):
                call = live[number]
                now = clock()
                data = call.socket.recv(65536)
                if not data:
                    if call.step != len(script):
                        raise BenchError(f"{peer.name} closed a call after {call.step} of {len(script)} commands.")
                    epoll.unregister(number)
                    del live[number]
                    call.socket.close()
                    done += 1
                    progress = now
                    continue
                line = call.pending + data
                if not line.endswith(b"\n"):
                    call.pending = line
                    continue
                call.pending = b""
                if call.step == len(script) or not line.replace(b'"', b"").startswith(script[call.step][0]):
                    raise BenchError(f"{peer.name} sent {line!r} as command {call.step + 1}.")
                if call.step:
                    latencies.append(now - call.answered_at)
                answer = script[call.step][1]
                call.step += 1
                call.answered_at = clock()
                call.socket.send(answer)
            if clock() - progress > STALL_SECONDS:
                raise BenchError(f"{peer.name} hangs: {done} of {calls} calls done, {len(live)} live.")
    except OSError as error:
        raise BenchError(f"{peer.name} broke a connection: {error}.") from error
    finally:
        for call in live.values():
            call.socket.close()
        epoll.close()
    seconds = clock() - start
    cpu = peer.cpu_seconds() - cpu
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Cell(calls / seconds, cuts[49] * 1000, cuts[98] * 1000, cpu / calls * 1e6)


def _report(peers: list[Peer], options: argparse.Namespace) -> int:
    bare = next((peer for peer in peers if peer.name == "bare"), None)
    results = {}
    for peer in peers:
        ratios = [
            cell.cpu_us / floor.cpu_us for cell, floor in zip(peer.cells, bare.cells if bare else (), strict=False)
        ]
        results[peer.name] = {
            "calls_per_second": round(statistics.median(cell.calls_per_second for cell in peer.cells)),
            "p50_ms": round(statistics.median(cell.p50_ms for cell in peer.cells), 2),
            "p99_ms": round(statistics.median(cell.p99_ms for cell in peer.cells), 2),
            "cpu_us_per_call": round(statistics.median(cell.cpu_us for cell in peer.cells)),
            "ratio_to_bare": round(statistics.median(ratios), 2) if ratios else None,
            "ratio_range": [round(min(ratios), 2), round(max(ratios), 2)] if ratios else None,
            "rss_mb": round(peer.rss_mb),
        }
    if not options.json:
        print(
            f"{options.calls} calls of {len(COMMANDS)} commands, {options.concurrency} at once, "
            f"medians of {options.rounds} rounds, no errors"
        )
        print(
            f"{'server':<20} {'calls/s':>8} {'p50 ms':>7} {'p99 ms':>8} {'CPU µs':>7} {'÷ bare':>7} "
            f"{'range':>12} {'MB':>4}"
        )
        for name, row in results.items():
            low, high = row["ratio_range"] or ("", "")
            print(
                f"{name:<20} {row['calls_per_second']:>8} {row['p50_ms']:>7} {row['p99_ms']:>8} "
                f"{row['cpu_us_per_call']:>7} {row['ratio_to_bare'] or '':>7} {f'{low}-{high}':>12} {row['rss_mb']:>4}"
            )
    over = {
        name: row["ratio_to_bare"]
        for name, row in results.items()
        if name in CEILINGS and row["ratio_to_bare"] is not None and row["ratio_to_bare"] > CEILINGS[name]
    }
    print(
        json.dumps(
            {
                "bench": "agi",
                "calls": options.calls,
                "concurrency": options.concurrency,
                "rounds": options.rounds,
                "commands": len(COMMANDS),
                "errors": 0,
                "over_ceiling": over,
                "servers": results,
            }
        )
    )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
