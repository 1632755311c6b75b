"""The dials of one controller: from a target to the end of its call. What Asterisk and the queue tell comes in here.

A target is held exactly as long as it has an open attempt, and its row says ``dialling`` before Asterisk hears of the
number (``ledger``): whatever dies in between, nobody is dialled twice, and nobody is forgotten.

Must not know: how many to dial (``lanes``), how Asterisk is told (``originate``), what a campaign is (``book``).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

import structlog

from db.agent import Session
from db.attempt import Attempt
from db.errors import StoreError
from db.events import OUTBOUND_ABANDONED, OUTBOUND_MACHINE
from db.outbound_states import Mode
from db.phone_numbers import spoken_form
from db.target import Target, TargetMove
from ivr.ami.errors import ActionTimeout, AmiError, LinkLost
from ivr.ami.protocol import Event as ManagerEvent
from ivr.contract import VAR_LINE, VAR_NUMBER
from ivr.dialing.dial import Dial
from ivr.dialing.early_media import FOLLOW_SECONDS, EarlyMediaRecorder, Sound
from ivr.dialing.ledger import Ledger, restored
from ivr.dialing.originate import Dials
from ivr.dialing.plan import Book, Plan
from ivr.dialing.seen import Answered, Began, DialFact, EarlyMedia, Failed, Gone, Rings, fact_of
from ivr.dialing.trunks import Trunks
from ivr.queueing.place import Place
from ivr.queueing.stages import Talk, TalkEnd, Witness
from outbound.machines import Answer, AnswerListener, MachineRules
from outbound.outcomes import AGENT_WITHIN_SECONDS, AfterAnswer, Outcome
from outbound.pacing import Pacer

log = structlog.get_logger(__name__)

OWN_SECONDS: Final = 10.0  # after all of its ringing: a dial of which nobody has told the end
TOLD_SECONDS: Final = 1.0  # the two tellings of one end come within milliseconds of one another
LONGEST_START: Final = 5.0  # seconds that a target waits for its trunk before it waits for its turn again
SETTLE_SECONDS: Final = 3.0  # an order that was given so long ago has been carried out, or never will be
AGENT_FIRST: Final[tuple[Mode, ...]] = ("reserved", "preview")  # modes in which an agent is there for sure
GREETING_SECONDS: Final = 4.0  # of an automatic call: who hangs up within it has not heard what it is about
MACHINES: Final = MachineRules()
LOOK_SECONDS: Final = 0.05  # between two looks for a trunk that has no channel free


class Heard(Protocol):
    """What early media was."""

    @property
    def outcome(self) -> Outcome | None: ...

    @property
    def reference(self) -> str: ...

    @property
    def rang(self) -> bool: ...


Listen = Callable[[Sound], Awaitable[Heard]]


class DialDesk(Witness):
    """All dials that are open, by call, and what becomes of them."""

    def __init__(
        self,
        ledger: Ledger,
        told: Dials,
        recorder: EarlyMediaRecorder | None,
        listen: Listen,
        trunks: Trunks,
        book: Book,
        line: str,
        now: Callable[[], datetime.datetime],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``told`` is how Asterisk is told; ``line`` is the hotline's number; ``recorder`` is None where early media
        cannot be heard."""
        self.ledger = ledger
        self.told = told
        self.trunks = trunks
        self.line = line
        self.now = now
        self.clock = clock
        self._recorder = recorder
        self._listen = listen
        self._book = book
        self._loaded = asyncio.Event()
        self.dials: dict[str, Dial] = {}
        self.starting: dict[str, float] = {}  # keys of targets on their way to the trunk, and since when
        self.pacer_of: Callable[[str], Pacer | None] = lambda _campaign: None
        self.wake: Callable[[], None] = lambda: None  # something happened that a pacer should know
        self.spoken: Callable[[Plan, str], bool] = lambda _plan, _language: False
        self.ended_by_seat: Callable[[Dial], None] = lambda _dial: None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        """Asterisk is there, and what goes on in it is known."""
        return self._loaded.is_set()

    def unready(self) -> None:
        """The manager is away: nobody can be dialled, and nobody can say what there is."""
        self._loaded.clear()

    async def stop(self) -> None:
        """No more dials; calls go on by themselves, and the next controller has them."""
        self.unready()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.ledger.moves.stop()
        if self._recorder is not None:
            await self._recorder.stop()

    def of_campaign(self, campaign: str) -> list[Dial]:
        """Its open dials."""
        return [dial for dial in self.dials.values() if dial.plan.name == campaign]

    # --- dialling -----------------------------------------------------------------------------------------------------

    def start(self, plan: Plan, target: Target) -> None:
        """Dial this target as soon as the trunk takes it. Never waits."""
        key = str(target.id)
        self.starting[key] = time.monotonic()
        self._go(self._start(plan, target), f"dial target {key}")

    async def _start(self, plan: Plan, target: Target) -> None:
        key, dialled = str(target.id), False
        try:
            dialled = await self._dial(plan, target)
        except StoreError as error:  # nothing is dialled that is not written down; leases end by themselves
            log.warning("a target is not dialled while the store is away", campaign=plan.name, error=str(error))
        finally:
            self.starting.pop(key, None)
            if not dialled and (pacer := self.pacer_of(plan.name)) is not None:
                pacer.cancelled(key, time.monotonic())

    async def _dial(self, plan: Plan, target: Target) -> bool:
        dial = await self.leased(plan, target, plan.mode)
        if dial is None:
            return False
        if not await self._may_be_dialled(dial, agent_is_there=False):
            return False
        if not await self._written_down(dial, dial.call):
            return False
        await self._tell(dial)
        return True

    async def leased(self, plan: Plan, target: Target, mode: Mode) -> Dial | None:
        """An attempt on this target that nobody else can make; None: it is not to be. Raises StoreError."""
        agent_first = mode in AGENT_FIRST
        number = await self._book.number(target, agent_is_there=agent_first)
        if isinstance(number, TargetMove):
            await self.ledger.targets.move(target, number, now=self.now())
            return None
        row = await self.ledger.lease(plan, target, number, mode)
        return None if row is None else Dial(row, target, plan)

    async def dial_by_seat(self, dial: Dial) -> bool:
        """The agent is there: may the leg dial the customer? False: the attempt was given back. Raises StoreError."""
        if not await self._may_be_dialled(dial, agent_is_there=True):
            return False
        return await self._written_down(dial, dial.leg)

    async def keep_back(self, dial: Dial, move: TargetMove | None) -> None:
        """It is not dialled after all. Raises StoreError."""
        self.trunks.release(dial.call)
        await self.ledger.keep_back(dial, move)

    async def _may_be_dialled(self, dial: Dial, *, agent_is_there: bool) -> bool:
        """A trunk takes it, and no rule is against it at this moment."""
        dial.trunk = await self._trunk(dial)
        if not dial.trunk:
            await self.keep_back(dial, None)
            return False
        move = await self._book.verdict(dial.row, dial.target, agent_is_there=agent_is_there)
        if move is not None:
            await self.keep_back(dial, move)
        return move is None

    async def _trunk(self, dial: Dial) -> str:
        until = time.monotonic() + LONGEST_START
        while self.ready and (now := time.monotonic()) < until:
            name = self.trunks.take(dial.call, now, dial.plan.trunks)
            if name is not None:
                return name
            wait = self.trunks.wait(now)
            await asyncio.sleep(LOOK_SECONDS if wait is None else max(wait, 0.001))
        return ""

    async def _written_down(self, dial: Dial, channel: str) -> bool:
        at = self.clock()
        try:
            written = await self.ledger.write_down(dial, channel, at)
        except StoreError:
            self.trunks.release(dial.call)
            raise
        if not written:
            self.trunks.release(dial.call)
            return False
        self.dials[dial.call] = dial
        return True

    async def _tell(self, dial: Dial) -> None:
        """Asterisk is told, once. Whether it heard is told by events, unless it says at once that it did not."""
        spoken = spoken_form(dial.row.number)
        shown = dial.plan.shown or self.line
        variables = {VAR_NUMBER: spoken, VAR_LINE: shown}
        dial.sent = True
        try:
            await self.told.dial(dial.call, f"PJSIP/{spoken}@{dial.trunk}", dial.plan.ring, shown, variables)
        except (ActionTimeout, LinkLost) as error:  # it may have heard all the same
            log.warning("Asterisk has not said whether it dials", call=dial.call, error=str(error))
        except AmiError as error:
            log.warning("Asterisk does not dial", call=dial.call, error=str(error))
            dial.reason = 0
            self.over(dial)

    def cancel(self, campaign: str, key: str) -> None:
        """Give up a dial that still rings."""
        dial = next((one for one in self.of_campaign(campaign) if one.key == key), None)
        if dial is None or dial.answered_at is not None or dial.over:
            return
        dial.cancelled = True
        dial.told.set()
        self._go(self._hang_up(dial), f"cancel {dial.call}")

    async def _hang_up(self, dial: Dial) -> None:
        try:
            await self.told.hang_up(dial.channel or dial.call)
        except AmiError as error:
            log.debug("a dial that was to be given up is over already", call=dial.call, error=str(error))

    # --- whoever answered ---------------------------------------------------------------------------------------------

    async def loaded(self, seconds: float) -> None:
        """Until it is known what goes on in Asterisk, for so long at most: a controller takes calls before it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._loaded.wait()

    def place_of(self, call: str) -> Place | None:
        """The place in the queue of somebody who has answered us; None for everybody else."""
        dial = self.dials.get(call)
        if dial is None or not dial.plan.for_agents or dial.answered_at is None:
            return None
        target = dial.target
        return Place(
            joined=dial.answered_at,
            tier=target.tier,
            language=target.language if self.spoken(dial.plan, target.language) else "",
            branch=target.branch if dial.plan.own_branch else "",
            required=dial.plan.skills,
            customer=target.customer,
            line=dial.plan.shown or self.line,
            at_once=True,
        )

    def answer_seen(self, call: str) -> Dial | None:
        """The customer's session is here: it was answered, whether the manager has told so already or not."""
        dial = self.dials.get(call)
        if dial is not None and dial.answered_at is None:
            self.answered(dial)
        return dial

    def notice_begins(self, call: str, *, soon: bool = False) -> None:
        """Of an automatic call: what it is about begins to be said; or ``soon``, after the greeting."""
        dial = self.dials.get(call)
        if dial is None or dial.over:
            return
        if soon:
            asyncio.get_running_loop().call_later(GREETING_SECONDS, self.notice_begins, call)
        else:
            self._served(dial, "notice", "")

    def answered(self, dial: Dial, at: float | None = None) -> None:
        """Somebody, or something, has taken the call: at this time, as Asterisk has it, or now."""
        now = self.clock()
        at = min(at, now) if at is not None else now
        if dial.answered_at is not None:
            dial.answered_at = min(dial.answered_at, at)  # the session was here before the news
            return
        dial.answered_at = at
        dial.told.set()
        if self._recorder is not None and dial.plan.machines:
            self._go(self._who_answered(self._recorder, dial), f"who answered {dial.call}")
        elif self._recorder is not None:
            self._recorder.drop(dial.call, dial.channel or dial.call)
        if not dial.leg and (pacer := self.pacer_of(dial.plan.name)) is not None:
            pacer.answered(dial.key, time.monotonic())
        self.ledger.answered(dial, dial.answered_at)
        self.wake()

    async def _who_answered(self, recorder: EarlyMediaRecorder, dial: Dial) -> None:
        """Listen until it is known whether a person answered. Whoever is served meanwhile is not kept waiting."""
        listener = AnswerListener(MACHINES)
        pieces = recorder.after_answer(dial.call, dial.channel or dial.call, MACHINES.not_sure + FOLLOW_SECONDS)
        async with contextlib.aclosing(pieces):
            async for sound in pieces:
                answer = listener.feed(sound)
                if answer is not None or dial.over:
                    break
        if listener.answer is not None and not dial.over:
            self._known(dial, listener.answer)

    def _known(self, dial: Dial, answer: Answer) -> None:
        """A machine is not told anything more; an agent who talks to one says so, and ends the call."""
        if answer.who == "person":
            return
        told = {"who": answer.who, "why": answer.why, "seconds": round(answer.seconds, 1)}
        self.ledger.say_once(dial.call, OUTBOUND_MACHINE, told)
        if dial.then in ("", "notice"):
            dial.then = "fax" if answer.who == "fax" else "machine"
            self._go(self._hang_up(dial), f"hang up on {dial.call}")

    def _served(self, dial: Dial, then: AfterAnswer, agent: str) -> None:
        if dial.then:
            return
        self.answered(dial)
        dial.then, dial.agent, dial.served_at = then, agent, self.clock()
        if (pacer := self.pacer_of(dial.plan.name)) is not None:
            pacer.connected(dial.key, time.monotonic())
        self.ledger.connected(dial, dial.served_at)

    # --- what the queue tells (a witness) -----------------------------------------------------------------------------

    def talk_began(self, talk: Talk, waited: float) -> None:  # noqa: ARG002 - measured from the answer
        dial = self.dials.get(talk.call)
        if dial is not None:
            self._served(dial, "agent", talk.agent)

    def talk_ended(self, talk: Talk, how: TalkEnd, seconds: float) -> None:  # noqa: ARG002
        self.wake()

    def session(self, session: Session) -> None:  # noqa: ARG002 - all of them are looked at
        self.wake()

    def left(self, call: str, place: Place, how: str, waited: float) -> None:  # noqa: ARG002
        """Somebody who answered us waits no more, and talks to nobody."""
        dial = self.dials.get(call)
        if dial is None or dial.answered_at is None or dial.then or dial.leg:
            return
        now = self.clock()
        if how in ("limit", "nobody"):
            dial.then, dial.served_at = "safe_harbour", now
        seconds = now - dial.answered_at
        late = bool(dial.then) or seconds > AGENT_WITHIN_SECONDS
        if late:
            self.ledger.say_once(call, OUTBOUND_ABANDONED, {"seconds": round(seconds, 2)})
        if (pacer := self.pacer_of(dial.plan.name)) is not None:
            (pacer.abandoned if late else pacer.hung_up)(dial.key, time.monotonic())

    # --- what Asterisk tells ------------------------------------------------------------------------------------------

    def saw(self, event: ManagerEvent) -> None:
        """An event of Asterisk's manager, before the queue hears of it."""
        fact = fact_of(event)
        if fact is not None and (dial := self.dials.get(fact.call)) is not None:
            self._take(dial, fact)

    def _take(self, dial: Dial, fact: DialFact) -> None:
        if isinstance(fact, Failed):
            dial.reason = fact.reason
            dial.told.set()
            if not dial.seen:
                self._go(self._over_unseen(dial), f"end {dial.call}")
            return
        dial.channel, dial.seen = fact.channel, True
        match fact:
            case Began():
                pass
            case Rings():
                dial.rang_at = dial.rang_at or self.clock()
                self._pacer_hears_ringing(dial)
            case EarlyMedia():
                if self._recorder is not None and dial.answered_at is None:
                    self._recorder.begin(dial.call, dial.channel)
                self._pacer_hears_ringing(dial)
            case Answered(_, _, at):
                self.answered(dial, at)
            case Gone(_, _, cause, sip, at):
                dial.cause, dial.sip = cause, sip
                self.over(dial, at)

    async def _over_unseen(self, dial: Dial) -> None:
        """Asterisk has given up a call of which it has told no channel. Either there never was one, and nobody will
        tell of its end; or that is told in a moment, by another thread of Asterisk's."""
        await asyncio.sleep(TOLD_SECONDS)
        if not dial.seen:
            self.over(dial)

    def _pacer_hears_ringing(self, dial: Dial) -> None:
        if (pacer := self.pacer_of(dial.plan.name)) is not None:
            pacer.ringing(dial.key, time.monotonic())

    def give_up_unseen(self) -> None:
        """Dials of which nobody has told the end, long after there must have been one."""
        now = self.clock()
        for dial in list(self.dials.values()):
            late = dial.dialled_at is not None and now - dial.dialled_at > dial.plan.ring + OWN_SECONDS
            if self.ready and late and dial.answered_at is None and not dial.leg and not dial.over:
                log.warning("nobody has told how a dial ended", call=dial.call)
                dial.lost = True
                self._go(self._hang_up(dial), f"end {dial.call}")
                self.over(dial)

    # --- the end ------------------------------------------------------------------------------------------------------

    def over(self, dial: Dial, at: float | None = None) -> None:
        """The call is over: at this time, as Asterisk has it, or now. Never waits."""
        if dial.over:
            return
        dial.over = True
        dial.ended_at = min(at, self.clock()) if at is not None else self.clock()
        self.trunks.release(dial.call)
        self._go(self._end(dial), f"end {dial.call}")

    async def _end(self, dial: Dial) -> None:
        if dial.answered_at is None and not dial.lost and dial.sent and dial.seen:
            try:
                async with asyncio.timeout(TOLD_SECONDS):
                    await dial.told.wait()
            except TimeoutError:
                log.debug("Asterisk has not said why it gave a call up", call=dial.call)
        await self._hear(dial)
        outcome = self.ledger.ended(dial, self._written)
        if not dial.leg and (pacer := self.pacer_of(dial.plan.name)) is not None:
            now = time.monotonic()
            if dial.answered_at is None and dial.cancelled:
                pacer.cancelled(dial.key, now)
            elif dial.answered_at is None:
                pacer.failed(dial.key, now, fast=dial.rang_at is None)
            else:
                (pacer.abandoned if outcome == "abandoned" else pacer.hung_up)(dial.key, now)
        self.wake()

    def _written(self, dial: Dial) -> None:
        self.dials.pop(dial.call, None)
        if dial.leg:
            self.ended_by_seat(dial)
        self.wake()

    async def _hear(self, dial: Dial) -> None:
        if self._recorder is None or dial.answered_at is not None:
            return
        sound = await self._recorder.take(dial.call)
        if sound is not None:
            heard = await self._listen(sound)
            dial.heard, dial.announcement, dial.heard_ringing = heard.outcome, heard.reference, heard.rang

    # --- after a restart, or when Asterisk is back --------------------------------------------------------------------

    async def load(self, channels: Mapping[str, bool]) -> tuple[Dial, ...]:
        """After each connect to Asterisk, before its events are told: every channel's id, and whether it is up.

        What goes on is taken over, and given. What had a channel and has none any more is over. Of what another
        controller holds only its lease says that it is dead (``settle_lapsed``).
        """
        taken = []
        try:
            for row in await self.ledger.attempts.open():
                if row.channel in channels and row.call not in self.dials and row.state != "leased":
                    dial = await self._take_over(row)
                    if dial is not None:
                        taken.append(dial)
                        if not dial.leg and channels[row.channel] and dial.answered_at is None:
                            self.answered(dial)
        except StoreError as error:
            log.warning("attempts cannot be read", error=str(error))
        settled = self.clock() - SETTLE_SECONDS
        for dial in list(self.dials.values()):
            known = dial.seen or bool(dial.leg) or (dial.dialled_at or 0.0) < settled  # or it may only be on its way
            if known and (dial.leg or dial.call) not in channels:
                dial.lost = True
                self.over(dial)
        if self._recorder is not None:
            self._recorder.sweep({call for call, dial in self.dials.items() if dial.answered_at is None})
        self._loaded.set()
        self.wake()
        return tuple(taken)

    async def _take_over(self, row: Attempt) -> Dial | None:
        ledger = self.ledger
        target = await ledger.targets.get(row.target)
        plan = await self._book.plan(row.campaign)
        if target is None or isinstance(plan, str):
            log.error("a call of a campaign cannot be taken over", call=row.call, why=plan)
            return None
        taken = await ledger.take(row)
        if taken is None:
            return None
        dial = restored(taken, target, plan)
        dial.seen = dial.sent = True
        self.dials[row.call] = dial
        self.trunks.adopt(row.call, row.trunk or next(iter(self.trunks.names), ""))
        log.info("a call of a campaign goes on", call=row.call, state=row.state)
        return dial

    async def settle_lapsed(self, held: frozenset[str]) -> None:
        """Attempts that nobody has in hand any more: given back, or ended as far as is known. Raises StoreError."""
        for row in await self.ledger.attempts.lapsed(self.now()):
            if row.call in self.dials or row.call in held:
                continue
            target = await self.ledger.targets.get(row.target)
            plan = await self._book.plan(row.campaign)
            if target is None or isinstance(plan, str):
                log.error("an attempt cannot be settled", call=row.call, why=plan)
                continue
            await self.ledger.settle(row, target, plan)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a dial broke at something", task=task.get_name(), exc_info=error)
