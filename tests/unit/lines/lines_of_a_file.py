"""A small brokerage: five numbers, two trunk groups."""

from __future__ import annotations

from collections.abc import Callable

from ivr.datafile.problem import Problem
from ivr.lines.model import LinePlan

GOOD = """\
time_zone: Asia/Shanghai
default: main
calendar:
  holidays: [2026-10-01..2026-10-07]
  make_up_days: [2026-10-10]
hours:
  office: {weekdays: 08:30-17:30, holiday: closed}
  night: {friday: "21:00-03:00"}
trunk_groups:
  city:
    lines: 6
    kept: {trading: 3, gold: 2, platinum: 1}
    leaving_number: 1
  priority: {lines: 2}
lines:
  main: {name: Main, numbers: ["95500", "02195500"], trunks: city, flow: main, tier_flows: {gold: gold}}
  gold: {name: Gold, numbers: "4008", trunks: priority, flow: main, channel: trading, tier: gold}
  branch:
    name: Branch
    numbers: ["010"]
    trunks: city
    flow: main
    channel: registered
    hours: office
    language: en
    when_closed: {say: closed_branch}
    when_scarce: {say: scarce_branch, flow: leave_number}
  night: {name: Night, numbers: ["011"], trunks: priority, flow: main, hours: night, when_closed: {flow: main}}
"""

Read = Callable[..., tuple[LinePlan | None, list[Problem]]]
