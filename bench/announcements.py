"""Announcements in early media: how often they are recognised, and how often something else is taken for one.

    python bench/announcements.py [--each 6] [--scale 1.0] [--seed 1] [--peers 10] [--json]

Every reference is played worn in many ways (``announcements_parts/trials.py``): in rounds, heard from the beginning,
after a ring tone or from the middle of a round. What must not be recognised: other wordings of the same voices,
references that the recogniser is not given, ordinary speech, greetings, people who answer, music, ring tones, noise.
All voices are espeak NG's; no carrier's recording was to be had. Two peers (``peers.py``) hear one in ten of the same,
with the threshold that is best for them with hindsight: the lowest at which no ordinary sound is taken for one.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.announcements_parts import trials
from bench.announcements_parts.peers import Correlation, HaitsmaKalker, Scores
from bench.announcements_parts.trials import Trial
from bench.announcements_parts.voices import RATE
from outbound.announcements import references
from outbound.announcements.listener import Listener
from outbound.announcements.matcher import Prints

CHUNK = RATE // 10
PEER_SECONDS = 15  # the peers are slow: they hear no more than this of a recording


@dataclass
class Row:
    """One condition."""

    trials: int = 0
    right: int = 0
    wrong: int = 0
    seconds: list[float] = field(default_factory=list)  # from the beginning of the sound to the right verdict


@cache
def prints_without(hidden: str) -> Prints:
    """The references but those of one outcome."""
    return Prints([references.print_of(one, sound) for one, sound in trials.announcements() if one.outcome != hidden])


def ours(trial: Trial) -> tuple[str, str, float]:
    """The outcome that we recognise ("": none), by which reference, and after how long."""
    listener = Listener(prints_without(trial.hidden))
    for begin in range(0, len(trial.sound), CHUNK):
        if listener.feed(trial.sound[begin : begin + CHUNK]):
            break
    verdict = listener.close()
    return (verdict.outcome, verdict.reference, verdict.seconds) if verdict else ("", "", 0.0)


def best_of(scores: Scores) -> tuple[str, float]:
    """The surest outcome."""
    return max(scores.items(), key=lambda item: item[1], default=("", 0.0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="announcements in early media")
    parser.add_argument("--each", type=int, default=6, help="times that each reference is played in each condition")
    parser.add_argument("--scale", type=float, default=1.0, help="how many sounds that are no announcement, 1.0: 3,400")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", type=int, default=10, help="they hear one trial in so many; 0: none")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)

    rows: dict[str, Row] = defaultdict(Row)
    peers = [] if not options.peers else [kind(trials.announcements()) for kind in (Correlation, HaitsmaKalker)]
    heard_by_peers: list[tuple[Trial, list[tuple[str, float]]]] = []
    false: Counter[str] = Counter()
    cpu = sound_seconds = 0.0
    prints_without("")
    played = 0
    for group, source in (
        ("within", trials.positives(trials.WITHIN, options.each, rng)),
        ("beyond", trials.positives(trials.BEYOND, options.each, rng)),
        ("nothing", trials.negatives(options.scale, rng)),
    ):
        for trial in source:
            prints_without(trial.hidden)
            began = time.process_time()
            outcome, reference, seconds = ours(trial)
            cpu += time.process_time() - began
            sound_seconds += seconds or len(trial.sound) / RATE
            row = rows[f"{group}: {trial.condition}"]
            row.trials += 1
            row.right += outcome == trial.outcome
            row.wrong += outcome not in ("", trial.outcome)
            if outcome and outcome == trial.outcome:
                row.seconds.append(seconds)
            if outcome and outcome != trial.outcome:
                false[f"{trial.condition} ({trial.outcome or trial.hidden or 'nothing'}) → {reference}"] += 1
            played += 1
            if peers and played % options.peers == 0:
                short = Trial(trial.condition, np.zeros(0, dtype=np.float32), trial.outcome)
                heard_by_peers.append(
                    (short, [best_of(peer.scores(trial.sound[: PEER_SECONDS * RATE], trial.hidden)) for peer in peers])
                )

    groups = {}
    for group in ("within", "beyond", "nothing"):
        of_group = [row for name, row in rows.items() if name.startswith(group)]
        groups[group] = (
            sum(r.trials for r in of_group),
            sum(r.right for r in of_group),
            sum(r.wrong for r in of_group),
        )
    figures: dict[str, float | int | str | dict[str, int]] = {
        "bench": "announcements",
        "references": len(trials.announcements()),
        "within_trials": groups["within"][0],
        "within_right": round(groups["within"][1] / groups["within"][0], 5),
        "within_wrong": groups["within"][2],
        "beyond_trials": groups["beyond"][0],
        "beyond_right": round(groups["beyond"][1] / groups["beyond"][0], 5),
        "beyond_wrong": groups["beyond"][2],
        "nothing_trials": groups["nothing"][0],
        "nothing_false": groups["nothing"][2],
        "cpu_ms_per_second": round(1000 * cpu / sound_seconds, 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    for place, peer in enumerate(peers):
        name = peer.name.lower().replace("-", "_")
        figures |= {f"{name}_{key}": value for key, value in peer_figures(heard_by_peers, place).items()}
    if not options.json:
        print(f"{'':44}{'trials':>8}{'right':>9}{'wrong':>8}{'after s':>9}")
        for name, row in rows.items():
            after = f"{np.median(row.seconds):.1f}" if row.seconds else ""
            print(f"{name:44}{row.trials:8}{row.right / row.trials:9.2%}{row.wrong:8}{after:>9}")
        for what, count in false.most_common(12):
            print(f"  {count:4} × {what}")
        for name, value in figures.items():
            print(f"{name:44}{value!s:>17}")
    print(json.dumps(figures))


def peer_figures(heard: list[tuple[Trial, list[tuple[str, float]]]], place: int) -> dict[str, float]:
    """How a peer fares on the trials it heard, at the lowest threshold that recognises nothing in ordinary sounds.

    ``same_voice_false`` is the share of other announcements of the same voices that it then takes for known ones.
    """
    nothing = [(trial, rows[place][1]) for trial, rows in heard if not trial.outcome]
    threshold = max((score for trial, score in nothing if trial.condition not in trials.SAME_VOICE), default=0.0)
    same_voice = [score > threshold for trial, score in nothing if trial.condition in trials.SAME_VOICE]
    within = [(trial, rows[place]) for trial, rows in heard if trial.outcome and trial.condition in trials.WITHIN]
    right = [outcome == trial.outcome and score > threshold for trial, (outcome, score) in within]
    wrong = [outcome != trial.outcome and score > threshold for trial, (outcome, score) in within]
    return {
        "trials": len(heard),
        "threshold": round(threshold, 3),
        "within_right": round(float(np.mean(right)), 4),
        "within_wrong": round(float(np.mean(wrong)), 4),
        "same_voice_false": round(float(np.mean(same_voice)), 4),
    }


if __name__ == "__main__":
    main()
