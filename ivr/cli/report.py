"""``ivr report``: the figures of some days, each with its formula."""

from __future__ import annotations

import asyncio
import datetime
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ivr import config
from ivr.errors import GoldlineError

if TYPE_CHECKING:
    from ivr.lines.model import LinePlan
    from ivr.report.figures import Figure
    from ivr.report.reckoning import Report
    from ivr.report.tally import Dimension, Rules

BY = ("line", "tier", "branch", "agent", "hour", "day")
# What a table by groups has room for; everything else is in --json and --csv.
COLUMNS = {
    "line": ("calls", "self_service", "offered", "service_level", "asa", "abandonment", "aht", "satisfaction"),
    "tier": ("offered", "answered", "service_level", "service_level_target", "asa", "wait_p90", "abandonment", "aht"),
    "branch": ("offered", "service_level", "asa", "abandonment", "talks", "aht", "occupancy", "satisfaction"),
    "agent": ("talks", "aht", "occupancy", "transfers", "offers_not_answered", "first_contact", "satisfaction"),
    "hour": ("calls", "offered", "answered", "abandoned", "service_level", "asa", "aht", "occupancy"),
    "day": ("calls", "offered", "answered", "abandoned", "service_level", "asa", "aht", "occupancy"),
}
WIDE = 200  # characters
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--from", "first", type=_DAY, help="The first day; default: today, on the clock of the lines.")
@click.option("--to", "last", type=_DAY, help="The last day, included; default: the first.")
@click.option("--by", type=click.Choice(BY), help="Also for each line, tier, branch, agent, hour of the day or day.")
@click.option("--formulas", is_flag=True, help="Say of every figure how it is worked out, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures there.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw the hours of the day as SVG.")
@click.option(
    "--short",
    type=click.FloatRange(0, 60),
    help="An abandoned call is short when it waited less than so many seconds; default: 5.",
)
@click.option(
    "--first-contact-days",
    type=click.IntRange(1, 90),
    help="A call is resolved when its customer wants nobody for so many days; default: 7.",
)
@click.option("--policy", type=click.Path(path_type=Path), help="Targets from another file than policy.yaml.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of what is printed; default: the hotline's.")
def report(
    first: datetime.datetime | None,
    last: datetime.datetime | None,
    by: str | None,
    formulas: bool,
    as_json: bool,
    csv_file: Path | None,
    chart: Path | None,
    short: float | None,
    first_contact_days: int | None,
    policy: Path | None,
    language: str | None,
) -> None:
    """Figures of the calls that wanted a person and of those who answered them: service level, waits, talks, occupancy.

    Every figure can be had again from the journal; --formulas says how, docs/report.md defines each word.

    \b
    ivr report
    ivr report --from 2026-11-01 --to 2026-11-30 --by tier
    ivr report --from 2026-11-20 --by hour --chart hours.svg
    ivr report --from 2026-11-20 --by agent --csv agents.csv
    ivr report --formulas --language en
    """
    from ivr.report.period import Period

    settings = config.load()
    language = language or settings.language
    rules = _rules(short, first_contact_days, policy)
    if formulas:
        _formulas(rules, language, as_json)
        return
    plan = _plan_of(settings)
    asked_at = datetime.datetime.now(datetime.UTC)
    first_day = first.date() if first else asked_at.astimezone(plan.zone).date()
    period = Period(first_day, last.date() if last else first_day, plan.zone)
    shown: tuple[Dimension, ...] = ("all", cast("Dimension", by)) if by else ("all",)
    wanted: tuple[Dimension, ...] = (*shown, "tier", *(("hour",) if chart else ()))
    found, names = asyncio.run(_reckoned(settings, plan, period, asked_at, rules, wanted))
    if chart:
        from ivr.report.chart import hours_svg

        _write(chart, hours_svg(found, language), "utf-8")
    if csv_file:
        from ivr.report.table import csv_text

        _write(csv_file, csv_text(found, shown), "utf-8-sig")  # with its mark: Excel takes it for UTF-8
    if as_json:
        from ivr.report.table import json_value

        click.echo(json.dumps(json_value(found, shown), ensure_ascii=False))
        return
    _print(found, by, names, language)
    for written in (csv_file, chart):
        if written:
            click.echo(str(written))


def _rules(short: float | None, days: int | None, policy: Path | None) -> Rules:
    from agent_routing.policy_file import POLICY_FILE, read
    from ivr.report.tally import FIRST_CONTACT_DAYS, SHORT_SECONDS, Rules

    return Rules(
        {tier: rule.target for tier, rule in read(policy or POLICY_FILE).tiers.items()},
        SHORT_SECONDS if short is None else short,
        FIRST_CONTACT_DAYS if days is None else days,
    )


