"""``say``: one or more prompts in one breath, then on.

``barge_in: any`` (default) lets a key cut it short and skips it for a caller who has typed ahead; ``pressed`` always
begins it; ``none`` says it to the end. Keys are never lost: the next menu or gather gets them.

``keys: {"9": refuse}`` are ways that a key opens at any moment; it is then said to the end, and other keys mean
nothing: nobody confirms what was not yet said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ivr.datafile.fields import Fields
from ivr.flow.model import Node, Saying, Target, Way
from ivr.flow.nodes.reading import keyed, saying, target
from ivr.flow.turn import Turn

BARGE_IN = ("any", "pressed", "none")


@dataclass(frozen=True, kw_only=True)
class Say(Node):
    """Say something."""

    type = "say"
    talks = True

    say: Saying
    barge_in: str
    keys: Mapping[str, Target]
    next: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> Say:
        if fields.has("keys") and fields.has("barge_in"):
            fields.problem("barge_in", "with `keys` it is said to the end, but for those.", "Take one of them out.")
        return cls(
            name=name,
            line=fields.table.line,
            say=saying(fields, "say"),
            barge_in=fields.one_of("barge_in", BARGE_IN, "any"),
            keys=keyed(fields),
            next=target(fields, "next"),
        )

    def ways(self) -> Iterable[Way]:
        for key, to in self.keys.items():
            yield Way(key, to, self.line, driven=True)
        yield Way("next", self.next, self.line)

    def sayings(self) -> Iterable[Saying]:
        return (self.say,)

    async def run(self, turn: Turn) -> str:
        if self.keys:
            return await turn.play_unless(self.say, "".join(self.keys)) or "next"
        if self.barge_in == "any" and turn.call.keys_waiting:
            turn.note("skipped", prompts=list(self.say.prompts))
        else:
            await turn.play(self.say, until_end=self.barge_in == "none")
        return "next"
