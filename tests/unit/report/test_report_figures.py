"""Figures held against what a made-up day meant, and against themselves in another order."""

from __future__ import annotations

import datetime
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.report_parts.made_day import Day, make
from db.customer import TIERS
from ivr.report.figures import FIGURES
from ivr.report.period import Period
from ivr.report.reckoning import Report
from ivr.report.tally import DIMENSIONS
from tests.unit.report import oracle
from tests.unit.report.without_store import MIDNIGHT, RULES, SHANGHAI, TODAY, reckoned, values

DAYS = st.builds(
    make,
    calls=st.integers(0, 120),
    agents=st.integers(1, 8),
    seed=st.integers(0, 10**9),
    midnight=st.just(MIDNIGHT),
    asked_after=st.sampled_from((10.2 * 3600, 15 * 3600, 24 * 3600, 9 * 24 * 3600)),
)


def everything(report: Report) -> dict[str, dict[str, float | None]]:
    return {
        f"{dimension} {group}": values(report, dimension, group)
        for dimension in report.counts
        for group in report.groups(dimension)
    }


def same(found: dict[str, float | None], meant: dict[str, float | None]) -> None:
    for name, value in meant.items():
        if value is None:
            assert found[name] is None, name
        else:
            # Seconds in the journal are rounded to a tenth, a wait's and a talk's each.
            assert found[name] == pytest.approx(value, abs=0.051 if abs(value) > 1 else 1e-4), name


@given(day=DAYS)
@settings(max_examples=60)
def test_figures_are_what_the_day_meant(day: Day) -> None:
    report = reckoned(day.events, day.changes, day.asked_at, DIMENSIONS)
    same(values(report), oracle.figures(day, TODAY.since, TODAY.until))


@given(day=DAYS)
@settings(max_examples=30)
def test_figures_of_each_tier_and_line_and_hour(day: Day) -> None:
    report = reckoned(day.events, day.changes, day.asked_at, DIMENSIONS)
    for tier in TIERS:
        if tier in report.counts["tier"]:
            meant = oracle.figures(day, TODAY.since, TODAY.until, lambda fact, tier=tier: fact.tier == tier)
            same(values(report, "tier", tier), only(meant, values(report, "tier", tier)))
    for line in report.groups("line"):
        meant = oracle.figures(day, TODAY.since, TODAY.until, lambda fact, line=line: fact.line == line)
        same(values(report, "line", line), only(meant, values(report, "line", line)))
    for agent in report.groups("agent"):
        meant = oracle.figures(day, TODAY.since, TODAY.until, of_agent=lambda one, agent=agent: one == agent)
        found = values(report, "agent", agent)
        same(found, {name: meant[name] for name in ("talks", "aht", "occupancy", "satisfaction", "transfers")})
    for hour in report.groups("hour"):
        since = TODAY.since + datetime.timedelta(hours=int(hour[:2]))
        meant = oracle.figures(day, since, since + datetime.timedelta(hours=1))
        same(values(report, "hour", hour), only(meant, values(report, "hour", hour)))


def only(meant: dict[str, float | None], found: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value for name, value in meant.items() if name in found}


@given(day=DAYS, seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_rows_in_any_order_and_twice_give_the_same(day: Day, seed: int) -> None:
    chance = random.Random(seed)
    events, changes = day.events * 2, day.changes * 2
    chance.shuffle(events)
    chance.shuffle(changes)
    in_order = reckoned(day.events, day.changes, day.asked_at, DIMENSIONS)
    shuffled = reckoned(events, changes, day.asked_at, DIMENSIONS)
    assert everything(shuffled) == everything(in_order)


@given(day=DAYS)
@settings(max_examples=20)
def test_groups_add_up_to_all(day: Day) -> None:
    report = reckoned(day.events, day.changes, day.asked_at, DIMENSIONS)
    whole = values(report)
    for dimension, names in {
        "line": ("calls", "offered", "answered", "abandoned", "talks", "offers"),
        "tier": ("offered", "answered", "talks"),
        "branch": ("offered", "answered", "talks"),
        "agent": ("talks", "offers", "time_at_work"),
        "hour": ("calls", "offered", "talks", "time_at_work", "time_paused"),
        "day": ("calls", "offered", "talks", "time_at_work"),
    }.items():
        for name in names:
            parts = sum(values(report, dimension, group)[name] or 0 for group in report.groups(dimension))  # type: ignore[arg-type]
            assert parts == pytest.approx(whole[name] or 0), (dimension, name)


def test_two_days_are_the_sum_of_their_days() -> None:
    first = make(150, 6, 1, MIDNIGHT, asked_after=30 * 24 * 3600)
    second = make(150, 6, 2, MIDNIGHT + datetime.timedelta(days=1), asked_after=29 * 24 * 3600)
    days = [TODAY.first, TODAY.first + datetime.timedelta(days=1)]
    events = first.events + second.events
    both = reckoned(events, [], first.asked_at, ("day",), Period(days[0], days[1], SHANGHAI))
    assert both.groups("day") == ["2026-11-20", "2026-11-21"]
    for day in days:
        alone = values(reckoned(events, [], first.asked_at, (), Period(day, day, SHANGHAI)))
        within = values(both, "day", day.isoformat())
        assert {name: alone[name] for name in within} == within


def test_every_figure_has_its_numbers_and_says_its_formula() -> None:
    day = make(400, 6, 3, MIDNIGHT, asked_after=12 * 24 * 3600)
    report = reckoned(day.events, day.changes, day.asked_at, DIMENSIONS)
    for figure in report.figures("all", "all"):
        told = figure.told(RULES)
        assert all(told["title"].values())
        assert all(told["formula"].values())
        assert not any("{" in text for text in told["formula"].values())
        assert told["value"] is not None, told["name"]
        if figure.kind.unit in ("share", "mark") or figure.kind.name in ("asa", "aht", "talk_time", "wrap_up_time"):
            assert told["denominator"]
            assert told["value"] == pytest.approx(told["numerator"] / told["denominator"])


def test_a_figure_over_nothing_has_no_value() -> None:
    report = reckoned([], [], TODAY.until)
    found = values(report) if report.groups("all") else {}
    assert all(found.get(kind.name) in (None, 0) for kind in FIGURES)
    assert found.get("service_level") is None


def test_names_are_used_once() -> None:
    assert len({kind.name for kind in FIGURES}) == len(FIGURES)
