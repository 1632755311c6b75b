"""One agent's desk, as it goes: cards come, lines are typed, until the agent leaves.

Whatever the agent sent is tried until the controller has it; a controller that is restarted meanwhile is waited for.
Nothing here touches the terminal's modes, so nothing is left behind whatever ends it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from ivr.desk_terminal import screen
from ivr.desk_terminal.conversation import ACTS, Ask, Conversation, Leave, Tell
from ivr.desk_terminal.words import Words

POLL_SECONDS: Final = 10.0  # until a question for news is answered without any
AGAIN_SECONDS: Final = 0.5  # between two tries while the controller is away

Json = dict[str, Any]


class ControllerAway(Exception):
    """The controller does not answer."""


class DeskRefused(Exception):
    """It does not do what was asked."""

    def __init__(self, error: str, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.error = error
        self.message = message
        self.remedy = remedy


class PassOver(Exception):
    """The agent has to log in anew."""


class AskDesk(Protocol):
    """Ask the desk over HTTP. Raises ControllerAway, DeskRefused, PassOver."""

    def __call__(self, act: str, body: Mapping[str, Any], /) -> Awaitable[Json]: ...


class Shows(Protocol):
    """Where it is shown: people's words, or one JSON line for each thing."""

    def card(self, before: Mapping[str, Any], card: Mapping[str, Any]) -> None: ...

    def tell(self, meaning: Tell, conversation: Conversation) -> None: ...

    def done(self, act: str, answer: Json, conversation: Conversation) -> None: ...

    def refused(self, refusal: DeskRefused) -> None: ...

    def link(self, up: bool) -> None: ...

    def prompt(self, conversation: Conversation) -> None: ...


class DeskTerminal:
    """Runs one desk. ``lines`` gives what is typed, None at its end."""

    def __init__(
        self, ask: AskDesk, shows: Shows, conversation: Conversation, lines: asyncio.Queue[str | None]
    ) -> None:
        self._ask = ask
        self._shows = shows
        self._conversation = conversation
        self._lines = lines
        self._up = True

    async def run(self) -> None:
        """Until the agent leaves or the input ends. Raises PassOver."""
        following = asyncio.create_task(self._follow(), name="cards")
        typing = asyncio.create_task(self._type(), name="lines")
        try:
            done, _ = await asyncio.wait((following, typing), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (following, typing):
                task.cancel()
            await asyncio.gather(following, typing, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            stamp = str(self._conversation.card.get("stamp", ""))
            try:
                card = await self._ask("card", {"stamp": stamp, "seconds": POLL_SECONDS})
            except (ControllerAway, DeskRefused) as error:
                self._link(up=isinstance(error, DeskRefused))
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._link(up=True)
            self._take(card)

    def _take(self, card: Json) -> None:
        before = self._conversation.card
        if card == before:
            return
        self._conversation.take(card)
        self._shows.card(before, card)
        self._shows.prompt(self._conversation)

    async def _type(self) -> None:
        self._shows.prompt(self._conversation)
        while (line := await self._lines.get()) is not None:
            meaning = self._meaning(line)
            if isinstance(meaning, Leave):
                return
            if isinstance(meaning, Tell):
                self._shows.tell(meaning, self._conversation)
            else:
                await self._do(meaning)
            self._shows.prompt(self._conversation)

    def _meaning(self, line: str) -> Ask | Tell | Leave:
        return self._conversation.typed(line)

    async def _do(self, asked: Ask) -> None:
        while True:
            try:
                answer = await self._ask(asked.act, asked.body)
            except ControllerAway:
                self._link(up=False)  # an answer or a disposition may be said twice: it is kept once
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            except DeskRefused as refusal:
                self._link(up=True)
                self._conversation.refused(refusal.error)
                self._shows.refused(refusal)
                return
            self._link(up=True)
            self._conversation.done(asked.act)
            self._shows.done(asked.act, answer, self._conversation)
            if "card" in answer:
                self._take(answer["card"])
            return

    def _link(self, up: bool) -> None:
        if up != self._up:
            self._up = up
            self._shows.link(up)


class JsonTerminal(DeskTerminal):
    """The same for machines: each line is ``{"act": "answer", "call": …, …}``."""

    def _meaning(self, line: str) -> Ask | Tell | Leave:
        try:
            body = json.loads(line)
            act = body.pop("act")
        except (ValueError, AttributeError, KeyError, TypeError):
            return Tell('A line must be a JSON object with "act".')
        if act == "leave":
            return Leave()
        return Ask(act, body) if act in ACTS else Tell(f"Acts: {', '.join(sorted(ACTS))}, leave.")


class InWords:
    """Shows cards to people. ``show`` prints one renderable, ``ask`` the prompt, without a new line."""

    def __init__(self, words: Words, show: Callable[[Any], None], ask: Callable[[str], None]) -> None:
        self._words = words
        self._show = show
        self._ask = ask

    def card(self, before: Mapping[str, Any], card: Mapping[str, Any]) -> None:
        """As much of it as is new."""
        self._show(screen.line(""))
        if (before.get("call"), before.get("kind")) != (card["call"], card["kind"]):
            self._show(screen.whole(card, self._words))
            return
        if before.get("state") != card["state"] or before.get("seat") != card["seat"]:
            self._show(screen.state(card, self._words))
        if before.get("script") != card.get("script"):
            self._show(screen.step(card, self._words))

    def tell(self, meaning: Tell, conversation: Conversation) -> None:
        if meaning.text:
            self._show(screen.line(meaning.text))
        if meaning.card and conversation.card:
            self._show(screen.whole(conversation.card, self._words))
        if meaning.dispositions:
            self._show(screen.dispositions(conversation.card, self._words))

    def done(self, act: str, answer: Json, conversation: Conversation) -> None:
        if act != "settle":
            return
        listed = conversation.card.get("dispositions") or []
        found: Mapping[str, str] = next((one["words"] for one in listed if one["id"] == answer["disposition"]), {})
        words = found.get(self._words.language) or answer["disposition"]
        at = self._words.at.format(at=screen.when(answer["at"])) if answer["at"] else ""
        self._show(screen.line(self._words.settled.format(words=words, at=at), "bold green"))

    def refused(self, refusal: DeskRefused) -> None:
        known = self._words.faults.get(refusal.error, "")
        said = known.format(message=str(refusal)) if known else self._words.not_kept.format(message=str(refusal))
        self._show(screen.line(said, "bold red"))

    def link(self, up: bool) -> None:
        self._show(screen.line(self._words.back if up else self._words.away, "green" if up else "bold red"))

    def prompt(self, conversation: Conversation) -> None:
        self._ask(conversation.prompt)


class InJson:
    """One JSON line for each thing that happens."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def card(self, before: Mapping[str, Any], card: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._line("card", {"card": card})

    def tell(self, meaning: Tell, conversation: Conversation) -> None:  # noqa: ARG002
        if meaning.text:
            self._line("told", {"text": meaning.text})

    def done(self, act: str, answer: Json, conversation: Conversation) -> None:  # noqa: ARG002
        self._line("done", {"act": act, **{key: value for key, value in answer.items() if key != "card"}})

    def refused(self, refusal: DeskRefused) -> None:
        told = {"error": refusal.error, "message": refusal.message, "remedy": refusal.remedy}
        self._line("refused", told)

    def link(self, up: bool) -> None:
        self._line("controller", {"up": up})

    def prompt(self, conversation: Conversation) -> None:
        pass

    def _line(self, kind: str, data: Mapping[str, Any]) -> None:
        self._show(json.dumps({"kind": kind, **data}, ensure_ascii=False))
