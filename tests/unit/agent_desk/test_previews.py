"""An agent accepts or skips the customer who was read, and nobody else."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ivr.agent_desk.ports import NoPreview
from ivr.agent_desk.previews import SKIPPED_FOR, DialingPreviews
from ivr.dialing.agent_first import NothingToAccept

NOW = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)


class First:
    """What is shown (``ivr.dialing.agent_first.AgentFirst``)."""

    def __init__(self, call: str) -> None:
        self.call = call
        self.done: list[Any] = []
        self.too_late = False

    def shown_to(self, agent: str) -> Any:
        return SimpleNamespace(call=self.call) if self.call and agent == "803" else None

    async def accept(self, agent: str) -> None:
        if self.too_late:
            raise NothingToAccept(agent)
        self.done.append("accepted")

    async def skip(self, agent: str, until: datetime.datetime) -> None:
        if self.too_late:
            raise NothingToAccept(agent)
        self.done.append(until)


def previews(first: First) -> DialingPreviews:
    return DialingPreviews(first, lambda: NOW)  # type: ignore[arg-type]


async def test_who_was_read_is_dialled_or_left_to_somebody_else() -> None:
    first = First("attempt-7")
    await previews(first).accept("803", "attempt-7")
    await previews(first).skip("803", "attempt-7")
    assert first.done == ["accepted", NOW + SKIPPED_FOR]


@pytest.mark.parametrize(("agent", "call"), [("803", "attempt-6"), ("804", "attempt-7"), ("803", "")])
async def test_somebody_else_is_not(agent: str, call: str) -> None:
    first = First("attempt-7")
    with pytest.raises(NoPreview):
        await previews(first).accept(agent, call)
    with pytest.raises(NoPreview):
        await previews(first).skip(agent, call)
    assert first.done == []


async def test_who_was_taken_back_meanwhile_is_not() -> None:
    first = First("attempt-7")
    first.too_late = True
    for act in (previews(first).accept, previews(first).skip):
        with pytest.raises(NoPreview):
            await act("803", "attempt-7")
