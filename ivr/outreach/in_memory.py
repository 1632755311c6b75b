"""Attempts that live in memory, for flows tried out and tested without a campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ivr.outreach.matter import Matter
from outbound.dispositions import NUMBER_REFUSES


class NoOutreach:
    """No call is one of a campaign (``ivr.outreach.matter.Outreach``)."""

    async def matter(self, call_id: str) -> Matter | None:  # noqa: ARG002
        return None

    async def settle(self, call_id: str, disposition: str) -> None:
        pass

    async def refuse(self, call_id: str) -> None:
        pass

    async def answers(self, call_id: str) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    async def answer(self, call_id: str, step: str, answer: str) -> None:
        pass


class OutreachInMemory:
    """Every call is about the same matter (``ivr.outreach.matter.Outreach``), made when it is first asked for."""

    def __init__(self, matter: Callable[[], Matter]) -> None:
        self._make = matter
        self._matter: Matter | None = None
        self.settled: list[str] = []
        self.given: dict[str, str] = {}

    async def matter(self, call_id: str) -> Matter | None:  # noqa: ARG002 - all calls are alike here
        self._matter = self._matter or self._make()
        return self._matter

    async def settle(self, call_id: str, disposition: str) -> None:  # noqa: ARG002
        self.settled.append(disposition)

    async def refuse(self, call_id: str) -> None:
        await self.settle(call_id, NUMBER_REFUSES)

    async def answers(self, call_id: str) -> Mapping[str, str]:  # noqa: ARG002
        return dict(self.given)

    async def answer(self, call_id: str, step: str, answer: str) -> None:  # noqa: ARG002
        self.given[step] = answer
