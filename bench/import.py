"""How fast customers come in and go out, and how much memory that takes, however many they are.

    python bench/import.py [--rows N] [--url URL] [--json FILE]

Makes a file of N customers, imports it (new), imports it again (nothing changes), recomputes the tiers and exports.
Each step runs in a process of its own through the command ``ivr``, so its peak memory is its own. Prints a table and
one line of JSON. The floor that Goldline wants: 1,000,000 rows under 200 MiB, and no more for ten times as many.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HEADER = "account,name_zh,phones,branch,languages,tier,status,opened_on,quiet_hours,assets,commission,points,address"
FAMILY = "王李张刘陈杨赵黄周吴"
GIVEN = "伟芳娜敏静强磊军洋勇艳杰娟涛明超秀霞平刚"


def make_file(path: Path, rows: int) -> None:
    chance = random.Random(1)  # the same file each time
    with path.open("w", encoding="utf-8") as handle:
        handle.write(HEADER + "\n")
        for number in range(rows):
            name = chance.choice(FAMILY) + chance.choice(GIVEN) + chance.choice(GIVEN)
            phones = f"13{chance.randrange(10**9):09d}"
            if number % 4 == 0:
                phones += f":good:2026-{chance.randrange(1, 11):02d}-15 021{chance.randrange(50_000_000, 69_999_999)}"
            assets = chance.randrange(10_000_000)
            handle.write(
                f"{number + 100_000_000_000},{name},{phones},SH0{number % 9 + 1},zh,normal,active,"
                f"20{chance.randrange(10, 26)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)},"
                f"{'21:00-08:30' if number % 10 == 0 else ''},{assets}.{number % 100:02d},{assets // 200},"
                f"{chance.randrange(50_000)},演示路{number % 1000}号\n"
            )


def measure(words: list[str], environment: dict[str, str], rows: int) -> dict[str, Any]:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ivr", *words], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    last = ""
    for line in process.stdout:
        last = line
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    assert process.returncode == 0, f"{words} failed: {last}"
    return {
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_rss_mib": round(usage.ru_maxrss / 1024),
        "said": last.strip(),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--url", default="", help="a scratch database; default: SQLite in a temporary directory")
    options.add_argument("--json", type=Path, help="write the figures here as well")
    chosen = options.parse_args()
    results: dict[str, Any] = {"rows": chosen.rows}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        environment = {**os.environ, "GOLDLINE_RUN_DIR": place, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        if chosen.url:
            environment["GOLDLINE_DATABASE__URL"] = chosen.url
        branches = "".join(f"SH0{number},分部{number},Branch {number},,\n" for number in range(1, 10))
        (root / "branches.csv").write_text(f"code,name_zh,name_en,number,address\n{branches}", "utf-8")
        make_file(root / "customers.csv", chosen.rows)
        steps = {
            "import, all new": ["customers", "import", str(root / "customers.csv"), "--json"],
            "import again": ["customers", "import", str(root / "customers.csv"), "--json"],
            "recompute tiers": ["tiers", "recompute", "--json"],
            "recompute again": ["tiers", "recompute", "--json"],
            "export": ["customers", "export", str(root / "out.csv"), "--json"],
        }
        measure(["customers", "branches", str(root / "branches.csv")], environment, 9)
        print(f"{'':<16} {'seconds':>8} {'rows/s':>8} {'CPU s':>7} {'peak MiB':>9}")
        for name, words in steps.items():
            found = results[name] = measure(words, environment, chosen.rows)
            print(
                f"{name:<16} {found['seconds']:>8} {found['rows_per_second']:>8} "
                f"{found['cpu_seconds']:>7} {found['peak_rss_mib']:>9}   {found['said']}",
                flush=True,
            )
    results["load_average"] = os.getloadavg()[0]
    line = json.dumps(results, ensure_ascii=False)
    print(line)
    if chosen.json:
        chosen.json.write_text(line + "\n", "utf-8")


if __name__ == "__main__":
    main()
