"""``queue``: the caller waits for a person, is told the place and the wait now and then, and comes back after the talk.

    orders:
      type: queue
      say: queue_welcome          # said once, on the way in
      reason: reason_orders       # said to whoever answers: a prompt without values
      requires: {orders: 3}       # skills and their least level: never relaxed
      wishes: {analyst: 2}        # the best fit first; relaxed ring by ring
      recorded: recording_notice  # said on the way in, after which the talk is recorded; left out: it is not
      refuse: "9"                 # the key by which the caller forbids that; customers who never want it are not told
      every: 45s                  # between two announcements
      tips: [queue_tip_quotes]    # said in turn, between position and music
      keys: {"1": leave_number, "*": menu}
      talked: survey              # after the talk
      on_nobody: nobody           # nobody at work could answer
      longest: 30m
      on_longest: leave_number

``quiet: yes`` is for calls of ours: whoever answers one hears a person at once, or the flow goes on. Nothing is said
and nothing plays, and ``longest`` may be short. ``recorded: by_agent``: the agent tells that the talk is recorded.

What is said of place and wait are the prompts ``queue_position`` and ``queue_wait``, in the caller's language.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from db.agent import LEVELS
from db.recording import Consent
from ivr.agi.errors import CallerHungUp
from ivr.datafile.fields import KEYS, Fields
from ivr.flow.model import Node, Saying, Target, Way
from ivr.flow.nodes.reading import keyed, saying, target
from ivr.flow.turn import Turn
from ivr.flow.waiting import Wish

REFUSE_SECONDS: Final = 2.0  # after the notice of the recording: time for a key, and no longer, for people wait here
RECORD_SECONDS: Final = 0.2  # for whether the customer of a quiet node may be recorded; without an answer: no
LEAST_MUSIC: Final = 1.0
LEAST_QUIET: Final = 0.02  # seconds: less than one packet of sound is no wait
BY_AGENT: Final = "by_agent"  # in place of a prompt: the agent says that the talk is recorded
SPOKEN: Final = ("say", "tips", "every", "keys", "refuse")  # words of a node that is not quiet


@dataclass(frozen=True, kw_only=True)
class Queue(Node):
    """Wait for a person."""

    type = "queue"
    talks = True

    quiet: bool
    say: Saying | None
    reason: str
    requires: Mapping[str, int]
    wishes: Mapping[str, int]
    recorded: Saying | None
    told_by_agent: bool
    refuse: str
    every: float
    tips: tuple[Saying, ...]
    keys: Mapping[str, Target]
    talked: Target
    on_nobody: Target
    longest: float
    on_longest: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> Queue:
        quiet = fields.flag("quiet")
        for word in SPOKEN if quiet else ():
            if fields.has(word):
                fields.problem(word, f"{word}: the node is quiet.", f"Take out `{word}:` or `quiet: yes`.")
        told_by_agent = fields.has("recorded") and fields.words("recorded") == (BY_AGENT,)
        if quiet and fields.has("recorded") and not told_by_agent:
            fields.problem("recorded", "recorded: the node is quiet.", f"Write `recorded: {BY_AGENT}`, or nothing.")
        keys = keyed(fields)
        refuse = fields.text("refuse", "")
        if refuse and not fields.has("recorded"):
            fields.problem("refuse", "nothing is recorded, so there is nothing to refuse.", "Say `recorded: prompt`.")
        if refuse and (len(refuse) != 1 or refuse not in KEYS or refuse in keys):
            fields.problem("refuse", f"{refuse!r} is no key, or has another meaning here.")
        return cls(
            name=name,
            line=fields.table.line,
            quiet=quiet,
            say=None if quiet else saying(fields, "say"),
            reason=fields.name("reason", ""),
            requires=_levels(fields, "requires"),
            wishes=_levels(fields, "wishes"),
            recorded=saying(fields, "recorded") if fields.has("recorded") and not told_by_agent else None,
            told_by_agent=told_by_agent,
            refuse=refuse,
            every=fields.seconds("every", "45s", 5, 600),
            tips=tuple(Saying((tip,), fields.line("tips")) for tip in fields.words("tips", ())),
            keys=keys,
            talked=target(fields, "talked"),
            on_nobody=target(fields, "on_nobody"),
            longest=fields.seconds("longest", "1800ms", 0.5, 60)
            if quiet
            else fields.seconds("longest", "30m", 10, 7200),
            on_longest=target(fields, "on_longest"),
        )

    def ways(self) -> Iterable[Way]:
        for key, to in self.keys.items():
            yield Way(key, to, self.line, driven=True)
        yield Way("talked", self.talked, self.line, driven=True)
        yield Way("on_nobody", self.on_nobody, self.line)
        yield Way("on_longest", self.on_longest, self.line)

    def sayings(self) -> Iterable[Saying]:
        if self.say:
            yield self.say
        if self.recorded:
            yield self.recorded
        if self.reason:
            yield Saying((self.reason,), self.line)
        yield from self.tips

    async def run(self, turn: Turn) -> str:
        call, room = turn.call, turn.waiting
        back = call.returned
        carried = await call.carried_place()
        consent = None if carried else await self._consent(turn)
        place = await room.place(turn.caller, Wish(self.reason, self.requires, self.wishes, consent), carried)
        await call.keep_place(place)
        match await room.enter(call.id, place, back):
            case "talked":
                await call.keep_place("")
                return "talked"
            case "nobody":
                await call.keep_place("")
                return "on_nobody"
        try:
            way = await (self._wait_quietly(turn) if self.quiet else self._wait(turn, greet=not carried))
        except CallerHungUp:
            room.leave(call.id, "abandoned")  # or a seat has taken the call, and this does nothing
            raise
        await call.keep_place("")
        return way

    async def _consent(self, turn: Turn) -> Consent | None:
        if self.told_by_agent:
            try:
                async with asyncio.timeout(RECORD_SECONDS):  # somebody who answered us waits, and hears nothing
                    return "announced" if await turn.waiting.may_record(turn.caller) else None
            except TimeoutError:
                return None
        if self.recorded is None or not await turn.waiting.may_record(turn.caller):
            return None
        if not self.refuse:
            await turn.play(self.recorded)
            return "announced"
        key = await turn.press((self.recorded,), keys=(self.refuse,), seconds=REFUSE_SECONDS)
        return "refused" if key == self.refuse else "announced"

    async def _wait_quietly(self, turn: Turn) -> str:
        call, room = turn.call, turn.waiting
        while True:
            rest = self.longest - room.waited(call.id)
            if rest <= 0 and room.leave(call.id, "limit"):
                return "on_longest"
            if not room.can_be_answered(call.id) and room.leave(call.id, "nobody"):
                return "on_nobody"
            await call.wait_quietly(max(rest, LEAST_QUIET))

    async def _wait(self, turn: Turn, greet: bool) -> str:
        call, room = turn.call, turn.waiting
        if greet and self.say:
            await turn.play(self.say)
        told = 0.0 if greet else time.monotonic()  # who comes back from a seat is not told everything anew
        tips = 0
        while True:
            now = time.monotonic()
            if room.waited(call.id) >= self.longest and room.leave(call.id, "limit"):
                return "on_longest"
            if not room.can_be_answered(call.id) and room.leave(call.id, "nobody"):
                return "on_nobody"
            if now - told >= self.every:
                told = now
                tip = self.tips[tips % len(self.tips)] if self.tips and tips else None
                await turn.announce(room.ahead(call.id), tip)
                tips += 1
            rest = min(told + self.every - time.monotonic(), self.longest - room.waited(call.id))
            key = await call.wait_in_music(turn.music, max(rest, LEAST_MUSIC))
            if key in self.keys and room.leave(call.id, "key"):
                turn.note("keyed", keys=key)
                return key


def _levels(fields: Fields, name: str) -> dict[str, int]:
    found = {}
    for skill, level in fields.mapping(name, {}).items():
        if level.isascii() and level.isdigit() and int(level) in LEVELS:
            found[skill] = int(level)
        else:
            fields.problem(name, f"{skill}: a level is a figure from 1 to 5, not {level!r}.")
    return found
