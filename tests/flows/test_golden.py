"""The tests beside the flows, one pytest case each: what ``ivr check --test`` runs too."""

from __future__ import annotations

import asyncio

import pytest

from ivr.config import CHECKOUT
from ivr.flow.library import read_all
from ivr.flow.model import FlowSet
from ivr.golden import GoldenTest, nodes_visited, read_tests, run_test, test_files
from ivr.services.offline import A_TRADING_MORNING, OfflineHouse
from ivr.speech.catalogue import Catalogue

DIALPLANS = CHECKOUT / "dialplans"
READ = [read_tests(path) for path in test_files(DIALPLANS)]
TESTS = [test for tests, _ in READ for test in tests]


@pytest.fixture(scope="module")
def prompts() -> Catalogue:
    return Catalogue.load(CHECKOUT / "prompts")


@pytest.fixture(scope="module")
def house() -> OfflineHouse:
    return asyncio.run(OfflineHouse.build(lambda: A_TRADING_MORNING))


@pytest.fixture(scope="module")
def flows(prompts: Catalogue, house: OfflineHouse) -> FlowSet:
    flows, problems, _ = read_all(DIALPLANS, prompts, asyncio.run(house.services()))
    assert not problems, "\n".join(str(problem) for problem in problems)
    return flows


def test_the_tests_can_be_read() -> None:
    problems = [str(problem) for _, found in READ for problem in found]
    assert not problems, "\n".join(problems)
    assert len(TESTS) > 20


async def test_every_node_of_every_flow_is_visited_by_some_test(
    flows: FlowSet, prompts: Catalogue, house: OfflineHouse
) -> None:
    visited: set[str] = set()
    for test in TESTS:
        visited |= nodes_visited(await run_test(test, flows, prompts, await house.services()))
    nodes = {f"{flow.name}/{node}" for flow in flows.flows.values() for node in flow.nodes}
    assert sorted(nodes - visited) == [], "no test beside the flows comes here"


@pytest.mark.parametrize("test", TESTS, ids=[f"{test.flow}: {test.name}" for test in TESTS])
async def test_golden(test: GoldenTest, flows: FlowSet, prompts: Catalogue, house: OfflineHouse) -> None:
    await run_test(test, flows, prompts, await house.services())
