"""``goto``: on with another node, perhaps in another language.

``to: notices/`` is the start of another flow, ``to: main/menu`` a node of it. Values stay behind: a flow is checked by
itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.datafile.fields import Fields
from ivr.flow.model import Node, Target, Way
from ivr.flow.turn import Turn


@dataclass(frozen=True, kw_only=True)
class Goto(Node):
    """Go on elsewhere."""

    type = "goto"

    to: Target
    language: str

    @classmethod
    def read(cls, name: str, fields: Fields) -> Goto:
        flow, slash, node = fields.text("to").partition("/")
        to = Target(node, flow) if slash else Target(flow)
        return cls(name=name, line=fields.table.line, to=to, language=fields.text("language", ""))

    def ways(self) -> Iterable[Way]:
        return (Way("next", self.to, self.line),)

    async def run(self, turn: Turn) -> str:
        if self.language and self.language != turn.language:
            turn.language = self.language
            turn.note("language", language=self.language)
        return "next"
