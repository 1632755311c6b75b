"""What a node may use while it runs: the call, the values, the words, the services. One object per call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ivr.call import Call, Gathered
from ivr.flow.checkpoint import encoded_values, text_of
from ivr.flow.model import Flow, FlowSet, Saying, Way
from ivr.flow.prompts import Prompts
from ivr.flow.service import Caller, Result, Service
from ivr.flow.trace import HIDDEN, Record, shown
from ivr.speech.utterance import Utterance
from ivr.speech.values import Value


class Turn:
    """One call's way through the flows."""

    def __init__(
        self, call: Call, flow: Flow, language: str, prompts: Prompts, services: Mapping[str, Service], record: Record
    ) -> None:
        self.call = call
        self.flow = flow
        self.node = flow.start
        self.language = language
        self.values: dict[str, Value] = dict(flow.values)
        self._encoded: str | None = None  # the values as a checkpoint carries them, until one is saved
        self._record = record
        self._prompts = prompts
        self._services = services

    @property
    def path(self) -> str:
        """Where the call is: ``flow/node``."""
        return f"{self.flow.name}/{self.node}"

    def note(self, kind: str, **data: Any) -> None:
        """Write a step of the trace at this node."""
        self._record(kind, {"path": self.path, **data})

    def take(self, way: Way, flows: FlowSet) -> None:
        """Go on to where a way leads, and write that down. Values stay behind when it leads to another flow."""
        data: dict[str, Any] = {"path": f"{self.path}/{way.label}"}
        changed = {name: self.shown(name) for name in way.saves if name in self.values}
        if way.target.flow:
            self.flow = flows[way.target.flow]
            self.node = way.target.node or self.flow.start
            self.values = {}
            self.save(self.flow.values)
        else:
            self.node = way.target.node
        data["to"] = self.path
        if changed:
            data["changed"] = changed
        self._record("step", data)

    def save(self, values: Mapping[str, Value]) -> None:
        """Keep values for the nodes that follow."""
        self.values.update(values)
        self._encoded = None

    @property
    def mark(self) -> str:
        """The checkpoint: where the call is, and its values but for the secret ones."""
        if self._encoded is None:
            secrets = self.flow.secrets
            self._encoded = encoded_values({name: value for name, value in self.values.items() if name not in secrets})
        return text_of(self.flow.name, self.node, self.language, self._encoded)

    def shown(self, name: str) -> Any:
        """A value as it may be written down."""
        return HIDDEN if name in self.flow.secrets else shown(self.values[name])

    async def play(self, saying: Saying, *, until_end: bool = False) -> None:
        """Say it; a key cuts it short."""
        utterance = self._utterance((saying,))
        self._note_said(utterance)
        played = await self.call.play(utterance, until_end=until_end)
        if played.key:
            self.note("cut_short", seconds=round(played.seconds, 1))

    async def press(self, sayings: tuple[Saying, ...], *, seconds: float) -> str:
        """Ask for one key."""
        utterance = self._utterance(sayings)
        if not self.call.keys_waiting:
            self._note_said(utterance, wants="key")
        key = await self.call.press(utterance, seconds=seconds)
        self.note("keyed", keys=key)
        return key

    async def gather(
        self, sayings: tuple[Saying, ...], *, most: int, end: str, cancel: str, seconds: float, secret: bool
    ) -> Gathered:
        """Ask for digits."""
        utterance = self._utterance(sayings)
        if not self.call.keys_waiting:
            self._note_said(utterance, wants="digits")
        gathered = await self.call.gather(utterance, most=most, end=end, cancel=cancel, seconds=seconds)
        self.call.hurried = False  # the entry is complete, and what follows is an answer
        keys = HIDDEN if secret and gathered.digits else gathered.digits
        self.note("keyed", keys=keys, ended=gathered.ended)
        return gathered

    async def ask(self, name: str, inputs: Mapping[str, str]) -> Result:
        """Have a service do its work within its deadline; its errors are the caller of this method's business."""
        service = self._services[name]
        caller = Caller(self.call.id, self.call.caller, self.call.line, self.language)
        began = time.monotonic()
        result = await service.within_deadline(caller, {key: self.values[value] for key, value in inputs.items()})
        self.save(result.values)
        self.note(
            "service",
            name=name,
            exit=result.exit,
            ms=round((time.monotonic() - began) * 1000, 1),
        )
        return result

    def _note_said(self, utterance: Utterance, **more: str) -> None:
        self.note("said", prompts=list(utterance.prompts), language=utterance.language, text=utterance.text, **more)

    def _utterance(self, sayings: tuple[Saying, ...]) -> Utterance:
        if len(sayings) == 1 and len(sayings[0].prompts) == 1 and not sayings[0].bind:
            return self._prompts.say(sayings[0].prompts[0], self.language, self.values)
        whole: Utterance | None = None
        for saying in sayings:
            values = self.values
            if saying.bind:
                values = {**values, **{place: self.values[name] for place, name in saying.bind.items()}}
            for prompt in saying.prompts:
                one = self._prompts.say(prompt, self.language, values)
                whole = one if whole is None else whole + one
        assert whole is not None, "a saying holds at least one prompt (checked when the flow was read)"
        return whole
