"""What speech costs: composing a quote from cached clips, rendering a missing word, warming up from nothing.

    python bench/speech.py [--quotes 1000] [--misses 40] [--engine pyttsx3]

Prints a table and, last, one JSON line. Works in a temporary directory of its own; leaves nothing behind.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import uvloop

from ivr.speech.manner import Manner
from ivr.speech.speech import Speech
from ivr.speech.utterance import Piece, Utterance
from ivr.speech.values import Change, Code, Move, Name, Price, Time, Value

PROMPTS = Path(__file__).resolve().parent.parent / "prompts"
NAME = Name({"zh": "贵州茅台", "en": "Kweichow Moutai"})
TARGET_MS = 5.0  # a cached quote is composed within this, on a core of its own
# Words that no catalogue holds: share names.
MISSES = [f"{first}{second}股份" for first in "东南西北中金银铜铁石" for second in "方海山河江湖天地风云"]


def quote(number: int) -> dict[str, Value]:
    """A quote like no other."""
    return {
        "name": NAME,
        "code": Code("600519"),
        "last": Price(Decimal(100_000 + number * 37) / 100),
        "change": Change(Decimal(number % 2001 - 1000) / 100),
        "move": Move(Decimal(number % 2001 - 1000) / 50, Decimal(number % 2001 - 1000) / 100),
        "state": Name({"zh": "", "en": ""}),
        "at": Time(datetime.time(9 + number % 6, number % 60)),
    }


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def cpu_seconds() -> float:
    """CPU time of this process and of its ended children."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


async def measure(arguments: argparse.Namespace, directory: Path) -> dict[str, float | int | str]:
    """All figures."""
    figures: dict[str, float | int | str] = {
        "bench": "speech",
        "engine": arguments.engine,
        "cores": os.cpu_count() or 1,
    }
    speech = Speech.open(PROMPTS, directory / "cache", directory / "sounds", Manner(arguments.engine))
    await speech.start()

    started, cpu = time.perf_counter(), cpu_seconds()
    figures["warm_clips"] = await speech.warm([NAME])
    figures["warm_s"] = time.perf_counter() - started
    figures["warm_cpu_s"] = cpu_seconds() - cpu
    started = time.perf_counter()
    await speech.warm([NAME])
    figures["warm_again_ms"] = (time.perf_counter() - started) * 1000

    for language in speech.catalogue.languages:
        took: list[float] = []
        ready: list[float] = []
        cpu = time.process_time()
        for number in range(arguments.quotes):
            utterance = speech.catalogue.say("quote_share", language, quote(number))
            started = time.perf_counter()
            await speech.composer.compose(utterance)
            took.append((time.perf_counter() - started) * 1000)
        figures[f"quote_{language}_cpu_ms"] = (time.process_time() - cpu) * 1000 / arguments.quotes
        for number in range(max(0, arguments.quotes - 500), arguments.quotes):
            utterance = speech.catalogue.say("quote_share", language, quote(number))
            started = time.perf_counter()
            speech.composer.ready(utterance)
            ready.append((time.perf_counter() - started) * 1e6)
        figures[f"quote_{language}_median_ms"] = statistics.median(took)
        figures[f"quote_{language}_p99_ms"] = percentile(took, 0.99)
        figures[f"quote_{language}_ready_us"] = statistics.median(ready)
    figures["renders_for_quotes"] = speech.composer.renders - int(figures["warm_clips"])

    took = []
    for words in MISSES[: arguments.misses]:
        started = time.perf_counter()
        await speech.composer.compose(Utterance("zh", (Piece(words),)))
        took.append((time.perf_counter() - started) * 1000)
    figures["miss_median_ms"] = statistics.median(took)
    figures["miss_p99_ms"] = percentile(took, 0.99)
    figures["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await speech.stop()
    return figures


def main() -> None:
    """Measure and print; ends with 1 when a cached quote takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quotes", type=int, default=1000)
    parser.add_argument("--misses", type=int, default=40)
    parser.add_argument("--engine", choices=["pyttsx3", "espeak"], default="pyttsx3")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="goldline-bench-") as directory:
        figures = uvloop.run(measure(arguments, Path(directory)))
    for name, value in figures.items():
        print(f"{name:24} {value:>12.3f}" if isinstance(value, float) else f"{name:24} {value:>12}")
    print(json.dumps({name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}))
    # CPU time, not wall time: the verdict must not depend on what else the machine is doing.
    if float(figures["quote_zh_cpu_ms"]) > TARGET_MS:
        raise SystemExit(f"a cached quote takes more than {TARGET_MS} ms of CPU")


if __name__ == "__main__":
    main()
