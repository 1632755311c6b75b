"""Customers who hung up, keep their place in the queue, and are called when their turn comes.

They wait in the dispatcher like everybody else, with a road of their own: the seat is rung first, its agent accepts,
and the customer is dialled from there. Every step is a row in the store before Asterisk hears of it
(``db.waiting_callbacks``), and the leg to the seat asks right before it dials; so whatever dies in between, no
customer is dialled twice, and none is forgotten. When a number may be dialled at all is data
(``agent_routing.callback_rules``): asked when the place comes into the queue, when a seat is to ring for it, and
right before dialling.

Must not know: how a leg is made (``callback_road``), what flows say.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

import structlog

from agent_routing.callback_rules import CallbackRules, Days, Never, NotBefore, Now, Tried, Verdict, may_dial
from db.attempts import Attempts
from db.calls import Calls
from db.customers import Customers
from db.do_not_call import DoNotCall
from db.errors import StoreAway, StoreError
from db.events import CALL_ENDED, CALL_STARTED, WAIT_JOINED, WAIT_LEFT, Event, EventSink, utcnow
from db.missed import MissedCall, MissedCallers
from db.phone_numbers import BadNumber, spoken_form, stored_form
from db.store import Store
from db.waiting_callbacks import CALL_PREFIX, CUT, HELD, WaitingCallback, WaitingCallbacks, is_callback
from db.waiting_callbacks import Place as KeptPlace
from ivr.ami.errors import AmiError
from ivr.ami.protocol import Event as ManagerEvent
from ivr.call import Channel
from ivr.contract import DONE_DIAL, DONE_HANGUP, VAR_CALLBACK_DIAL, VAR_DONE
from ivr.flow.service import Caller
from ivr.missed.outcome import outcome_of_callback
from ivr.queueing.callback_outcome import earlier_outcome, outcome_of
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.offer import OfferMaker
from ivr.queueing.place import Place, decode, encode
from ivr.queueing.seen import CallerGone, Snapshot
from ivr.queueing.stages import Offer, Talk, TalkEnd, Witness

log = structlog.get_logger(__name__)

CAMPAIGN_REST: Final = datetime.timedelta(minutes=1)  # until it is looked again at a customer whom a campaign calls
LEASE: Final = datetime.timedelta(seconds=15)  # longer than any one step of ours and Asterisk's answer to it
LOOK_SECONDS: Final = 1.0  # between two looks at the rows
ANSWERED: Final = "ANSWER"
PLACE: Final = "place"  # in the row's needs: the place as VAR_WAIT has it
_ID_BYTES: Final = 20

Kept = Literal["kept", "unusable", "too_late", "no_place"]


class Legs(Protocol):
    """What Asterisk can be told (``ivr.queueing.callback_road``). Raises AmiError."""

    async def ring(self, leg: str, call: str, line: str, variables: Mapping[str, str]) -> None: ...

    async def hang_up(self, leg: str) -> None: ...


@dataclass(slots=True)
class _Try:
    """One try that is under way. ``leg`` is the channel to the seat; its cause is why the customer was not reached."""

    call: str
    leg: str
    status: str = ""
    cause: int = 0
    dialled: bool = False


class CallbackDesk(Witness):
    """The callbacks of one controller. Times in the store are its clock's."""

    def __init__(
        self,
        store: Store,
        journal: EventSink,
        dispatcher: Dispatcher,
        offers: OfferMaker,
        legs: Legs,
        rules: CallbackRules,
        days: Callable[[], tuple[datetime.tzinfo, Days]],
        outside: Callable[[str], str],
        line: str,
        now: Callable[[], datetime.datetime] = utcnow,
        lease: datetime.timedelta = LEASE,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """``days`` gives the time zone and the calendar that hold now; ``outside(number)`` how a number is dialled,
        empty: not at all; ``line`` is the hotline's number, shown when the row knows none."""
        self._callbacks = WaitingCallbacks(store)
        self._attempts = Attempts(store)
        self._calls = Calls(store)
        self._customers = Customers(store)
        self._do_not_call = DoNotCall(store)
        self._missed = MissedCallers(store)
        self._journal = journal
        self._dispatcher = dispatcher
        self._offers = offers
        self._legs = legs
        self._rules = rules
        self._days = days
        self._outside = outside
        self._line = line
        self._now = now
        self._lease_for = lease
        self._look_seconds = look_seconds
        self._holder = f"controller-{secrets.token_hex(4)}"
        self._rows: dict[str, WaitingCallback] = {}  # by call: those that are open, as last seen
        self._tries: dict[str, _Try] = {}  # by leg: those that Asterisk has
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by call: one move at a time
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = False
        self._told_no_trunk = False

    # --- what callers ask ---------------------------------------------------------------------------------------------

    async def keep(self, caller: Caller, number: str) -> Kept:
        """Keep the place that this call gave up just now, and call this number when its turn comes.

        ``unusable``: the number may not be called. ``too_late``: not before the wish would have expired (``expires`` in
        callback_rules.yaml). ``no_place``: the call has not waited. Raises StoreError.
        """
        place = self._dispatcher.left.get(caller.call_id) or await self._place_of(caller.call_id)
        if place is None:
            return "no_place"
        now = self._now()
        expires = now + self._rules.expires
        try:
            asked = KeptPlace(
                caller.call_id,
                number,
                datetime.datetime.fromtimestamp(place.joined, datetime.UTC),
                place.tier,
                place.line or caller.line,
                place.language or caller.language,
                {PLACE: encode(replace(place, front=False))},
                place.customer,
            )
            verdict = await self._verdict(stored_form(number), place.customer, Tried(expires))
            if isinstance(verdict, Never):
                return "too_late" if verdict.why in ("expired", "hours") else "unusable"
            row = await self._callbacks.ask(asked, now=now, expires=expires)
        except BadNumber:
            return "unusable"
        self._rows[row.call] = row
        self._dispatcher.left.pop(caller.call_id, None)
        waited = round(now.timestamp() - place.joined, 1)
        self._journal.append(Event(caller.call_id, WAIT_LEFT, {"how": "callback", "waited": waited}))
        return "kept"

    async def called_in(self, caller: Caller, customer: int | None) -> Place | None:
        """The caller, who waits for our call, has called us: the place is the caller's again, and no call is needed.

        None when there is no such place, or the call is being made just now. Raises StoreError.
        """
        number = stored_form(caller.number)
        for row in list(self._rows.values()):
            same = customer is not None and row.place.customer == customer
            if not same and (not number or row.place.number != number):
                continue
            async with self._locks[row.call]:
                found = await self._callbacks.get(row.id)
                if found is not None and found.state == "agent_reserved":
                    await self._stop_ringing(found)
                    found = await self._callbacks.give_back(found)
                if found is None or found.state != "waiting":
                    continue
                closed = await self._callbacks.called_in(found.place.number, now=self._now())
            for one in closed:
                self._closed(one)
            if any(one.id == row.id for one in closed):
                return _place(row)
        return None

    # --- what legs ask ------------------------------------------------------------------------------------------------

    async def serve(self, session: Channel) -> None:
        """The session of a leg in CONTEXT_CALLBACK. Left without a word, the leg asks again."""
        try:
            dial = await self.dials(session.environment.get("agi_uniqueid", ""))
        except StoreError as error:
            log.warning("a customer is not dialled while the store is away", error=str(error))
            return
        if dial:
            await session.command("SET", "VARIABLE", VAR_CALLBACK_DIAL, dial)
        await session.command("SET", "VARIABLE", VAR_DONE, DONE_DIAL if dial else DONE_HANGUP)

    async def dials(self, leg: str) -> str:
        """The agent at this leg has accepted: how the customer is dialled now, once; empty: not at all.

        Raises StoreError: then nothing is written down, and nothing may be dialled.
        """
        call = leg.rpartition("-")[0]
        async with self._locks[call]:
            row = await self._row(call)
            if row is None or row.channel != leg or row.state not in ("agent_reserved", "dialling"):
                return ""
            if self._ready and leg not in self._tries:
                return ""  # hung up just now
            dial = self._outside(spoken_form(row.place.number))
            one = self._tries.setdefault(leg, _Try(call, leg))
            if row.state == "dialling":  # a controller died over this answer: the leg still waits for it
                one.dialled = True
                return dial
            verdict = await self._verdict_of(row)
            if not isinstance(verdict, Now) or not dial:
                self._dispatcher.dismiss(call)
                await self._put_off(row, verdict)
                return ""
            moved = await self._callbacks.dial(row, channel=leg, now=self._now(), lease=self._lease_for)
            if moved is None:
                return ""
            one.dialled = True
            self._rows[call] = moved
        place = moved.place
        data = {"caller": place.number, "line": place.line, "language": place.language, "callback": True}
        self._journal.append(Event(call, CALL_STARTED, data, id=_event_id(call, CALL_STARTED)))
        if leg not in self._tries:  # hung up while we wrote
            self._dispatcher.dismiss(call)
            self._go(self._tried_in_vain(one), f"{call} in vain")
        return dial

    # --- what Asterisk tells ------------------------------------------------------------------------------------------

    def saw(self, event: ManagerEvent) -> None:
        """An event of Asterisk's manager, before the dispatcher hears of it."""
        match event.name:
            case "DialEnd":
                if (one := self._tries.get(event.get("Uniqueid"))) is not None:
                    one.status = event.get("DialStatus")
            case "Hangup":
                self._hung_up(event)

    def _hung_up(self, event: ManagerEvent) -> None:
        one = self._tries.pop(event.get("Uniqueid"), None)
        if one is None:
            return
        one.cause = int(event.get("Cause")) if event.get("Cause").isdigit() else 0
        if one.dialled and one.status != ANSWERED:
            self._dispatcher.dismiss(one.call)  # at once: that the customer was not there is no fault of the agent's
            self._go(self._tried_in_vain(one), f"{one.call} in vain")

    async def load(self, snapshot: Snapshot) -> None:
        """After each connect to Asterisk, before the dispatcher is built anew: what is under way is taken over."""
        try:
            rows = await self._callbacks.open()
        except StoreError as error:
            log.warning("callbacks cannot be read", error=str(error))
            return
        self._rows = {row.call: row for row in rows}
        self._tries = {leg: one for leg, one in self._tries.items() if leg in snapshot.channels}
        for row in rows:
            if row.state not in HELD or row.channel not in snapshot.channels:
                continue
            one = self._tries.setdefault(row.channel, _Try(row.call, row.channel))
            one.dialled = row.state != "agent_reserved"
            talks = any(leg.call == row.call and leg.leg == "bridged" for leg in snapshot.legs.values())
            if talks:
                one.status = ANSWERED
            self._hold(row)
            if talks and row.state == "dialling":
                self._go(self._answered(row.call), f"{row.call} answered")
        self._ready = True

    def unready(self) -> None:
        """The manager is away: nobody can say what there is."""
        self._ready = False

    # --- what the dispatcher tells (a witness) ------------------------------------------------------------------------

    def failed(self, offer: Offer, how: str, seconds: float) -> None:  # noqa: ARG002 - it came to nothing
        row = self._rows.get(offer.call)
        if row is not None and row.state == "agent_reserved":
            self._go(self._give_back(offer.call), f"{offer.call} back")

    def talk_began(self, talk: Talk, waited: float) -> None:  # noqa: ARG002
        if is_callback(talk.call):
            self._go(self._answered(talk.call), f"{talk.call} answered")

    def talk_ended(self, talk: Talk, how: TalkEnd, seconds: float) -> None:  # noqa: ARG002
        if is_callback(talk.call):
            self._go(self._done(talk.call, CUT if how == "cut" else ""), f"{talk.call} done")

    # --- keeping it going ---------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Look at the rows again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._look_seconds)
            if not self._ready:
                continue
            try:
                await self.look()
            except StoreError as error:
                log.debug("callbacks cannot be looked at now", error=str(error))
            except Exception:  # a fault of ours with one of them must not keep all others waiting for ever
                log.exception("looking at callbacks failed")

    async def look(self) -> None:
        """Once: who may be called joins the queue, who waited in vain is let go, leases are kept. Raises StoreError."""
        now = self._now()
        for one in await self._callbacks.expire_due(now):
            self._closed(one)
        rows = {row.call: row for row in await self._callbacks.open()}
        for call in set(self._rows) - set(rows):
            if self._rows[call].closed_at is None:  # closed by somebody else
                self._dispatcher.dismiss(call)
                self._locks.pop(call, None)
        for call, row in rows.items():
            if (known := self._rows.get(call)) is not None and known.version > row.version:
                rows[call] = known  # moved while we read
        self._rows = rows
        for row in list(rows.values()):
            if row.state == "waiting":
                await self._let_wait(row, now)
            else:
                await self._lease(row, now)

    async def stop(self) -> None:
        """Stop at once; rows that are in hand are settled by whoever comes next."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _let_wait(self, row: WaitingCallback, now: datetime.datetime) -> None:
        if row.call in self._dispatcher.waiting or row.next_try > now:
            return
        if not self._outside(spoken_form(row.place.number)):
            if not self._told_no_trunk:
                log.warning("nobody can be called back: there is no trunk to the outside (settings, sip.trunks)")
                self._told_no_trunk = True
            return
        async with self._locks[row.call]:
            fresh = await self._callbacks.get(row.id)
            if fresh is None or fresh.state != "waiting":
                return  # who called in meanwhile waits already, and must not be called as well
            verdict = await self._verdict_of(fresh)
            if isinstance(verdict, Now):
                self._hold(fresh)
            else:
                await self._put_off(fresh, verdict)

    async def _lease(self, row: WaitingCallback, now: datetime.datetime) -> None:
        """Keep what goes on; settle what nobody has in hand any more."""
        assert row.lease_until is not None, "the table's own check"
        there = row.channel in self._tries
        if there and (row.holder != self._holder or row.lease_until - now < self._lease_for / 2):
            async with self._locks[row.call]:
                fresh = await self._callbacks.get(row.id)
                if fresh is not None and fresh.state in HELD:
                    await self._callbacks.keep(fresh, holder=self._holder, now=self._now(), lease=self._lease_for)
        elif not there and row.lease_until <= now:
            async with self._locks[row.call]:
                settled = await self._callbacks.settle(row, now=now)
            if settled is not None:
                log.warning("a callback that nobody had in hand was settled", call=row.call, state=settled.state)
                self._took_over(settled)

    def _hold(self, row: WaitingCallback) -> None:
        place = _place(row)
        self._go(self._offers.prepare(row.call, place), f"{row.call} whisper")
        self._dispatcher.hold(row.call, place, _Road(self, row.call))

    # --- moves --------------------------------------------------------------------------------------------------------

    async def ring(self, call: str, variables: Mapping[str, str]) -> None:
        """The dispatcher has a seat for this customer: ring it. Raises AmiError."""
        async with self._locks[call]:
            leg = f"{call}-{secrets.token_hex(6)}"
            agent = next((offer.agent for offer in self._dispatcher.offers.values() if offer.call == call), "")
            try:
                row = await self._row(call)
                verdict = None if row is None else await self._verdict_of(row)
                if row is None or not isinstance(verdict, Now):
                    self._dispatcher.dismiss(call)
                    if row is not None and verdict is not None:
                        await self._put_off(row, verdict)
                    return
                reserved = await self._callbacks.reserve(
                    row, holder=self._holder, agent=agent, now=self._now(), lease=self._lease_for, channel=leg
                )
            except StoreError as error:  # nothing is dialled that is not written down
                log.warning("a customer is not called back while the store is away", call=call, error=str(error))
                self._dispatcher.dismiss(call)
                return
            if reserved is None:  # somebody else has it in hand, or it is over
                self._dispatcher.dismiss(call)
                return
            self._rows[call] = reserved
            self._tries[leg] = _Try(call, leg)
            try:
                await self._legs.ring(leg, call, row.place.line or self._line, variables)
            except AmiError:
                self._tries.pop(leg, None)
                raise

    async def stop_ringing(self, call: str) -> None:
        """The dispatcher takes the seat back. Raises AmiError."""
        row = self._rows.get(call)
        if row is not None and row.channel in self._tries:
            await self._legs.hang_up(row.channel)

    async def _stop_ringing(self, row: WaitingCallback) -> None:
        self._dispatcher.dismiss(row.call)
        self._tries.pop(row.channel, None)
        try:
            await self._legs.hang_up(row.channel)
        except AmiError as error:
            log.debug("a seat that rang for a callback rings no more", error=str(error))

    async def _give_back(self, call: str) -> None:
        async with self._locks[call]:
            row = await self._row(call)
            if row is not None and row.state == "agent_reserved":
                self._tries.pop(row.channel, None)
                self._rows[call] = await self._callbacks.give_back(row) or row

    async def _answered(self, call: str) -> None:
        async with self._locks[call]:
            row = await self._row(call)
            if row is not None and row.state == "dialling":
                self._rows[call] = await self._callbacks.answered(row, now=self._now(), lease=self._lease_for) or row

    async def _done(self, call: str, outcome: str) -> None:
        async with self._locks[call]:
            row = await self._row(call)
            if row is not None and row.state == "dialling":  # it went by faster than we wrote
                row = await self._callbacks.answered(row, now=self._now(), lease=self._lease_for)
            closed = row and await self._callbacks.done(row, now=self._now(), outcome=outcome)
        if closed:
            self._closed(closed)

    async def _tried_in_vain(self, one: _Try) -> None:
        async with self._locks[one.call]:
            row = await self._row(one.call)
            if row is None or row.state != "dialling" or row.channel != one.leg:
                return
            outcome = outcome_of(one.status, one.cause)
            log.info("a customer was called back in vain", call=one.call, outcome=outcome, attempts=row.attempts)
            tried = replace(row, outcome=outcome)
            verdict = await self._verdict_of(tried)
            if isinstance(verdict, Never):
                await self._put_off(tried, verdict)
            else:
                at = verdict.at if isinstance(verdict, NotBefore) else self._now()
                self._rows[one.call] = await self._callbacks.try_again(row, outcome, at) or row

    async def _put_off(self, row: WaitingCallback, verdict: Verdict) -> None:
        """Not now, or never."""
        now = self._now()
        if isinstance(verdict, NotBefore):
            self._rows[row.call] = await self._callbacks.postpone(row, verdict.at) or row
        elif isinstance(verdict, Never):
            match verdict.why:
                case "expired" | "hours":
                    closed = await self._callbacks.expire(row, now=now)
                case "do_not_call" | "refused":
                    closed = await self._callbacks.refuse(row, verdict.why, now=now)
                case _:
                    closed = await self._callbacks.fail(row, row.outcome or verdict.why, now=now)
            if closed is not None:
                self._closed(closed)

    def _took_over(self, row: WaitingCallback) -> None:
        if row.closed_at is not None:
            self._closed(row)
        else:
            self._rows[row.call] = row
            self._dispatcher.dismiss(row.call)

    def _closed(self, row: WaitingCallback) -> None:
        """The end of it: out of the queue; onto the list of missed callers, when it was in vain."""
        self._rows.pop(row.call, None)
        self._dispatcher.dismiss(row.call)
        self._dispatcher.take(CallerGone(row.call))  # no channel has this id, so nobody else will say so
        self._offers.forget(row.call)
        if row.attempts:
            how = row.outcome or row.state
            self._journal.append(Event(row.call, CALL_ENDED, {"how": how}, id=_event_id(row.call, CALL_ENDED)))
        found = outcome_of_callback(row)
        if isinstance(found, MissedCall):
            self._go(self._note_missed(found), f"{row.call} missed")

    async def _note_missed(self, missed: MissedCall) -> None:
        while True:
            try:
                await self._missed.note(missed)
                return
            except StoreAway:
                await asyncio.sleep(LOOK_SECONDS)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _row(self, call: str) -> WaitingCallback | None:
        number = call.removeprefix(CALL_PREFIX)
        return await self._callbacks.get(int(number)) if number.isascii() and number.isdigit() else None

    async def _verdict_of(self, row: WaitingCallback) -> Verdict:
        if await self._attempts.is_under_way(row.place.number, row.place.customer):
            return NotBefore(self._now() + CAMPAIGN_REST, "pause")  # a campaign is calling this customer just now
        tried = Tried(row.expires, row.attempts, earlier_outcome(row.outcome), row.tried_at)
        return await self._verdict(row.place.number, row.place.customer, tried)

    async def _verdict(self, number: str, customer: int | None, tried: Tried) -> Verdict:
        zone, days = self._days()
        known = await self._customers.by_id(customer) if customer is not None else None
        tried = replace(
            tried,
            do_not_call=await self._do_not_call.reason(number),
            quiet_from=known.quiet_from if known else None,
            quiet_until=known.quiet_until if known else None,
        )
        return may_dial(self._rules, tried, self._now(), zone, days)

    async def _place_of(self, call: str) -> Place | None:
        """From the journal: the controller to which this call gave up its place is gone."""
        joined = [event for event in await self._calls.events(call) if event.kind == WAIT_JOINED]
        return _told_place(joined[-1].data) if joined else None

    def _go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or not (error := task.exception()):
            return
        if isinstance(error, StoreError):  # the row stands where it was, and its lease ends
            log.warning("a callback could not be moved", task=task.get_name(), error=str(error))
        else:
            log.error("a callback broke at something", task=task.get_name(), exc_info=error)


class _Road:
    """One customer's way to a seat (``ivr.queueing.stages.Road``)."""

    def __init__(self, desk: CallbackDesk, call: str) -> None:
        self._desk = desk
        self._call = call

    async def send(self, variables: Mapping[str, str]) -> None:
        await self._desk.ring(self._call, variables)

    async def take_back(self) -> None:
        await self._desk.stop_ringing(self._call)


def _place(row: WaitingCallback) -> Place:
    """The place as it was; of a row without one, as much as the row itself says."""
    kept = decode(str(row.place.needs.get(PLACE, "")))
    if kept is not None:
        return replace(kept, joined=row.place.joined.timestamp(), tier=row.place.tier)
    place = row.place
    return Place(place.joined.timestamp(), place.tier, place.language, customer=place.customer, line=place.line)


def _told_place(data: Mapping[str, Any]) -> Place:
    """The place that ``wait.joined`` tells of, as far as it does: it says nothing of a consent or of managers."""
    return Place(
        datetime.datetime.fromisoformat(data["joined"]).timestamp(),
        data["tier"],
        data["language"],
        branch=data["branch"],
        required=data["required"],
        wished=data["wished"],
        customer=data["customer"],
        line=data["line"],
        reason=data["reason"],
    )


def _event_id(call: str, kind: str) -> str:
    """Of events that are told once, whoever tells them."""
    return hashlib.blake2b(f"{call} {kind}".encode(), digest_size=_ID_BYTES).hexdigest()
