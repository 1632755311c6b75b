"""No number that can be dialled leads to a flow for calls of ours."""

from __future__ import annotations

import asyncio

import pytest

from ivr.config import CHECKOUT
from ivr.flow.library import read_all
from ivr.lines.check import check_lines
from ivr.lines.load import read_lines
from ivr.services.offline import offline_services
from ivr.speech.catalogue import Catalogue
from ivr.speech.values import Code

DIALPLANS = CHECKOUT / "dialplans"


@pytest.fixture(scope="module")
def prompts() -> Catalogue:
    return Catalogue.load(CHECKOUT / "prompts")


def test_a_line_with_a_flow_for_calls_of_ours_is_refused(prompts: Catalogue) -> None:
    flows, problems, _ = read_all(DIALPLANS, prompts, asyncio.run(offline_services()))
    assert not problems
    plan, _, _ = read_lines(DIALPLANS / "lines.yaml")
    assert plan is not None
    assert check_lines(plan, "lines.yaml", flows.flows, prompts) == []
    ours = dict(flows.flows) | {"main": flows["revisit"]}
    told = check_lines(plan, "lines.yaml", ours, prompts)
    assert any("is for calls of ours" in str(problem) for problem in told)


def test_the_number_that_is_told_to_whom_we_call_is_a_line_of_ours(prompts: Catalogue) -> None:
    flows, _, _ = read_all(DIALPLANS, prompts, asyncio.run(offline_services()))
    plan, _, _ = read_lines(DIALPLANS / "lines.yaml")
    assert plan is not None
    told = [flow.values["number"] for flow in flows.flows.values() if flow.outbound and "number" in flow.values]
    assert len(told) == 3
    for number in told:
        assert isinstance(number, Code)
        assert number.digits in plan.numbers
