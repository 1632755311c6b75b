"""Do the lines fit the flows and prompts that there are? A plan in, problems out."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path

from ivr.datafile.fields import suggest
from ivr.datafile.problem import Problem
from ivr.flow.model import Flow
from ivr.flow.prompts import Prompts
from ivr.lines.hours import HOLIDAY, WEEKDAYS
from ivr.lines.load import FILE_NAME, read_lines
from ivr.lines.model import Line, LinePlan


def checked_lines(
    directory: Path, flows: Mapping[str, Flow], prompts: Prompts
) -> tuple[LinePlan | None, list[Problem]]:
    """The lines of a directory, and every problem with them: of the file, and of what it names."""
    shown = f"{directory.name}/{FILE_NAME}"
    plan, problems, _ = read_lines(directory / FILE_NAME, shown)
    return plan, problems if plan is None else check_lines(plan, shown, flows, prompts)


def check_lines(plan: LinePlan, file: str, flows: Mapping[str, Flow], prompts: Prompts) -> list[Problem]:
    """Every flow and prompt that a line names exists, in the line's language."""
    problems: list[Problem] = []
    for line in plan.lines.values():
        for word, name in _flows_of(line):
            remedy = _flow_fault(name, line.language, flows)
            if remedy:
                problems.append(Problem(file, line.at, f"{line.id}: {word}: {remedy[0]}", remedy[1]))
        for word, prompt in (("when_closed", line.closed_prompt), ("when_scarce", line.scarce_prompt)):
            if not prompts.has(prompt, line.language):
                problems.append(
                    Problem(
                        file,
                        line.at,
                        f"{line.id}: {word}: there is no prompt {prompt!r} in {line.language!r}.",
                        suggest(prompt, prompts.close_to(prompt)),
                    )
                )
            elif prompts.signature(prompt):
                problems.append(
                    Problem(
                        file,
                        line.at,
                        f"{line.id}: {word}: the prompt {prompt!r} wants values, and there are none yet.",
                        "Take one without placeholders.",
                    )
                )
    return sorted(problems)


def calendar_runs_out(plan: LinePlan, today: datetime.date) -> str | None:
    """A warning when lines close on holidays and the calendar knows of none to come; None when all is well."""
    wants = any(
        line.hours.periods.get(HOLIDAY, ()) != line.hours.periods.get(WEEKDAYS[0]) for line in plan.lines.values()
    )
    if not wants or any(day >= today for day in plan.calendar.holidays):
        return None
    last = max(plan.calendar.holidays, default=None)
    return f"The calendar names no holiday after {last or 'its beginning'}: add the coming year's."


def _flows_of(line: Line) -> Iterator[tuple[str, str]]:
    yield "flow", line.flow
    for tier, flow in line.tier_flows.items():
        yield f"tier_flows: {tier}", flow
    if line.closed_flow:
        yield "when_closed: flow", line.closed_flow
    if line.scarce_flow:
        yield "when_scarce: flow", line.scarce_flow


def _flow_fault(name: str, language: str, flows: Mapping[str, Flow]) -> tuple[str, str] | None:
    if name not in flows:
        return f"there is no flow {name!r}.", suggest(name, sorted(flows))
    if flows[name].outbound:
        return f"flow {name!r} is for calls of ours.", "Name a flow without `outbound: yes`."
    if language not in flows[name].languages:
        return f"flow {name!r} does not speak {language!r}.", suggest(language, flows[name].languages)
    return None
