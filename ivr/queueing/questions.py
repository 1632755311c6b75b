"""What the command line asks the controller about its queue, as JSON: who waits and why, what each seat does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from ivr.errors import GoldlineError
from ivr.queueing.dispatcher import Dispatcher


class NotWaiting(GoldlineError):
    """Nobody of that id waits for a person."""

    error_id: ClassVar[str] = "not-waiting"

    def __init__(self, call: str) -> None:
        super().__init__(f"No call {call} waits for a person.", remedy="`ivr monitor` shows who does.")


class Questions:
    """Answers about the present. Times are seconds."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def queue(self, _named: Mapping[str, str], _body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Everybody who waits, in the order of urgency; every seat; every talk."""
        desk = self._dispatcher
        now = time.time()
        order = {call: number for number, call in enumerate(desk.engine.order(now), start=1)}
        waiting = [
            {
                "call": call,
                "tier": waiter.place.tier,
                "joined": waiter.place.joined,
                "waited": round(now - waiter.place.joined, 1),
                "position": order.get(call, 0),
                "urgency": round(desk.engine.policy.urgency(waiter.place.tier, now - waiter.place.joined), 3),
                "front": waiter.place.front,
                "taken": waiter.taken,
            }
            for call, waiter in desk.waiting.items()
        ]
        waiting.sort(key=lambda one: (one["position"] == 0, one["position"]))
        seats = [
            {
                "seat": stand.seat.id,
                "agent": stand.seat.agent,
                "branch": stand.seat.branch,
                "state": stand.state,
                "seconds": round(now - stand.since, 1),
                "call": stand.caller,
            }
            for stand in desk.engine.seats()
        ]
        talks = [
            {"call": talk.call, "agent": talk.agent, "seat": talk.seat, "seconds": round(now - talk.since, 1)}
            for talk in desk.talks.values()
        ]
        return {"waiting": waiting, "seats": seats, "talks": talks}

    async def why(self, named: Mapping[str, str], _body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Why this caller still waits. Raises NotWaiting."""
        found = self._dispatcher.explain(named["call"])
        if found is None:
            raise NotWaiting(named["call"])
        return {**asdict(found), "words": list(found.words())}
