"""``say``: one or more prompts in one breath, then on.

``barge_in: any`` (default) lets a key cut it short and skips it for a caller who has typed ahead; ``pressed`` always
begins it; ``none`` says it to the end. Keys are never lost: the next menu or gather gets them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.datafile.fields import Fields
from ivr.flow.model import Node, Saying, Target, Way
from ivr.flow.nodes.reading import saying, target
from ivr.flow.turn import Turn

BARGE_IN = ("any", "pressed", "none")


@dataclass(frozen=True, kw_only=True)
class Say(Node):
    """Say something."""

    type = "say"
    talks = True

    say: Saying
    barge_in: str
    next: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> Say:
        return cls(
            name=name,
            line=fields.table.line,
            say=saying(fields, "say"),
            barge_in=fields.one_of("barge_in", BARGE_IN, "any"),
            next=target(fields, "next"),
        )

    def ways(self) -> Iterable[Way]:
        return (Way("next", self.next, self.line),)

    def sayings(self) -> Iterable[Saying]:
        return (self.say,)

    async def run(self, turn: Turn) -> str:
        if self.barge_in == "any" and turn.call.keys_waiting:
            turn.note("skipped", prompts=list(self.say.prompts))
        else:
            await turn.play(self.say, until_end=self.barge_in == "none")
        return "next"
