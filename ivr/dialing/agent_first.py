"""Attempts for which an agent is there first: the seat is given like any caller's, the agent accepts, and only then the
leg to the seat asks whether it may dial the customer (``CONTEXT_CALLBACK``, as callbacks do it).

So are targets called to whom an agent is guaranteed (after an abandoned call, at an appointment), every target of a
preview campaign, and any target by a seat whose telephone must ring first. In preview the agent sees whom it is about
before anything rings, and accepts or passes.

Must not know: rows (``desk``), what a campaign is.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar, Final

import structlog

from db.errors import StoreError
from db.events import CALL_ENDED, CALL_STARTED
from db.phone_numbers import spoken_form
from db.target import TargetMove
from ivr.ami.errors import AmiError
from ivr.ami.protocol import Event as ManagerEvent
from ivr.call import Channel
from ivr.contract import DONE_DIAL, DONE_HANGUP, VAR_CALLBACK_DIAL, VAR_DONE, VAR_OFFER_ID, VAR_OFFER_SEAT
from ivr.dialing.desk import DialDesk
from ivr.dialing.dial import Dial
from ivr.dialing.names import call_of_leg
from ivr.errors import GoldlineError
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.offer import OfferMaker
from ivr.queueing.place import Place
from ivr.queueing.seen import CallerGone, LegRings
from ivr.queueing.stages import Offer, Witness

log = structlog.get_logger(__name__)

MOST_OFFERS: Final = 3  # seats that may be rung for one attempt in vain
REST: Final = datetime.timedelta(seconds=60)  # … and then the target waits for so long
PASSED: Final = "passed"  # why a target waits that an agent has passed over


class NothingToAccept(GoldlineError):
    """No customer is shown to this agent now."""

    error_id: ClassVar[str] = "nothing-to-accept"

    def __init__(self, agent: str) -> None:
        super().__init__(f"Agent {agent} is shown no customer now.", remedy="It may have been taken back: look again.")


class AgentFirst(Witness):
    """Those of one controller. ``held`` are the dials that wait for an agent, or for the agent's telephone."""

    def __init__(self, desk: DialDesk, dispatcher: Dispatcher, offers: OfferMaker) -> None:
        self._desk = desk
        self._dispatcher = dispatcher
        self._offers = offers
        desk.ended_by_seat = self.ended
        self.held: dict[str, Dial] = {}  # by call
        self._shown: dict[str, tuple[str, Mapping[str, str]]] = {}  # by agent: a call of a preview, and its offer
        self._vain: dict[str, int] = {}  # by call: offers that came to nothing
        self._tasks: set[asyncio.Task[None]] = set()

    def waiting(self, campaign: str) -> int:
        """How many of a campaign's wait for a seat."""
        return sum(
            dial.plan.name == campaign and not dial.leg and call in self._dispatcher.waiting
            for call, dial in self.held.items()
        )

    def shown_to(self, agent: str) -> Dial | None:
        """The preview that this agent sees now."""
        call, _ = self._shown.get(agent, ("", {}))
        return self.held.get(call)

    async def stop(self) -> None:
        """No more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- a target waits for an agent ----------------------------------------------------------------------------------

    def hold(self, dial: Dial, *, recorded: bool) -> None:
        """The attempt is leased: find it a seat. ``recorded``: the customer has nothing against it; the agent says so
        in the talk's first words, as in the flow ``revisit``."""
        target = dial.target
        place = Place(
            joined=self._desk.clock(),
            tier=target.tier,
            language="",
            branch=target.branch if dial.plan.own_branch else "",
            managers=(target.agent,) if target.agent else (),
            required=dial.plan.skills,
            customer=target.customer,
            line=dial.plan.shown or self._desk.line,
            front=True,
            consent="announced" if recorded else None,
        )
        self.held[dial.call] = dial
        self._go(self._offers.prepare(dial.call, place), f"{dial.call} whisper")
        self._dispatcher.hold(dial.call, place, _Road(self, dial.call))

    def hold_again(self, dial: Dial) -> None:
        """After a restart: a leg goes on that a controller before us had rung."""
        self.held[dial.call] = dial
        place = Place(self._desk.clock(), dial.target.tier, required=dial.plan.skills, customer=dial.target.customer)
        self._dispatcher.hold(dial.call, place, _Road(self, dial.call))

    def let_go(self, campaign: str) -> None:
        """The campaign is dialled no more: who waits for an agent waits on in the store."""
        for dial in list(self.held.values()):
            if dial.plan.name == campaign and dial.dialled_at is None:
                self._give_up(dial, None)

    async def ring(self, call: str, variables: Mapping[str, str]) -> None:
        """The dispatcher has a seat. Raises AmiError."""
        dial = self.held.get(call)
        if dial is None:
            self._dispatcher.dismiss(call)
            return
        if dial.row.mode == "preview":
            offer = next(one for one in self._dispatcher.offers.values() if one.call == call)
            self._shown[offer.agent] = (call, variables)
            # The seat has something before it, though no telephone rings: its time is that of an offer.
            self._dispatcher.take(LegRings(call, variables[VAR_OFFER_SEAT], "", variables[VAR_OFFER_ID]))
            return
        await self._ring(dial, variables)

    async def _ring(self, dial: Dial, variables: Mapping[str, str]) -> None:
        leg = f"{dial.call}-{secrets.token_hex(6)}"
        dial.leg = leg
        try:
            await self._desk.told.ring_seat(leg, dial.call, dial.plan.shown or self._desk.line, variables)
        except AmiError:
            dial.leg = ""
            raise

    async def take_back(self, call: str) -> None:
        """The dispatcher takes the seat back. Raises AmiError."""
        self._unshow(call)
        dial = self.held.get(call)
        if dial is not None and dial.leg:
            await self._desk.told.hang_up(dial.leg)

    # --- what agents say to a preview ---------------------------------------------------------------------------------

    async def accept(self, agent: str) -> None:
        """The agent will talk to whom it is shown: the own telephone rings, and dials.

        Raises NothingToAccept, AmiError.
        """
        call, variables = self._shown.pop(agent, ("", {}))
        dial = self.held.get(call)
        if dial is None:
            raise NothingToAccept(agent)
        await self._ring(dial, variables)

    async def skip(self, agent: str, until: datetime.datetime) -> None:
        """The agent passes: the target is shown again from then on. Raises NothingToAccept."""
        call, _ = self._shown.pop(agent, ("", {}))
        dial = self.held.get(call)
        if dial is None:
            raise NothingToAccept(agent)
        self._give_up(dial, TargetMove("waiting", PASSED, due_at=until))

    # --- what legs ask ------------------------------------------------------------------------------------------------

    async def serve(self, session: Channel) -> None:
        """The session of a leg in CONTEXT_CALLBACK: the agent is there. Left without a word, the leg asks again."""
        leg = session.environment.get("agi_uniqueid", "")
        try:
            dial = await self._dials(leg)
        except StoreError as error:
            log.warning("a customer is not dialled while the store is away", error=str(error))
            return
        if dial:
            await session.command("SET", "VARIABLE", VAR_CALLBACK_DIAL, dial)
        await session.command("SET", "VARIABLE", VAR_DONE, DONE_DIAL if dial else DONE_HANGUP)

    async def _dials(self, leg: str) -> str:
        """How the customer is dialled now, once; "": not at all. Raises StoreError."""
        call = call_of_leg(leg)
        dial = self.held.get(call)
        if dial is None or dial.leg != leg or dial.over:
            return ""
        if dial.dialled_at is not None:  # a controller died over this answer, and the leg still waits for it
            return self._road(dial) if not dial.seen else ""
        if not await self._desk.dial_by_seat(dial):
            self._give_up(dial, None, given_back=True)
            return ""
        told = {
            "caller": dial.row.number,
            "line": dial.plan.shown or self._desk.line,
            "language": dial.target.language,
            "outbound": True,
        }
        self._desk.ledger.say_once(dial.call, CALL_STARTED, told)
        return self._road(dial)

    def _road(self, dial: Dial) -> str:
        return f"PJSIP/{spoken_form(dial.row.number)}@{dial.trunk}"

    # --- what Asterisk and the queue tell -----------------------------------------------------------------------------

    def saw(self, event: ManagerEvent) -> None:
        """An event of Asterisk's manager, before the queue hears of it."""
        if event.name != "Hangup" or not (call := call_of_leg(event.get("Uniqueid"))):
            return
        dial = self.held.get(call)
        if dial is None or dial.leg != event.get("Uniqueid"):
            return
        if dial.dialled_at is None:
            dial.leg = ""  # the dispatcher hears of it, and finds another seat
            return
        if dial.answered_at is None:
            self._dispatcher.dismiss(call)  # that the customer was not there is no fault of the agent's
        if not dial.seen:
            cause = event.get("Cause")
            dial.cause = int(cause) if cause.isdigit() else 0
        self._desk.over(dial)

    def failed(self, offer: Offer, how: str, seconds: float) -> None:  # noqa: ARG002
        dial = self.held.get(offer.call)
        self._unshow(offer.call)
        if dial is None or dial.dialled_at is not None or how == "released":
            return
        self._vain[offer.call] = self._vain.get(offer.call, 0) + 1
        if self._vain[offer.call] >= MOST_OFFERS:
            self._give_up(dial, TargetMove("waiting", dial.target.why, due_at=self._desk.now() + REST))

    def ended(self, dial: Dial) -> None:
        """The attempt is over, and written down."""
        if self.held.pop(dial.call, None) is None:
            return
        self._forget(dial.call)
        how = "hotline" if dial.answered_at else dial.row.outcome or "hotline"
        self._desk.ledger.say_once(dial.call, CALL_ENDED, {"how": how})

    def _give_up(self, dial: Dial, move: TargetMove | None, *, given_back: bool = False) -> None:
        self.held.pop(dial.call, None)
        self._forget(dial.call)
        if not given_back:
            self._go(self._desk.keep_back(dial, move), f"{dial.call} back")

    def _forget(self, call: str) -> None:
        self._vain.pop(call, None)
        self._unshow(call)
        self._dispatcher.dismiss(call)
        self._dispatcher.take(CallerGone(call))  # no channel has this id, so nobody else will say so
        self._offers.forget(call)

    def _unshow(self, call: str) -> None:
        for agent, (shown, _) in list(self._shown.items()):
            if shown == call:
                del self._shown[agent]

    def _go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            if isinstance(error, StoreError):  # the lease ends by itself
                log.warning("an attempt could not be given back", task=task.get_name(), error=str(error))
            else:
                log.error("a call with an agent first broke at something", task=task.get_name(), exc_info=error)


class _Road:
    """One customer's way to a seat (``ivr.queueing.stages.Road``)."""

    def __init__(self, first: AgentFirst, call: str) -> None:
        self._first = first
        self._call = call

    async def send(self, variables: Mapping[str, str]) -> None:
        await self._first.ring(self._call, variables)

    async def take_back(self) -> None:
        await self._first.take_back(self._call)
