"""``menu``: a prompt, one key, a way for each key.

Silence and wrong keys are answered and the question is asked again, in one breath, ``tries`` times in all; then the
call goes the way ``on_give_up``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ivr.datafile.fields import KEYS, Fields
from ivr.datafile.source import Table
from ivr.flow.model import Node, Saying, Target, Way
from ivr.flow.nodes.reading import saying, target
from ivr.flow.turn import Turn


@dataclass(frozen=True, kw_only=True)
class Menu(Node):
    """Ask for one key."""

    type = "menu"
    talks = True
    asks = True

    say: Saying
    keys: Mapping[str, Target]
    key_lines: Mapping[str, int]
    tries: int
    seconds: float
    wrong: Saying
    silence: Saying
    on_give_up: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> Menu:
        say = saying(fields, "say")
        element = fields.element("keys")
        lines = dict(element.key_lines) if isinstance(element, Table) else {}
        keys: dict[str, Target] = {}
        for key, to in fields.mapping("keys").items():
            if len(key) == 1 and key in KEYS:
                keys[key] = Target(to)
            else:
                fields.problem("keys", f"{key!r} is not a key.", 'Keys are 0 to 9, "*" and "#".')
        if fields.has("keys") and not keys:
            fields.problem("keys", "a menu needs at least one key.")
        return cls(
            name=name,
            line=fields.table.line,
            say=say,
            keys=keys,
            key_lines=lines,
            tries=fields.number("tries", 3, 1, 9),
            seconds=fields.seconds("timeout", "5s", 0.5, 60),
            wrong=saying(fields, "wrong", ("wrong_key",)),
            silence=saying(fields, "silence", ("no_key",)),
            on_give_up=target(fields, "on_give_up", ""),
        )

    def ways(self) -> Iterable[Way]:
        for key, to in self.keys.items():
            yield Way(key, to, self.key_lines.get(key, self.line), driven=True)
        yield Way("on_give_up", self.on_give_up, self.line)

    def sayings(self) -> Iterable[Saying]:
        return (self.say, self.wrong, self.silence)

    async def run(self, turn: Turn) -> str:
        sayings: tuple[Saying, ...] = (self.say,)
        for _ in range(self.tries):
            key = await turn.press(sayings, keys=self.keys, seconds=self.seconds)
            if key in self.keys:
                return key
            sayings = (self.wrong if key else self.silence, self.say)
        return "on_give_up"
