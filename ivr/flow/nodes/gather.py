"""``gather``: a prompt and some digits, saved under a name.

``digits: {min: 6, max: 6, end: "#", cancel: "*"}``. Too few, too many or keys that are no digits are answered with
``wrong``, silence with ``silence``; after ``tries`` the call goes the way ``on_give_up``. ``secret: yes`` keeps the
digits out of every log, trace and checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.call import MOST_DIGITS
from ivr.datafile.fields import KEYS, Fields
from ivr.flow.model import Node, Saying, Target, Way
from ivr.flow.nodes.reading import saying, target
from ivr.flow.turn import Turn
from ivr.speech.values import Code


@dataclass(frozen=True, kw_only=True)
class Gather(Node):
    """Ask for digits."""

    type = "gather"
    talks = True
    asks = True

    say: Saying
    least: int
    most: int
    end: str
    cancel: str
    save: str
    secret: bool
    tries: int
    seconds: float
    wrong: Saying
    silence: Saying
    next: Target
    on_cancel: Target | None
    on_give_up: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> Gather:
        least, most, end, cancel = _digits(fields)
        if cancel and not fields.has("on_cancel"):
            fields.problem("digits", "a cancel key needs a way.", "Add a line `on_cancel: …`.")
        if fields.has("on_cancel") and not cancel:
            fields.problem("on_cancel", "no key leads here.", 'Add `cancel: "*"` to digits.')
        return cls(
            name=name,
            line=fields.table.line,
            say=saying(fields, "say"),
            least=least,
            most=most,
            end=end,
            cancel=cancel,
            save=fields.name("save"),
            secret=fields.flag("secret"),
            tries=fields.number("tries", 3, 1, 9),
            seconds=fields.seconds("timeout", "5s", 0.5, 60),
            wrong=saying(fields, "wrong"),
            silence=saying(fields, "silence", ("no_key",)),
            next=target(fields, "next"),
            on_cancel=target(fields, "on_cancel") if fields.has("on_cancel") else None,
            on_give_up=target(fields, "on_give_up", ""),
        )

    def ways(self) -> Iterable[Way]:
        yield Way("next", self.next, self.line, driven=True, saves={self.save: Code.kind})
        if self.on_cancel:
            yield Way("on_cancel", self.on_cancel, self.line, driven=True)
        yield Way("on_give_up", self.on_give_up, self.line)

    def sayings(self) -> Iterable[Saying]:
        return (self.say, self.wrong, self.silence)

    async def run(self, turn: Turn) -> str:
        sayings: tuple[Saying, ...] = (self.say,)
        for _ in range(self.tries):
            gathered = await turn.gather(
                sayings, most=self.most, end=self.end, cancel=self.cancel, seconds=self.seconds, secret=self.secret
            )
            if gathered.ended == "cancel_key":
                return "on_cancel"
            digits = gathered.digits
            if gathered.ended != "too_many" and digits.isdecimal() and self.least <= len(digits) <= self.most:
                turn.save({self.save: Code(digits)})
                return "next"
            nothing = gathered.ended == "silence" and not digits
            sayings = (self.silence if nothing else self.wrong, self.say)
        return "on_give_up"


def _digits(fields: Fields) -> tuple[int, int, str, str]:
    inner = fields.inner("digits")
    if inner is None:
        if not fields.has("digits"):
            fields.problem("digits", "digits is missing.", "Add `digits: {min: 6, max: 6}`.")
        return 1, 1, "#", ""
    most = inner.number("max", None, 1, MOST_DIGITS)
    least = inner.number("min", most, 1, most)
    end = inner.text("end", "#")
    cancel = inner.text("cancel", "")
    if end not in ("", "#"):
        inner.problem("end", f"end cannot be {end!r}.", 'Asterisk ends an entry with "#" only; "" for no end key.')
    if cancel and (len(cancel) != 1 or cancel not in KEYS or cancel == end):
        inner.problem("cancel", f"cancel cannot be {cancel!r}.", 'Usually "*".')
    inner.done()
    return least, most, end, cancel
