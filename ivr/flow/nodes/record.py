"""``record``: a prompt, a beep, and the caller's own words, kept as a recording.

``into`` names the value that holds the recording's name, which a service has given before (``tickets.open``): so the
ticket is there, and knows where its words are, even when the caller hangs up while speaking. Ends at ``#``, after
``silence``, or at the latest after ``most``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.datafile.fields import Fields
from ivr.flow.errors import FlowBroken
from ivr.flow.model import Node, Saying, Target, Way
from ivr.flow.nodes.reading import saying, target
from ivr.flow.turn import Turn
from ivr.speech.values import Code


@dataclass(frozen=True, kw_only=True)
class Record(Node):
    """Ask for words."""

    type = "record"
    talks = True

    say: Saying
    into: str
    most: float
    silence: float
    least: float
    next: Target
    on_nothing: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> Record:
        return cls(
            name=name,
            line=fields.table.line,
            say=saying(fields, "say"),
            into=fields.name("into"),
            most=fields.seconds("most", "120s", 5, 600),
            silence=fields.seconds("silence", "4s", 1, 30),
            least=fields.seconds("least", "1s", 0, 10),
            next=target(fields, "next"),
            on_nothing=target(fields, "on_nothing"),
        )

    def ways(self) -> Iterable[Way]:
        yield Way("next", self.next, self.line, driven=True)
        yield Way("on_nothing", self.on_nothing, self.line)

    def sayings(self) -> Iterable[Saying]:
        return (self.say,)

    async def run(self, turn: Turn) -> str:
        name = turn.values[self.into]
        if not isinstance(name, Code):
            raise FlowBroken(f"{turn.path}: {self.into} names no recording.", remedy="Have a service give it.")
        # The silence that ends a recording is cut off it (res_agi.c, handle_recordfile).
        recorded = await turn.dictate(self.say, name, most=self.most, silence=self.silence)
        return "next" if recorded.seconds >= self.least else "on_nothing"
