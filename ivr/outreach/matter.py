"""What a call of a campaign is about: the port between its flow and whoever keeps attempts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from outbound.script import Script, Words

ENDING_DIGITS = 4  # of the account number: what the customer knows, and opens nothing


@dataclass(frozen=True, slots=True)
class Matter:
    """One attempt, as its flow needs it. ``values`` hold those of the script and the built-in ones.

    ``survey``: the customer is asked for a mark after a talk with an agent.
    """

    script: Script
    name: Words
    account: str
    values: Mapping[str, Any] = field(default_factory=dict)
    survey: bool = False

    @property
    def ending(self) -> str:
        """The last digits of the account number; empty when there is none that could be asked for."""
        digits = self.account[-ENDING_DIGITS:]
        return digits if len(digits) == ENDING_DIGITS and digits.isascii() and digits.isdigit() else ""


@dataclass(frozen=True, slots=True)
class CampaignTalk:
    """What a campaign says: its script, and whether a mark is asked for after a talk with an agent."""

    title: Words
    script: Script
    survey: bool = False


class CampaignTalks(Protocol):
    """Whoever knows the campaigns."""

    def __call__(self, campaign: str, /) -> CampaignTalk | None:
        """What this campaign says; None: nobody knows."""


class Outreach(Protocol):
    """Whoever keeps the attempts (``ivr.dialing``), by the call's id. Every method may raise StoreError."""

    async def matter(self, call_id: str) -> Matter | None:
        """What this call is about; None: it is no call of a campaign."""

    async def settle(self, call_id: str, disposition: str) -> None:
        """What has come of the call so far. The latest one holds when it ends."""

    async def refuse(self, call_id: str) -> None:
        """Whoever answered wants no more calls: the number is called no more, by nobody; nor any number of the
        customer's, if it was the customer who said so."""

    async def answers(self, call_id: str) -> Mapping[str, str]:
        """What was answered in this call, by step."""

    async def answer(self, call_id: str, step: str, answer: str) -> None:
        """Keep one answer, in the form of ``outbound.answer``, before the next question is asked."""
