"""The reception: every call comes in here, is recognised, shown to the line desk, and led to its flow or turned away.

Joins what knows nothing of one another: customers, lines, flows and the call. Decides nothing of its own: who gets a
line is the desk's business, how a call goes is the flow's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import structlog

from db.events import CALL_ENDED, CALL_REFUSED, CALL_STARTED, Event, EventSink
from db.recognition import Recognised
from ivr.agi.errors import AgiError, CallerHungUp
from ivr.call import Call
from ivr.contract import DONE_BUSY, DONE_HANGUP, DONE_UNALLOCATED
from ivr.flow import checkpoint
from ivr.flow.engine import Engine, Entry
from ivr.flow.model import FlowSet
from ivr.flow.prompts import Prompts
from ivr.lines.desk import Admitted, Arrival, Closed, LineDesk, Refused, Resumed, Unallocated
from ivr.lines.model import Channel, Known, Tier

log = structlog.get_logger(__name__)

# What a customer may use: who has an account and does not trade is registered. The others are not recognised at all.
CHANNEL_OF: Final[Mapping[str, Channel]] = {"active": "trading", "new": "registered", "dormant": "registered"}
TURNED_AWAY: Final = "-"  # in the figures: the flow of a call that saw none


class Recogniser(Protocol):
    """Whoever knows telephones (``ivr.customers.recognise.Recogniser``); never raises and never takes long."""

    async def recognise(self, number: str) -> Recognised | None: ...


class Reception:
    """Takes calls in."""

    def __init__(
        self,
        desk: LineDesk,
        recogniser: Recogniser,
        engine: Engine,
        flows: Callable[[], FlowSet],
        prompts: Prompts,
        journal: EventSink,
        ordinary: Entry,
        observe: Callable[[str, str], None] = lambda _flow, _how: None,
        refused: Callable[[str, str, str], None] = lambda _group, _class, _rule: None,
    ) -> None:
        """``ordinary`` is how a call comes in for which nothing better is known; ``observe(flow, how)`` counts the
        endings of calls that saw no flow, ``refused(trunk group, class, rule)`` those that got no line."""
        self._desk = desk
        self._recogniser = recogniser
        self._engine = engine
        self._flows = flows
        self._prompts = prompts
        self._journal = journal
        self._ordinary = ordinary
        self._observe = observe
        self._refused = refused

    async def serve(self, call: Call) -> str:
        """Serve one call to its end, and say how it ended; ``lost`` when it is still alive in the dialplan's loop."""
        recognised = await self._recogniser.recognise(call.caller)
        known = known_as(recognised)
        mark = checkpoint.decode(call.carried_checkpoint)
        if mark is not None:
            resumed = self._desk.resume(call.id, call.line, known, mark.flow)
            return (await self._engine.run(call, self._entry_again(resumed, recognised, known))).how
        arrival = self._desk.arrive(call.id, call.line, known)
        told = _told(arrival, recognised, known)
        if isinstance(arrival, Unallocated):
            return await self._turn_away(call, told, "", DONE_UNALLOCATED, "unallocated")
        if isinstance(arrival, Refused):
            decision = arrival.decision
            self._refused(arrival.line.trunks, decision.call_class, decision.rule)
        flow = self._served(arrival.flow)
        if isinstance(arrival, Admitted):
            flow = flow or self._ordinary.flow
            entry = Entry(flow, self._language(flow, arrival.language, recognised), _row(recognised), arrival=told)
        elif flow:
            if isinstance(arrival, Refused):
                # The flow will end it as any call: its row must know that it held no line.
                self._journal.append(Event(call.id, CALL_REFUSED, {"why": arrival.decision.why}))
            entry = Entry(
                flow,
                self._language(flow, arrival.language, recognised),
                _row(recognised),
                first=arrival.prompt,
                arrival=told,
            )
        elif isinstance(arrival, Closed):
            return await self._turn_away(call, told, arrival.prompt, DONE_HANGUP, "closed")
        elif arrival.prompt:
            return await self._turn_away(call, told, arrival.prompt, DONE_HANGUP, "refused")
        else:
            return await self._turn_away(call, told, "", DONE_BUSY, "refused")
        return (await self._engine.run(call, entry)).how

    def _entry_again(self, resumed: Resumed | None, recognised: Recognised | None, known: Known | None) -> Entry:
        """For a call that carries its place: only when its flow is there no more does it begin anew, with this."""
        flow = self._ordinary.flow
        language = self._ordinary.language
        if resumed is not None:
            wanted = resumed.line.scarce_flow if resumed.leaving else resumed.line.flow_for(_tier(known))
            flow = self._served(wanted) or flow
            language = resumed.line.language
        return Entry(flow, language, _row(recognised))

    def _served(self, flow: str) -> str:
        """The flow, or nothing when it is not served now: lines keep their last good file, and name what was there."""
        if flow and flow not in self._flows():
            log.error("a line leads to a flow that is not there", flow=flow)
            return ""
        return flow

    def _language(self, flow: str, ordinary: str, recognised: Recognised | None) -> str:
        """The customer's wish, where the flow speaks it."""
        wish = recognised.language if recognised else ordinary
        return wish if wish in self._flows()[flow].languages else ordinary

    async def _turn_away(self, call: Call, told: Mapping[str, Any], prompt: str, done: str, how: str) -> str:
        """End a call that no flow serves: after a prompt, or as the dialplan does it."""
        language = told.get("language", self._ordinary.language)
        started = {
            "caller": call.caller,
            "caller_name": call.caller_name,
            "line": call.line,
            "channel": call.channel_name,
            "language": language,
        }
        self._journal.append(Event(call.id, CALL_STARTED, started))
        self._journal.append(Event(call.id, "line", told))
        try:
            if prompt:
                await call.answer()
                utterance = self._prompts.say(prompt, language, {})
                said = {"prompts": list(utterance.prompts), "language": language, "text": utterance.text}
                self._journal.append(Event(call.id, "said", said))
                await call.play(utterance, until_end=False)
            await call.finish(done)
        except CallerHungUp:
            pass  # heard enough
        except AgiError as error:
            log.warning("lost touch with a call that was being turned away", error=str(error))
            self._journal.append(Event(call.id, "call.lost", {"how": "lost"}))
            return "lost"
        self._journal.append(Event(call.id, CALL_ENDED, {"how": how}))
        self._observe(TURNED_AWAY, how)
        return how


def known_as(recognised: Recognised | None) -> Known | None:
    """A customer as the line desk knows one."""
    return Known(CHANNEL_OF[recognised.status], recognised.tier) if recognised else None


def _tier(known: Known | None) -> Tier:
    return known.tier if known else "normal"


def _row(recognised: Recognised | None) -> int | None:
    return recognised.customer if recognised else None


def _told(arrival: Arrival, recognised: Recognised | None, known: Known | None) -> dict[str, Any]:
    """An arrival as the journal has it."""
    told: dict[str, Any] = {"customer": _row(recognised), "tier": _tier(known)}
    match arrival:
        case Unallocated():
            return {"outcome": "unallocated", **told}
        case Admitted():
            outcome = "admitted"
        case Closed():
            outcome = "closed"
        case Refused():
            outcome = "refused"
    decision = arrival.decision
    told |= {
        "line": arrival.line.id,
        "trunks": arrival.line.trunks,
        "channel": known.channel if known else arrival.line.channel,
        "class": decision.call_class if decision else arrival.line.class_of(known),
        "language": arrival.language,
        "why": decision.why if decision else "the line is closed",
    }
    return {"outcome": outcome, **told}
