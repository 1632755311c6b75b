"""Runs one call through the flows: node after node, until the call ends or the caller does.

The engine knows no node type by name. What can go wrong is settled here once: a caller who hangs up is an ordinary end,
a fault of ours sends the caller to the dialplan's apology, and a session that is torn away (controller stopped, link
lost) leaves the checkpoint for the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import structlog

from db.events import CALL_RESUMED, CALL_RETURNED, CALL_STARTED, ERRAND_BEGAN, ERRAND_ENDED
from ivr.agi.errors import AgiError, CallerHungUp
from ivr.call import Call
from ivr.contract import DONE_FAILED, DONE_HANGUP
from ivr.flow import checkpoint
from ivr.flow.errors import FlowBroken
from ivr.flow.kit import Kit
from ivr.flow.model import Flow, FlowSet, Saying
from ivr.flow.turn import Turn

log = structlog.get_logger(__name__)

MOST_NODES = 5000  # of one call: two hours of someone leaning on a key come to less; more is a fault

How = Literal["caller", "hotline", "failed", "lost", "offered"]
ALIVE: Final[frozenset[How]] = frozenset(("lost", "offered"))  # the call goes on without this session


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call's session ended: by the ``caller``, by the ``hotline``, ``failed`` by a fault of ours, ``lost`` with
    the call still alive in the dialplan's loop, or ``offered`` to a seat, from where it comes back."""

    how: How
    node: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Entry:
    """How a new call comes in: the flow that greets it, in which language, and whose telephone it seems to be.

    ``first`` is a prompt without values that is said before the flow begins; ``arrival`` is journalled as ``line``.
    """

    flow: str
    language: str
    recognised: int | None = None
    first: str = ""
    arrival: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """How a flow beside the call's own ended. ``kept``: the checkpoint that waits, with what was proven meanwhile."""

    how: How
    proven: bool
    kept: str


