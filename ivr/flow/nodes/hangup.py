"""``hangup``: say goodbye, if there is something to say, and end the call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.datafile.fields import Fields
from ivr.flow.model import Node, Saying, Way
from ivr.flow.nodes.reading import saying
from ivr.flow.turn import Turn


@dataclass(frozen=True, kw_only=True)
class Hangup(Node):
    """End the call."""

    type = "hangup"
    ends = True
    talks = True

    say: Saying | None

    @classmethod
    def read(cls, name: str, fields: Fields) -> Hangup:
        say = saying(fields, "say") if fields.has("say") else None
        return cls(name=name, line=fields.table.line, say=say)

    def ways(self) -> Iterable[Way]:
        return ()

    def sayings(self) -> Iterable[Saying]:
        return (self.say,) if self.say else ()

    async def run(self, turn: Turn) -> str:
        if self.say:
            await turn.play(self.say)
        return ""
