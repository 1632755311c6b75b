"""Reading lines from a text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest
from lines_of_a_file import GOOD, Read

from ivr.datafile.problem import Problem
from ivr.lines.load import read_text
from ivr.lines.model import LinePlan


@pytest.fixture
def read() -> Read:
    """Read lines from a text; ``files`` stand beside it."""

    def run(text: str, files: Mapping[str, str] | None = None) -> tuple[LinePlan | None, list[Problem]]:
        def beside(name: str) -> str:
            if name not in (files or {}):
                raise FileNotFoundError(2, "No such file or directory")
            return (files or {})[name]

        return read_text(textwrap.dedent(text), "dialplans/lines.yaml", beside)

    return run


@pytest.fixture
def plan(read: Read) -> LinePlan:
    found, problems = read(GOOD)
    assert found is not None, problems
    return found
