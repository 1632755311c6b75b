"""The port to whoever supplies quotes. A brokerage puts its licensed feed behind this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from db.instruments import Instrument
from ivr.services.quotes.model import Quote


class QuoteProvider(Protocol):
    """A supplier of quotes."""

    @property
    def name(self) -> str:
        """For logs and metrics."""
        ...

    @property
    def demonstration(self) -> bool:
        """The quotes are made up: callers must be told."""
        ...

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:
        """The latest quotes of these instruments, leaving out those it knows nothing of.

        The very same ``Quote`` object as before says that nothing has changed. May raise anything: the board keeps its
        last good quotes and tries again.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