def _plan_of(settings: config.Settings) -> LinePlan:
    from ivr.lines.errors import LinesInvalid
    from ivr.lines.load import FILE_NAME, read_lines

    plan, problems, _ = read_lines(settings.dialplans / FILE_NAME, f"{settings.dialplans.name}/{FILE_NAME}")
    if plan is None:
        raise LinesInvalid(problems)
    return plan


async def _reckoned(
    settings: config.Settings, plan: LinePlan, period: Any, asked_at: datetime.datetime, rules: Rules, by: Any
) -> tuple[Report, dict[str, tuple[str, str]]]:
    """The report, and the agents' names."""
    import dataclasses

    from db.report_rows import ReportRows
    from db.store import Store
    from ivr.report.reckoning import reckon

    def line_of(number: str) -> str:
        line = plan.line_of(number)
        return line.id if line else ""

    store = await Store.open(settings.database_url)
    try:
        await store.check_schema()
        rows = ReportRows(store)
        branches = await rows.branches()
        judged = dataclasses.replace(rules, line_of=line_of, branch_of=lambda agent: branches.get(agent, ""))
        return await reckon(rows, period, asked_at, judged, by), await rows.agent_names()
    finally:
        await store.close()


def _write(path: Path, text: str, encoding: str) -> None:
    try:
        path.write_text(text, encoding, newline="")
    except OSError as error:
        raise GoldlineError(
            f"{path} cannot be written: {error.strerror}.", remedy="Check the directory, its rights and its room."
        ) from error


# --- on the terminal --------------------------------------------------------------------------------------------------


def _formulas(rules: Rules, language: str, as_json: bool) -> None:
    from ivr.report.figures import FIGURES

    for kind in FIGURES:
        if as_json:
            told = {"name": kind.name, "unit": kind.unit, "title": {"zh": kind.zh, "en": kind.en}}
            told["formula"] = {each: kind.formula(each, rules) for each in ("zh", "en")}
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            click.echo(f"{kind.title(language)} ({kind.name})\n    = {kind.formula(language, rules)}")


def _print(found: Report, by: str | None, names: dict[str, tuple[str, str]], language: str) -> None:
    zh = language != "en"
    period = found.period
    asked = found.asked_at.astimezone(period.zone)
    click.echo(f"{period.first} – {period.last}  {period.zone}  ({asked:%Y-%m-%d %H:%M})")
    table = _table(("指标", "值", "分子", "分母") if zh else ("figure", "value", "numerator", "denominator"))
    for figure in found.figures("all", "all"):
        of = () if figure.denominator is None else (_number(figure.numerator), _number(figure.denominator))
        table.add_row(figure.kind.title(language), _shown(figure), *of)
    _show(table)
    for dimension in dict.fromkeys(("tier", by) if by else ("tier",)):
        _print_groups(found, cast("Dimension", dimension), names, zh)


def _print_groups(found: Report, dimension: Dimension, names: dict[str, tuple[str, str]], zh: bool) -> None:
    from ivr.report.figures import FIGURES

    groups = found.groups(dimension)
    if not groups:
        return
    kinds = {kind.name: kind for kind in FIGURES}
    columns = COLUMNS[dimension]
    titles = [kinds[name].title("zh" if zh else "en") for name in columns]
    if dimension == "tier":
        titles.append("目标" if zh else "target")
    click.echo()
    table = _table((dimension, *titles))
    for group in groups:
        figures = {figure.kind.name: figure for figure in found.figures(dimension, group)}
        cells = [_shown(figures[name]) for name in columns]
        if dimension == "tier":
            target = found.rules.targets[cast("Any", group)]
            cells.append(f"{target.share:.0%} / {target.within:g} s")
        table.add_row(_group(dimension, group, names, zh), *cells)
    _show(table)


def _group(dimension: str, group: str, names: dict[str, tuple[str, str]], zh: bool) -> str:
    if dimension == "agent" and group in names:
        return f"{group} {names[group][0 if zh else 1]}"
    if group:
        return group
    if dimension == "branch":
        return "总部/无营业部" if zh else "head office, or none"
    return "(未知)" if zh else "(unknown)"


def _shown(figure: Figure) -> str:
    value, unit = figure.value, figure.kind.unit
    if value is None:
        return "–"
    match unit:
        case "share":
            return f"{value:.1%}"
        case "s":
            return f"{value:.1f} s"
        case "h":
            return f"{value:.1f} h"
        case "mark":
            return f"{value:.2f}"
        case _:
            return f"{value:,}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _table(names: tuple[str, ...]) -> Any:
    from rich.table import Table

    table = Table(box=None)
    for place, name in enumerate(names):
        table.add_column(name, justify="right" if place else "left", overflow="fold", no_wrap=not place)
    return table


def _show(table: Any) -> None:
    from rich.console import Console

    # Into a file or a pipe there is no edge to keep to.
    width = None if sys.stdout.isatty() else WIDE
    Console(markup=False, highlight=False, width=width).print(table)
