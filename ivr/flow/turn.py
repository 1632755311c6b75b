"""What a node may use while it runs: the call, the values, the words, the services. One object per call."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any, Final

from db.events import WAIT_TOLD, Event
from ivr.call import Call, Gathered, Recorded
from ivr.flow.checkpoint import encoded_values
from ivr.flow.kit import Kit
from ivr.flow.model import Flow, FlowSet, Saying, Way
from ivr.flow.proof import Proof
from ivr.flow.service import Caller, Result
from ivr.flow.trace import HIDDEN, shown
from ivr.flow.waiting import Ahead
from ivr.speech.utterance import Utterance
from ivr.speech.values import Code, Count, Value

QUEUE_POSITION: Final = "queue_position"  # {position:count}
QUEUE_WAIT: Final = "queue_wait"  # {least:count} and {most:count}, minutes
QUEUE_WAIT_ONE: Final = "queue_wait_one"  # {most:count} minutes


class Turn:
    """One call's way through the flows.

    ``path`` is where the call is, ``flow/node``; it, ``flow`` and ``node`` change by ``go`` only.
    """

    def __init__(self, call: Call, flow: Flow, language: str, kit: Kit, recognised: int | None = None) -> None:
        self.call = call
        self.language = language
        self.recognised = recognised
        self.proof: Proof | None = None
        self.values: dict[str, Value] = dict(flow.values)
        self.waiting = kit.waiting
        self.music = kit.music
        self._kit = kit
        self._call_id = call.id
        self._append = kit.journal.append
        self._proven = ""  # the proof as a checkpoint carries it
        self._encoded: str | None = None  # the values as a checkpoint carries them, until one is saved
        self.go(flow, flow.start)

    def go(self, flow: Flow, node: str) -> None:
        """Be at another node."""
        self.flow = flow
        self.node = node
        self.path = f"{flow.name}/{node}"

    def record(self, kind: str, data: Mapping[str, Any]) -> None:
        """Write an event into the call's journal."""
        self._append(Event(self._call_id, kind, data))

    def note(self, kind: str, **data: Any) -> None:
        """Write a step of the trace at this node."""
        self._append(Event(self._call_id, kind, {"path": self.path, **data}))

    def take(self, way: Way, flows: FlowSet) -> None:
        """Go on to where a way leads, and write that down. Values stay behind when it leads to another flow."""
        data: dict[str, Any] = {"path": f"{self.path}/{way.label}"}
        changed = {name: self.shown(name) for name in way.saves if name in self.values} if way.saves else None
        if way.target.flow:
            flow = flows[way.target.flow]
            self.go(flow, way.target.node or flow.start)
            self.values = {}
            self.save(flow.values)
        else:
            self.go(self.flow, way.target.node)
        data["to"] = self.path
        if changed:
            data["changed"] = changed
        self._append(Event(self._call_id, "step", data))

    def save(self, values: Mapping[str, Value]) -> None:
        """Keep values for the nodes that follow."""
        self.values.update(values)
        self._encoded = None

    def prove(self, proof: Proof) -> None:
        """The caller is this customer, from now to the end of the call."""
        self.proof = proof
        self._proven = self._kit.seal.write(self._call_id, proof)

    def resume(self, node: str, values: Mapping[str, Value]) -> None:
        """Be where a checkpoint of this flow says."""
        self.go(self.flow, node)
        self.save(values)

    def trust(self, proof: str) -> None:
        """Take over the proof that a checkpoint carries, if it is ours and this call's."""
        if proof and (read := self._kit.seal.read(self._call_id, proof)):
            self.proof, self._proven = read, proof

    @property
    def sealed(self) -> str:
        """The proof as a checkpoint carries it; empty: there is none."""
        return self._proven

    @property
    def caller(self) -> Caller:
        """What a service or the queue may know of this call."""
        proven = self.proof.customer if self.proof else None
        return Caller(self._call_id, self.call.caller, self.call.line, self.language, self.recognised, proven)

    @property
    def mark(self) -> str:
        """The checkpoint: where the call is, its proof, and its values but for the secret ones."""
        if self._encoded is None:
            secrets = self.flow.secrets
            self._encoded = encoded_values({name: value for name, value in self.values.items() if name not in secrets})
        return f"{self.flow.name}.{self.node}.{self.language}.{self._proven}.{self._encoded}"

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

    async def play_unless(self, saying: Saying, keys: str) -> str:
        """Say it to the end, unless one of these keys is pressed (returned); others mean nothing."""
        utterance = self._utterance((saying,))
        self._note_said(utterance, wants="key")
        key = await self.call.play_unless(utterance, keys)
        if key:
            self.note("keyed", keys=key)
        return key

    async def press(self, sayings: tuple[Saying, ...], *, keys: Container[str], seconds: float) -> str:
        """Ask for one key, of which ``keys`` lead on.

        A flow that asks for secret digits gets some of them at its menus, from callers who type ahead and leave a key
        out: there keys that lead nowhere are not written down.
        """
        utterance = self._utterance(sayings)
        if not self.call.keys_waiting:
            self._note_said(utterance, wants="key")
        key = await self.call.press(utterance, seconds=seconds)
        told = HIDDEN if key and key not in keys and self.flow.secrets else key
        self._append(Event(self._call_id, "keyed", {"path": self.path, "keys": told}))
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

    async def dictate(self, saying: Saying, name: Code, *, most: float, silence: float) -> Recorded:
        """Say it, and record what the caller says into the recording of that name.

        A caller who hangs up while speaking ends the call as ever; what was said is kept.
        """
        utterance = self._utterance((saying,))
        self._note_said(utterance, wants="words")
        await self.call.play(utterance)
        studio = self._kit.studio
        self.note("recording", name=name.digits)
        path = f"{studio.directory}/{name.digits}"
        recorded = await self.call.record(path, beep=studio.beep, most=most, silence=silence)
        self.note("recorded", name=name.digits, seconds=round(recorded.seconds, 1))
        return recorded

    async def announce(self, ahead: Ahead | None, tip: Saying | None) -> None:
        """Tell a waiting caller the place and the wait, and something useful. Keys wait for whoever asks next."""
        prompts, language = self._kit.prompts, self.language
        whole: Utterance | None = None
        if ahead is not None:
            whole = prompts.say(QUEUE_POSITION, language, {"position": Count(ahead.position)})
            if ahead.least is not None and ahead.most is not None:
                minutes = {"least": Count(ahead.least), "most": Count(ahead.most)}
                whole += prompts.say(QUEUE_WAIT if ahead.least < ahead.most else QUEUE_WAIT_ONE, language, minutes)
            self.record(WAIT_TOLD, {"position": ahead.position, "least": ahead.least, "most": ahead.most})
        if tip is not None:
            said = prompts.say(tip.prompts[0], language, {})
            whole = said if whole is None else whole + said
        if whole is not None:
            self._note_said(whole)
            await self.call.play(whole)

    async def ask(self, name: str, inputs: Mapping[str, str]) -> Result:
        """Have a service do its work within its deadline; its errors are the caller of this method's business."""
        service = self._kit.services[name]
        began = time.monotonic()
        result = await service.within_deadline(self.caller, {key: self.values[value] for key, value in inputs.items()})
        if result.values:
            self.save(result.values)
        ms = round((time.monotonic() - began) * 1000, 1)
        data = {"path": self.path, "name": name, "exit": result.exit, "ms": ms}
        self._append(Event(self._call_id, "service", data))
        if result.proof:
            self.prove(result.proof)
            self.note("proven", customer=result.proof.customer, how=result.proof.how)
        return result

    def _note_said(self, utterance: Utterance, wants: str = "") -> None:
        data = {
            "path": self.path,
            "prompts": list(utterance.prompts),
            "language": utterance.language,
            "text": utterance.text,
        }
        if wants:
            data["wants"] = wants
        self._append(Event(self._call_id, "said", data))

    def _utterance(self, sayings: tuple[Saying, ...]) -> Utterance:
        prompts = self._kit.prompts
        if len(sayings) == 1 and len(sayings[0].prompts) == 1 and not sayings[0].bind:
            return prompts.say(sayings[0].prompts[0], self.language, self.values)
        whole: Utterance | None = None
        for saying in sayings:
            values = self.values
            if saying.bind:
                values = {**values, **{place: self.values[name] for place, name in saying.bind.items()}}
            for prompt in saying.prompts:
                one = prompts.say(prompt, self.language, values)
                whole = one if whole is None else whole + one
        assert whole is not None, "a saying holds at least one prompt (checked when the flow was read)"
        return whole
