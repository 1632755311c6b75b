"""What a board of all instruments costs, refreshed every three seconds from a server in a process of its own.

    python bench/quotes.py [--instruments 6000] [--refreshes 8] [--trade 1.0] [--every 3] [--json]

Each way runs in a process of its own, one after the other, against the same server: the hotline's board over Tencent's
format (60 instruments a request), Sina's (800) and a JSON feed (100), and a naive reader of Tencent's. Of the
instruments, the part ``--trade`` has traded before each refresh: 1.0 is the worst there can be.

Targets: under 10 % of a core, under 100 MB for the whole process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXCHANGE_SECONDS = 3.0  # a snapshot of the exchanges
TARGET_CORE = 0.10
TARGET_MB = 100
WAYS = ("tencent", "sina", "json", "naive")


def run(way: str, url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one way."""
    words = [way, url, str(arguments.instruments), str(arguments.refreshes), str(arguments.every)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.quotes_parts.contender", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    told["core"] = round(told["cpu_ms"] / 1000 / EXCHANGE_SECONDS, 4)
    return told


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", type=int, default=6000)
    parser.add_argument("--refreshes", type=int, default=8)
    parser.add_argument("--trade", type=float, default=1.0)
    parser.add_argument("--every", type=float, default=EXCHANGE_SECONDS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    words = ["--instruments", str(arguments.instruments), "--trade", str(arguments.trade)]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.quotes_parts.server", *words],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout
        assert server.stdin
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        rows = [run(way, url, arguments) for way in WAYS]
        server.stdin.close()
    if not arguments.json:
        print(f"{arguments.instruments} instruments every {EXCHANGE_SECONDS:g} s, {arguments.trade:.0%} of them traded")
        print(f"{'':10}{'of a core':>11}{'CPU ms':>9}{'most':>8}{'first':>9}{'wall ms':>9}{'MB':>8}{'board MB':>10}")
        for row in rows:
            figures = f"{row['cpu_ms']:>9}{row['cpu_ms_most']:>8}{row['first_ms']:>9}{row['wall_ms']:>9}"
            print(f"{row['way']:10}{row['core']:>11.1%}{figures}{row['mb']:>8}{row['mb_of_the_board']:>10}")
    ours = [row for row in rows if row["way"] != "naive"]
    met = all(row["core"] < TARGET_CORE and row["mb"] < TARGET_MB for row in ours)
    print(json.dumps({"bench": "quotes", "instruments": arguments.instruments, "trade": arguments.trade, "rows": rows,
                      "targets": {"core": TARGET_CORE, "mb": TARGET_MB}, "met": met}))  # fmt: skip


if __name__ == "__main__":
    main()
