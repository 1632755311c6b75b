"""``ivr outbound simulate``: a campaign's day on a virtual clock, before anybody is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from outbound.simulation import Day, Hour

BAR = 30  # characters of a full bar
CAP = 0.03


@click.command()
@click.argument("scenario", required=False)
@click.option("--list", "listed", is_flag=True, help="List the scenarios that come with Goldline.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    help="Pace it so instead: predictive, progressive, preview, power:RATIO; for comparison adaptive (the rule of "
    "VICIdial) and clairvoyant. May be given several times.",
)
@click.option("--seed", type=click.IntRange(0, 999_999_999), help="Another day of the same kind.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a chart to this SVG file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(
    scenario: str | None, listed: bool, policies: tuple[str, ...], seed: int | None, plot: Path | None, as_json: bool
) -> None:
    """Let the pacer of the live dialer meet a made-up day: SCENARIO is a JSON file, or the name of one that comes with
    Goldline.

    Shown for each hour: how busy agents were (talk and wrap-up over logged-in time) and which share of the answered
    calls was abandoned (no agent within 2 s). docs/pacing.md says what a scenario may hold.

    \b
    ivr outbound simulate --list
    ivr outbound simulate revisit
    ivr outbound simulate revisit --policy predictive --policy power:2 --plot day.svg
    ivr outbound simulate my-branch.json --json
    """
    from outbound import scenario as scenarios
    from outbound.day_chart import day_svg
    from outbound.policies import policy
    from outbound.simulation import Simulation

    if listed:
        _list(as_json)
        return
    if scenario is None:
        raise click.UsageError("Which SCENARIO? A JSON file, or one of: " + ", ".join(scenarios.shipped()) + ".")
    read = scenarios.read(Path(scenario))
    makers = {name: policy(name, read.ratio) for name in policies or (read.mode,)}
    days: dict[str, Day] = {}
    for name, make in makers.items():
        days[name] = Simulation(read.world, make(), read.seed if seed is None else seed).run()
        if not as_json:
            _print(read.title if len(days) == 1 else "", name, days[name])
    if plot is not None:
        try:
            plot.write_text(day_svg(days, CAP), "utf-8")
        except OSError as error:
            raise click.ClickException(f"{plot} cannot be written: {error.strerror}. Choose another place.") from None
        if not as_json:
            click.echo(f"The chart is in {plot}.")
    if as_json:
        told = {
            name: {**_told(day.total()), "hours": [_told(hour) for hour in day.hours]} for name, day in days.items()
        }
        click.echo(json.dumps({"scenario": scenario, "title": read.title, "policies": told}, ensure_ascii=False))


def _list(as_json: bool) -> None:
    from outbound import scenario as scenarios

    titles = {name: scenarios.read(scenarios.SCENARIOS / f"{name}.json").title for name in scenarios.shipped()}
    if as_json:
        click.echo(json.dumps(titles, ensure_ascii=False))
        return
    for name, title in titles.items():
        click.echo(f"{name:<26}{title}")


def _print(title: str, name: str, day: Day) -> None:
    if title:
        click.echo(title)
    click.echo(f"\n{name}")
    click.echo(f"{'hour':>5}{'dialled':>9}{'answered':>10}  {'busy':<{BAR + 8}}abandoned")
    for number, hour in enumerate(day.hours, 1):
        click.echo(_row(str(number), hour))
    click.echo(_row("day", day.total()))


def _row(label: str, hour: Hour) -> str:
    bar = "█" * round(BAR * hour.utilisation)
    over = "  over the cap" if hour.abandoned_share > CAP and label == "day" else ""
    lost = "▒" * min(round(hour.abandoned_share * 200), BAR)
    return (
        f"{label:>5}{hour.dialled:>9,}{hour.answered:>10,}  {bar:<{BAR}}{hour.utilisation:>6.1%}  "
        f"{hour.abandoned_share:>6.2%} {lost}{over}"
    )


def _told(hour: Hour) -> dict[str, Any]:
    return {
        "utilisation": round(hour.utilisation, 4),
        "abandoned_share": round(hour.abandoned_share, 4),
        "dialled": hour.dialled,
        "answered": hour.answered,
        "connected": hour.connected,
        "abandoned": round(hour.abandoned, 2),
        "cancelled": hour.cancelled,
        "logged_in_hours": round(hour.logged_in / 3600.0, 3),
    }
