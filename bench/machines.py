"""Machine detection after the answer: people taken for machines, machines taken for people, ours and Asterisk's rules.

    python bench/machines.py [--each 200] [--seed 1] [--json]

People say 喂？, say more, say nothing, answer from noisy places or with the long sentence of an office; machines greet,
with and without a beep. All voices are espeak NG's, so the figures compare the two sets of rules and say little about
the people of a country: measure on recordings of your own before you switch it on. Asterisk's AMD is
``announcements_parts/amd.py`` with the defaults of amd.conf; what it is not sure of counts as a person, as here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.announcements_parts import wear
from bench.announcements_parts.amd import asterisk_amd
from bench.announcements_parts.trials import ANSWERS, GREETINGS, VARIANTS, other_speech
from bench.announcements_parts.voices import RATE, Sound, say, silence
from outbound.machines import AnswerListener

SOON = 2.0  # within these seconds of the answer a customer must hear somebody
LONG_ANSWERS = [
    "喂，您好，这里是王先生的办公室，请问您找哪一位？",
    "你好，你好，哎，你是哪里？有什么事情请讲。",
    "喂，你好，我正在外面，有点吵，你大声一点。",
]
MORE_GREETINGS = [
    "您好，您所拨打的用户暂时无法接听，请在提示音后留言，留言结束后直接挂机即可。",
    "您好，我是机主的智能助理，机主现在不方便接听电话，请问您有什么事情，我可以帮您转达。",
    "这里是李女士，我出差了，下周一回来，如有急事请联系我的同事，谢谢。",
]


@dataclass
class Row:
    """One kind of answer."""

    person: bool
    trials: int = 0
    ours: list[tuple[bool, float, str]] = field(default_factory=list)  # a machine, after seconds, why
    amd: list[tuple[bool, float]] = field(default_factory=list)


def voice(text: str, rng: np.random.Generator) -> Sound:
    """Somebody says it."""
    language = "zh" if ord(text[0]) > 255 else "en"
    return say(
        text, language, str(rng.choice(VARIANTS)), int(rng.choice([150, 165, 180, 200])), int(rng.choice([35, 50, 65]))
    )


def beep(rng: np.random.Generator) -> Sound:
    """Of a machine."""
    time_ = np.arange(int(rng.uniform(0.2, 1.0) * RATE)) / RATE
    return (0.15 * np.sin(2 * np.pi * rng.uniform(420, 1600) * time_)).astype(np.float32)


def a_person(kind: str, rng: np.random.Generator) -> Sound:
    """What is heard from the answer on."""
    before = silence(float(rng.uniform(0.1, 1.0)))
    text = (
        LONG_ANSWERS[int(rng.integers(len(LONG_ANSWERS)))]
        if kind == "a long sentence"
        else ANSWERS[int(rng.integers(len(ANSWERS)))]
    )
    if kind == "silence":
        return silence(8)
    said = [before, voice(text, rng), silence(float(rng.uniform(1.2, 2.5)))]
    if kind == "asks again":
        said += [voice("喂？喂？", rng), silence(2)]
    sound = np.concatenate([*said, silence(3)])
    if kind == "in traffic":
        noise = np.cumsum(wear.white(len(sound), rng))
        noise = noise - np.convolve(noise, np.ones(400) / 400, "same")
        return wear.with_noise(sound, noise.astype(np.float32), float(rng.uniform(6, 15)))
    if kind == "among people":
        return wear.with_noise(sound, wear.babble(len(sound), list(other_speech()), rng), float(rng.uniform(8, 15)))
    return sound


def a_machine(kind: str, rng: np.random.Generator) -> Sound:
    """What is heard from the answer on."""
    texts = [text for text in GREETINGS + MORE_GREETINGS if (ord(text[0]) > 255) == (kind != "in English, and a beep")]
    said = [silence(float(rng.uniform(0.1, 1.2))), voice(texts[int(rng.integers(len(texts)))], rng)]
    if kind == "short, and a beep":
        said = [said[0], voice("请留言。", rng)]
    if kind != "a greeting":
        said += [silence(float(rng.uniform(0.2, 0.7))), beep(rng)]
    return np.concatenate([*said, silence(4)])


PEOPLE = ("a few words", "asks again", "a long sentence", "silence", "in traffic", "among people")
MACHINES = ("a greeting", "a greeting and a beep", "short, and a beep", "in English, and a beep")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="machine detection")
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    rows: dict[str, Row] = defaultdict(lambda: Row(False))
    cpu = heard = 0.0
    for name, sound in answers(options.each, rng):
        row = rows.setdefault(name, Row(name.startswith("person")))
        row.trials += 1
        listener = AnswerListener()
        began = time.process_time()
        for begin in range(0, len(sound), RATE // 50):
            if listener.feed(sound[begin : begin + RATE // 50]):
                break
        cpu += time.process_time() - began
        answer = listener.answer
        heard += answer.seconds if answer else len(sound) / RATE
        row.ours.append((answer.who != "person", answer.seconds, answer.why) if answer else (False, 0.0, "end"))
        what, after = asterisk_amd(sound)
        row.amd.append((what == "machine", after))
    people = [row for row in rows.values() if row.person]
    machines = [row for row in rows.values() if not row.person]
    figures = {
        "bench": "machines",
        "people": sum(row.trials for row in people),
        "people_taken_for_machines": share(people, lambda row: row.ours),
        "people_taken_for_machines_amd": share(people, lambda row: row.amd),
        "machines": sum(row.trials for row in machines),
        "machines_recognised": share(machines, lambda row: row.ours),
        "machines_recognised_amd": share(machines, lambda row: row.amd),
        "machines_recognised_within_2_s": round(
            float(np.mean([found and after <= SOON for row in machines for found, after, _ in row.ours])), 4
        ),
        "cpu_ms_per_second": round(1000 * cpu / heard, 2),
    }
    if not options.json:
        print(f"{'taken for a machine':34}{'trials':>8}{'ours':>9}{'after s':>9}{'AMD':>9}{'after s':>9}")
        for name, row in rows.items():
            ours, amd = ([after for found, after, *_ in found_by if found] for found_by in (row.ours, row.amd))
            print(
                f"{name:34}{row.trials:8}{len(ours) / row.trials:9.1%}{_median(ours):>9}"
                f"{len(amd) / row.trials:9.1%}{_median(amd):>9}"
            )
        for name, value in figures.items():
            print(f"{name:34}{value!s:>17}")
    print(json.dumps(figures))


def answers(each: int, rng: np.random.Generator) -> Iterator[tuple[str, Sound]]:
    """Everything that is played."""
    for kind in PEOPLE:
        for _ in range(each if kind != "silence" else 1):
            yield f"person: {kind}", a_person(kind, rng)
    for kind in MACHINES:
        for _ in range(each):
            yield f"machine: {kind}", a_machine(kind, rng)


def share(rows: list[Row], of: Callable[[Row], list[tuple[bool, float]] | list[tuple[bool, float, str]]]) -> float:
    """Of all trials of these rows the share that was taken for a machine."""
    return round(float(np.mean([found[0] for row in rows for found in of(row)])), 4)


def _median(values: list[float]) -> str:
    return f"{np.median(values):.1f}" if values else ""


if __name__ == "__main__":
    main()
