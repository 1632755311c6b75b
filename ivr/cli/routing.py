"""``ivr routing`` and ``ivr simulate``: is the routing policy right, and what does it do to a day's callers."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from agent_routing.policy import Policy
    from agent_routing.reference import Compared
    from agent_routing.simulation import Rule, SimulatedCall, Waits
    from db.customer import Tier

LEAST_SEEDS = 20  # with fewer the standard error itself is too uncertain for three of them to mean much
_POLICY = click.option(
    "--policy", "policy_file", type=click.Path(path_type=Path), help="Another file than policy.yaml."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def routing() -> None:
    """Who gets which seat: the policy in agent_routing/policy.yaml.

    \b
    ivr routing check
    ivr routing show
    """


@routing.command()
@_POLICY
@_JSON
def check(policy_file: Path | None, as_json: bool) -> None:
    """Check the policy: every problem with its file, line and remedy. Exit code 1 when there is one."""
    from agent_routing.policy_file import POLICY_FILE, PolicyInvalid, read

    problems: tuple[Any, ...] = ()
    try:
        read(policy_file or POLICY_FILE)
    except PolicyInvalid as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"problems": [str(one) for one in problems]}, ensure_ascii=False))
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{len(problems)} problems.")
    sys.exit(1 if problems else 0)


@routing.command()
@_POLICY
def show(policy_file: Path | None) -> None:
    """Show how urgency grows and when rings open, tier by tier."""
    from db.customer import TIERS

    policy = _policy(policy_file)
    moments = (0, 10, 20, 30, 60, 120, 300)
    click.echo("urgency after".ljust(16) + "".join(f"{moment:>7} s" for moment in moments))
    for tier in TIERS:
        rule = policy.tiers[tier]
        cells = [
            "first" if rule.strict else "past" if moment >= rule.longest_wait else f"{policy.urgency(tier, moment):.2f}"
            for moment in moments
        ]
        click.echo(f"{tier:<16}" + "".join(f"{cell:>9}" for cell in cells))
    click.echo("")
    click.echo("ring opens after".ljust(24) + "".join(f"{tier:>10}" for tier in TIERS))
    for ring in policy.rings:
        click.echo(f"{ring.name:<24}" + "".join(f"{ring.after.get(tier, 0.0):>8g} s" for tier in TIERS))
    for lending in policy.lending:
        opens = [
            f"{lending.at * policy.tiers[tier].target.within:>8g} s" if tier in lending.to else f"{'-':>10}"
            for tier in TIERS
        ]
        click.echo(f"{'lent by ' + lending.lender:<24}" + "".join(opens))


@click.command()
@click.option("--reference", is_flag=True, help="Hold the engine against queueing theory instead: eight cases.")
@click.option("--calls", default=0, type=click.IntRange(0, 100_000_000), help="Calls of a day (6000), or of each case.")
@click.option("--seats", "seat_count", default=50, type=click.IntRange(7, 10_000), help="Seats of the day.")
@click.option("--days", default=5, type=click.IntRange(1, 1000), help="Days to simulate.")
@click.option("--seed", default=1, help="The same seed, the same days.")
@click.option("--plot", type=click.Path(path_type=Path), help="Write a chart of the waits to this SVG file.")
@_POLICY
@_JSON
def simulate(
    reference: bool,
    calls: int,
    seat_count: int,
    days: int,
    seed: int,
    plot: Path | None,
    policy_file: Path | None,
    as_json: bool,
) -> None:
    """Let a brokerage's day meet the routing engine, and other switches' rules beside it, on a virtual clock.

    With --reference the engine is held against exact results of queueing theory; exit code 1 when one of them is
    missed by more than three standard errors (by chance alone about one run in ten has one).

    \b
    ivr simulate --seats 50 --plot day.svg
    ivr simulate --reference --calls 1000000
    """
    if reference:
        _reference(calls or 100_000, seed, as_json)
        return
    _day(_policy(policy_file), calls or 6000, seat_count, days, seed, plot, as_json)


def _policy(policy_file: Path | None) -> Policy:
    from agent_routing.policy_file import POLICY_FILE, read

    return read(policy_file or POLICY_FILE)


def _reference(calls: int, seed: int, as_json: bool) -> None:
    from agent_routing.reference import cases, run

    compared: list[Compared] = []
    for case in cases():
        rows = run(case, calls, range(seed * LEAST_SEEDS, (seed + 1) * LEAST_SEEDS))
        compared += rows
        if not as_json:
            click.echo(f"{case.name}: {case.title}, {case.seats} seats, {calls:,} calls")
            for row in rows:
                click.echo(
                    f"   {row.figure:<14}{row.exact:>12.4f}{row.simulated:>12.4f}{row.error:>10.4f}"
                    f"{row.errors_apart:>7.2f}  {'within' if row.within else 'MISSED'}"
                )
    missed = sum(not row.within for row in compared)
    if as_json:
        rows_told = [
            {
                "case": row.case,
                "figure": row.figure,
                "exact": row.exact,
                "simulated": row.simulated,
                "standard_error": row.error,
                "within": row.within,
            }
            for row in compared
        ]
        click.echo(json.dumps({"calls": calls, "missed": missed, "figures": rows_told}))
    else:
        click.echo("Columns: exact, simulated, standard error, standard errors apart.")
        click.echo(f"{len(compared)} figures, {missed} missed.")
    sys.exit(1 if missed else 0)


def _day(policy: Policy, calls: int, seat_count: int, days: int, seed: int, plot: Path | None, as_json: bool) -> None:
    from random import Random

    from agent_routing import brokerage_day
    from agent_routing.simulation import AppQueue, Goldline, MostSenior, Waits
    from agent_routing.simulation import simulate as run
    from agent_routing.talk_times import TalkTimes
    from db.customer import TIERS

    names = ("Goldline", "app_queue, strict, 1 s", "mod_callcenter, additive")
    seen: dict[str, dict[Tier, Waits]] = {name: {tier: Waits() for tier in TIERS} for name in names}
    for day in range(days):
        chance = Random(f"{seed} {day}")  # noqa: S311 - no secret is drawn
        seats = brokerage_day.seats(seat_count, chance)
        called: list[SimulatedCall] = list(brokerage_day.calls(calls, seats, chance))
        talks = TalkTimes(call.talk for call in called)
        rules: tuple[Rule, ...] = (
            Goldline(policy, seats, talks.rest),
            AppQueue(seats),
            MostSenior(seats, {tier: policy.tiers[tier].bonus for tier in TIERS}),
        )
        for name, rule in zip(names, rules, strict=True):
            for tier, waits in run(rule, seats, called).items():
                _add(seen[name][tier], waits)
    rows = [_row(name, tier, seen[name][tier], policy) for tier in TIERS for name in names]
    if as_json:
        click.echo(json.dumps({"days": days, "calls": calls, "seats": seat_count, "rows": rows}))
    else:
        click.echo(f"{days} days of about {calls:,} calls, {seat_count} seats; the same callers for each rule.")
        click.echo(
            f"{'tier':<10}{'rule':<26}{'offered':>8}{'in target':>10}{'target':>8}"
            f"{'mean':>8}{'median':>8}{'95 %':>8}{'longest':>9}{'gave up':>9}"
        )
        for row in rows:
            click.echo(
                f"{row['tier']:<10}{row['rule']:<26}{row['offered']:>8}{row['in_target']:>10.1%}{row['target']:>8.0%}"
                f"{row['mean']:>8.1f}{row['median']:>8.1f}{row['p95']:>8.1f}{row['longest']:>9.1f}{row['gave_up']:>9.2%}"
            )
        click.echo("in target = answered within the tier's seconds / offered; waits in seconds, of the answered.")
    if plot is not None:
        from agent_routing.plot import waits_svg

        plot.write_text(waits_svg({f"{tier}, {name}": seen[name][tier].waits for tier in TIERS for name in names[:2]}))
        click.echo(f"Chart: {plot}", err=True)


def _add(total: Waits, more: Waits) -> None:
    total.offered += more.offered
    total.answered += more.answered
    total.abandoned += more.abandoned
    total.waits += more.waits


def _row(name: str, tier: Tier, seen: Waits, policy: Policy) -> dict[str, Any]:
    target = policy.tiers[tier].target
    waits = sorted(seen.waits) or [0.0]
    return {
        "tier": tier,
        "rule": name,
        "offered": seen.offered,
        "in_target": sum(wait <= target.within for wait in seen.waits) / max(seen.offered, 1),
        "target": target.share,
        "within": target.within,
        "mean": round(statistics.fmean(waits), 2),
        "median": round(waits[len(waits) // 2], 2),
        "p95": round(waits[min(int(0.95 * len(waits)), len(waits) - 1)], 2),
        "longest": round(waits[-1], 2),
        "gave_up": seen.abandoned / max(seen.offered, 1),
    }
