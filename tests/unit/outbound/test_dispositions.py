"""What may come of a talk, as the brokerage writes it down."""

from __future__ import annotations

import datetime

import pytest

from outbound import dispositions
from outbound.dispositions import BUILT_IN, DISPOSITIONS_FILE, of_agents

TEXT = DISPOSITIONS_FILE.read_text("utf-8")


def test_our_own_file_is_right() -> None:
    found = dispositions.read()
    assert set(BUILT_IN) <= set(found)
    assert found["wrong_person"].number == "wrong_person"
    assert found["call_back"].appointment == "must"
    assert found["no_time"].after == datetime.timedelta(hours=4)
    assert found["no_more_calls"].do_not_call == "customer"
    assert found["completed"].complete


def test_an_agent_sets_none_that_is_for_automatic_calls() -> None:
    offered = [one.id for one in of_agents(dispositions.read())]
    assert "heard_only" not in offered
    assert offered[0] == "completed"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("completed:\n", "complete:\n", "completed is missing"),
        ("  target: refused\n  number: good\n", "  target: refuse\n  number: good\n", "Did you mean 'refused'?"),
        ("  appointment: must\n", "", "nothing says when the next try is"),
        ("  target: by_hand\n  number: good\n", "  target: by_hand\n  after: 5m\n", "nobody is called again"),
        ("  after: 30m\n", "  after: 30m\n  do_not_call: number\n", "cannot be tried again"),
        ("  en: bad line\n", "  en: hung up at once\n", "reads as that of hung_up"),
        ("  en: bad line\n", "", "en is missing"),
        ("bad_line:\n", "Bad Line:\n", "is no name"),
    ],
)
def test_a_fault_is_named_with_its_remedy(old: str, new: str, says: str) -> None:
    assert old in TEXT
    _, problems = dispositions.load(TEXT.replace(old, new, 1), "dispositions.yaml")
    assert any(says in str(problem) for problem in problems), [str(one) for one in problems]