class Engine:
    """Plays flows to callers."""

    def __init__(
        self,
        flows: Callable[[], FlowSet],
        kit: Kit,
        observe: Callable[[str, str], None] | None = None,
    ) -> None:
        """``flows`` gives the set that serves now; ``observe(flow, how)`` counts endings."""
        self._flows = flows
        self._kit = kit
        self._observe = observe

    async def run(self, call: Call, entry: Entry) -> Ending:
        """Serve one call to its end."""
        began = time.monotonic()
        flows = self._flows()
        turn, resumed = self._begin(call, flows, entry)
        back = call.returned is not None
        turn.record(
            CALL_RETURNED if back else CALL_RESUMED if resumed else CALL_STARTED,
            {
                "caller": call.caller,
                "caller_name": call.caller_name,
                "line": call.line,
                "channel": call.channel_name,
                "language": turn.language,
                "flow": turn.flow.name,
                "version": turn.flow.version,
                "node": turn.node,
            },
        )
        if call.returned is not None:
            turn.note("seat", **call.returned._asdict())
        if entry.arrival is not None:
            turn.record("line", entry.arrival)
        how = await self._serve(call, turn, flows, entry, resumed)
        ending = Ending(how, turn.path, time.monotonic() - began)
        if how == "offered":
            return ending
        turn.record(
            "call.lost" if how == "lost" else "call.ended",
            {"how": how, "node": turn.path, "seconds": round(ending.seconds, 1)},
        )
        if self._observe:
            self._observe(turn.flow.name, how)
        # At debug: the journal has it, and a busy hotline ends twenty calls a second.
        log.debug("call ended", how=how, flow=f"{turn.flow.name}@{turn.flow.version}", node=turn.node)
        return ending

    async def errand(self, call: Call, flow: str, kept: str) -> Errand:
        """Lead the caller through a flow beside the one that waits at the checkpoint ``kept``, and back to whoever
        sent it: the call does not end with it, and nothing is said to be done with the channel."""
        flows = self._flows()
        waits = checkpoint.decode(kept)
        language = waits.language if waits else flows[flow].languages[0]
        turn, resumed = self._begin(call, flows, Entry(flow, language))
        if waits is not None and turn.proof is None:
            turn.trust(waits.proof)
        if not resumed:
            turn.record(ERRAND_BEGAN, {"flow": flow})
        how: How = "lost"
        try:
            await call.checkpoint(turn.mark)
            await self._walk(call, turn, flows)
            how = "hotline"
        except CallerHungUp:
            how = "caller"
        except AgiError as error:
            log.warning("lost touch with the call", error=str(error), path=turn.path)
        except Exception as error:
            log.exception("the flow failed", path=turn.path)
            turn.note("fault", error=type(error).__name__)
            how = "failed"
        proven = turn.proof is not None
        turn.record(ERRAND_ENDED, {"flow": flow, "how": how, "proven": proven})
        return Errand(how, proven, checkpoint.encode(replace(waits, proof=turn.sealed)) if waits else kept)

    async def _serve(self, call: Call, turn: Turn, flows: FlowSet, entry: Entry, resumed: bool) -> How:
        try:
            # Before the answer, so that nothing stands between that and the first word.
            await call.checkpoint(turn.mark)
            await call.answer()
            if not resumed:
                turn.record("call.answered", {})
                if entry.first:
                    await turn.play(Saying((entry.first,), 0))
            await self._walk(call, turn, flows)
            await call.finish(DONE_HANGUP)
        except CallerHungUp:
            return "offered" if self._kit.waiting.taken(call.id) else "caller"
        except AgiError as error:
            log.warning("lost touch with the call", error=str(error), path=turn.path)
            return "lost"
        except Exception as error:
            log.exception("the flow failed", path=turn.path)
            turn.note("fault", error=type(error).__name__)
            try:
                await call.finish(DONE_FAILED)
            except CallerHungUp:
                return "caller"
            except AgiError:
                return "lost"
            return "failed"
        return "hotline"

    async def _walk(self, call: Call, turn: Turn, flows: FlowSet) -> None:
        for _ in range(MOST_NODES):
            node = turn.flow.nodes[turn.node]
            if node.asks and call.hurried:
                call.checkpoint_aside(turn.mark)
            elif node.talks:
                await call.checkpoint(turn.mark)
            label = await node.run(turn)
            if call.was_lost:
                await call.progressed()
            if node.ends:
                turn.note("step", way="end")
                return
            try:
                way = turn.flow.ways[node.name][label]
            except KeyError:
                raise FlowBroken(
                    f"{turn.path} ended with {label!r}, for which there is no way.",
                    remedy="Declare that exit in the service.",
                ) from None
            turn.take(way, flows)
        raise FlowBroken(f"the call went through {MOST_NODES} nodes without end, last {turn.path}.")

    def _begin(self, call: Call, flows: FlowSet, entry: Entry) -> tuple[Turn, bool]:
        """A turn at the call's checkpoint, or at the start for a new call."""
        mark = checkpoint.decode(call.carried_checkpoint)
        there = mark is not None and mark.flow in flows
        flow = flows[mark.flow if mark is not None and there else entry.flow]
        language = mark.language if mark is not None else entry.language
        if language not in flow.languages:
            language = entry.language if entry.language in flow.languages else flow.languages[0]
        turn = Turn(call, flow, language, self._kit, entry.recognised)
        if mark is not None:
            turn.trust(mark.proof)
            if there and _can_go_on(flow, mark):
                turn.resume(mark.node, mark.values)
        return turn, mark is not None


def _can_go_on(flow: Flow, mark: checkpoint.Checkpoint) -> bool:
    """The node still exists and every value that is surely there by the check came along (secret ones never do)."""
    wanted = flow.assigned.get(mark.node)
    if wanted is None:
        return False
    have = {name: value.kind for name, value in {**flow.values, **mark.values}.items()}
    return all(have.get(name) == kind for name, kind in wanted.items())
