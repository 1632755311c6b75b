"""What speech costs: a quote from clips, a missing word, a day of quotes; with the voice pack and with the plain voice.

    python bench/speech.py [--quotes 500] [--day 1500] [--misses 40] [--engine pyttsx3]

Both voices in one run, each on a store and a cache of its own in a temporary directory. The day: callers ask for shares
of the demonstration market as often as people do (the second half as often as the first, and so on: Zipf), prices move
every three seconds, and one caller in fifty asks for a share that nobody foresaw. Prints a table and, last, one JSON
line.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import uvloop

from ivr.services.quotes.words import NOTHING
from ivr.speech.manner import Manner
from ivr.speech.speech import Speech
from ivr.speech.utterance import Piece, Utterance
from ivr.speech.values import Code, Move, Name, Price, Time, Value

ROOT = Path(__file__).resolve().parent.parent
PROMPTS = ROOT / "prompts"
MARKET = ROOT / "db" / "demo" / "instruments.csv"
NAME = Name({"zh": "贵州茅台", "en": "Kweichow Moutai"})
TARGET_MS = 5.0  # a cached quote is composed within this much CPU
# Words that no catalogue holds: share names.
MISSES = [f"{first}{second}股份" for first in "东南西北中金银铜铁石" for second in "方海山河江湖天地风云"]
UNFORESEEN = 0.02
BOARD_SECONDS = 3.0
DAY_SECONDS = 4 * 3600.0  # of trading

Figures = dict[str, float | int]


def quote(number: int) -> dict[str, Value]:
    """A quote like no other."""
    return {
        "name": NAME,
        "code": Code("600519"),
        "last": Price(Decimal(100_000 + number * 37) / 100),
        "state": NOTHING,
        "move": Move(Decimal(number % 2001 - 1000) / 10, Decimal(number % 2001 - 1000) / 100),
        "at": Time(datetime.time(9 + number % 6, number % 60)),
    }


def day(calls: int) -> Iterator[dict[str, Value]]:
    """The quotes that a day's callers ask for, in their order."""
    chance = random.Random(6)
    with MARKET.open(encoding="utf-8") as file:
        market = [row for row in csv.DictReader(file) if row["kind"] == "share"]
    weights = [1 / place for place in range(1, len(market) + 1)]
    for at in sorted(chance.uniform(0, DAY_SECONDS) for _ in range(calls)):
        (row,) = chance.choices(market, weights)
        tick = int(at / BOARD_SECONDS)
        moved = Decimal(random.Random(f"{row['code']} {tick}").randint(-999, 999)) / 100
        price = (Decimal(row["price"]) * (1 + moved / 100)).quantize(Decimal("0.01"))
        minute = int(at / 60)
        clock = datetime.time(9 + (30 + minute) // 60, (30 + minute) % 60)
        name, code = Name({"zh": row["name_zh"], "en": row["name_en"]}), row["code"]
        if chance.random() < UNFORESEEN:
            zh = chance.choice(MISSES)
            name, code = Name({"zh": zh, "en": f"{zh.encode().hex()[:4]} Limited"}), f"{chance.randrange(10**6):06}"
        move = Move((Decimal(row["price"]) * moved / 100).quantize(Decimal("0.01")), moved)
        shown: dict[str, Value] = {"name": name, "code": Code(code), "state": NOTHING}
        yield {**shown, "last": Price(price), "move": move, "at": Time(clock)}


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def cpu_seconds() -> float:
    """CPU time of this process and of its ended children."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


async def measure(arguments: argparse.Namespace, directory: Path, natural: bool) -> Figures:
    """All figures of one voice."""
    figures: Figures = {}
    manner = Manner(arguments.engine, natural=natural)
    speech = Speech.open(PROMPTS, directory / "cache", directory / "sounds", manner)
    await speech.start()
    started, cpu = time.perf_counter(), cpu_seconds()
    with MARKET.open(encoding="utf-8") as file:
        names = [Name({"zh": row["name_zh"], "en": row["name_en"]}) for row in csv.DictReader(file)]
    figures["warm_clips"] = await speech.warm(names)
    figures["warm_s"] = time.perf_counter() - started
    figures["warm_cpu_s"] = cpu_seconds() - cpu
    for language in speech.catalogue.languages:
        await _quotes(speech, language, arguments.quotes, figures)
    await _a_day(speech, arguments.day, figures)

    took = []
    for words in MISSES[: arguments.misses]:
        started = time.perf_counter()
        await speech.composer.compose(Utterance("zh", (Piece(words + "东"),)))
        took.append((time.perf_counter() - started) * 1000)
    figures["miss_median_ms"] = statistics.median(took)
    figures["miss_p99_ms"] = percentile(took, 0.99)
    figures["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await speech.stop()
    return figures


async def _quotes(speech: Speech, language: str, count: int, figures: Figures) -> None:
    took: list[float] = []
    spoken: list[float] = []
    cpu = time.process_time()
    before = speech.composer.renders
    for number in range(count):
        utterance = speech.catalogue.say("quote_share", language, quote(number))
        started = time.perf_counter()
        sound = await speech.composer.compose(utterance)
        took.append((time.perf_counter() - started) * 1000)
        spoken.append(sound.seconds)
    figures[f"quote_{language}_cpu_ms"] = (time.process_time() - cpu) * 1000 / count
    figures[f"quote_{language}_median_ms"] = statistics.median(took)
    figures[f"quote_{language}_p99_ms"] = percentile(took, 0.99)
    figures[f"quote_{language}_lasts_s"] = statistics.mean(spoken)
    figures[f"quote_{language}_renders"] = speech.composer.renders - before
    ready: list[float] = []
    for number in range(max(0, count - 200), count):
        utterance = speech.catalogue.say("quote_share", language, quote(number))
        started = time.perf_counter()
        speech.composer.ready(utterance)
        ready.append((time.perf_counter() - started) * 1e6)
    figures[f"quote_{language}_ready_us"] = statistics.median(ready)


async def _a_day(speech: Speech, calls: int, figures: Figures) -> None:
    as_it_is = from_clips = 0
    cpu = time.process_time()
    for values in day(calls):
        utterance = speech.catalogue.say("quote_share", "zh", values)
        if speech.composer.ready(utterance) is not None:
            as_it_is += 1
            continue
        before = speech.composer.renders
        await speech.composer.compose(utterance)
        from_clips += speech.composer.renders == before
    figures["day_whole_sound_share"] = as_it_is / calls
    figures["day_from_clips_share"] = from_clips / calls
    figures["day_rendered_share"] = (calls - as_it_is - from_clips) / calls
    figures["day_cpu_ms_per_quote"] = (time.process_time() - cpu) * 1000 / calls


def main() -> None:
    """Measure and print; ends with 1 when a cached quote takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quotes", type=int, default=500)
    parser.add_argument("--day", type=int, default=1500, help="quotes asked for on the simulated day")
    parser.add_argument("--misses", type=int, default=40)
    parser.add_argument("--engine", choices=["pyttsx3", "espeak"], default="pyttsx3")
    arguments = parser.parse_args()
    voices: dict[str, Figures] = {}
    for voice in ("plain", "pack"):
        with tempfile.TemporaryDirectory(prefix="goldline-bench-") as directory:
            voices[voice] = uvloop.run(measure(arguments, Path(directory), voice == "pack"))
    print(f"{'':24} {'plain':>12} {'pack':>12}")
    for name in voices["plain"]:
        print(f"{name:24} " + " ".join(f"{voices[voice][name]:>12.3f}" for voice in voices))
    rounded = {voice: {name: round(value, 3) for name, value in each.items()} for voice, each in voices.items()}
    print(json.dumps({"bench": "speech", "engine": arguments.engine, "cores": os.cpu_count() or 1, **rounded}))
    # CPU time, not wall time: the verdict must not depend on what else the machine is doing.
    if any(float(each["quote_zh_cpu_ms"]) > TARGET_MS for each in voices.values()):
        raise SystemExit(f"a cached quote takes more than {TARGET_MS} ms of CPU")


if __name__ == "__main__":
    main()
