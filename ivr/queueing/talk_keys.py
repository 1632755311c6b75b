"""An agent's keys: codes within a talk, which Asterisk tells by an event, and on hold whom to ring.

In a talk Asterisk listens for the codes on the leg to a seat alone (features.conf): a caller's keys are never one of
them. While the caller is on hold the leg has a session with us, in which keys are read one by one. What is refused is
told with the reason in the log, and to the agent in words. Must not know: events but its own, the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Literal

import structlog

from agent_routing.feature_codes import Act, FeatureCodes
from ivr.ami.errors import AmiError
from ivr.ami.protocol import Event
from ivr.call import Call
from ivr.contract import USER_EVENT_KEY, USER_EVENT_KEY_ACT, VAR_CALL, VAR_SEAT
from ivr.errors import GoldlineError
from ivr.flow.prompts import Prompts
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.seen import variables_of
from ivr.queueing.supervision import Supervision
from ivr.queueing.talk_desk import TalkDesk
from ivr.queueing.target import keyed
from ivr.speech.utterance import Utterance

log = structlog.get_logger(__name__)

KEY_SECONDS: Final = 8.0  # for the next digit of a number that somebody looks up
CODE_SECONDS: Final = 2.0  # for the next key of a code
QUIET_SECONDS: Final = 1.0  # of one wait for a key: the agent is told soon how a proof came out
TOLD_SECONDS: Final = 10.0  # for telling the agent, before the caller comes back all the same
MOST_DIGITS: Final = 20
TARGET: Final = "talk_whom"  # asks for an agent's id, a skill's key or a number
REFUSED: Final = "talk_refused"  # that cannot be done now
PROVEN: Final = "talk_caller_proven"
NOT_PROVEN: Final = "talk_caller_not_proven"

Wanted = Literal["transfer", "consult"]


class TalkKeys:
    """The keys of one controller's agents."""

    def __init__(
        self,
        desk: TalkDesk,
        supervision: Supervision,
        dispatcher: Dispatcher,
        codes: FeatureCodes,
        prompts: Prompts,
        language: str,
    ) -> None:
        self._desk = desk
        self._supervision = supervision
        self._dispatcher = dispatcher
        self._codes = codes
        self._prompts = prompts
        self._language = language
        self._wanted: dict[str, Wanted] = {}  # by call: what the agent keyed before the caller was put on hold
        self._proving: dict[str, asyncio.Future[bool]] = {}  # by call: how it came out
        self._told: dict[str, asyncio.Event] = {}  # by call: the agent has heard how
        self._tasks: set[asyncio.Task[None]] = set()
        self._acts: Mapping[Act, Callable[[str], Awaitable[None]]] = {
            "hold": self._hold_or_back,
            "transfer": lambda agent: self._hold_for(agent, "transfer"),
            "consult": lambda agent: self._hold_for(agent, "consult"),
            "complete": desk.complete,
            "conference": desk.conference,
            "verify": desk.verify,
        }

    def saw(self, event: Event) -> None:
        """An event of Asterisk's manager: perhaps a code."""
        if event.name != "UserEvent" or event.get("UserEvent") != USER_EVENT_KEY:
            return
        leg = variables_of(event, "ChanVariable")
        call, seat, act = leg.get(VAR_CALL, ""), leg.get(VAR_SEAT, ""), event.get(USER_EVENT_KEY_ACT)
        if not seat or not call:
            return
        if act == "take_over":
            self._go(self._supervision.takes_over(call, seat, event.get("Channel")), seat, act)
            return
        talk = self._dispatcher.talks.get(seat)
        known = next((one.act for one in self._codes.codes if one.act == act), None)
        if talk is None or known is None or known not in self._acts:
            log.info("a code in no talk", seat=seat, act=act)
            return
        self._go(self._run(known, talk.agent), seat, act)

    async def serve(self, call: Call, talk_call: str, seat: str) -> None:
        """The session of a leg whose caller is on hold or proves who it is. Ends when the leg goes elsewhere."""
        talk = self._dispatcher.talks.get(seat)
        if talk is None or talk.call != talk_call:
            return  # the dialplan asks again, or hangs up
        codes = {one.code: one.act for one in self._codes.codes if one.in_talk}
        rest = max((len(code) for code in codes), default=1) - 1
        while True:
            if (wanted := self._wanted.pop(talk_call, None)) is not None:
                await self._ask(call, talk.agent, wanted)
            proving = self._proving.get(talk_call)
            if proving is not None and proving.done():
                await call.play(self._say(PROVEN if proving.result() else NOT_PROVEN), until_end=True)
                if (told := self._told.get(talk_call)) is not None:
                    told.set()
                self._proving.pop(talk_call, None)
            if await call.wait_quietly(QUIET_SECONDS) != "*":
                continue
            # The rest is collected inside Asterisk: a key that ends between two commands is lost.
            act = codes.get("*" + await call.more_digits(rest, seconds=CODE_SECONDS))
            if act is not None:
                await self._keyed_on_hold(call, talk.agent, act)

    def proves(self, call: str) -> None:
        """A caller in a talk begins to prove who it is."""
        self._proving[call] = asyncio.get_running_loop().create_future()
        self._told[call] = asyncio.Event()

    def forget(self, call: str) -> None:
        """The caller is gone, or with another controller."""
        self._proving.pop(call, None)
        self._told.pop(call, None)

    async def proved(self, call: str, proven: bool) -> None:
        """… and is done with it; returns when the agent has heard how, or does not listen."""
        future, told = self._proving.get(call), self._told.get(call)
        if future is None or told is None:
            return
        if not future.done():
            future.set_result(proven)
        try:
            async with asyncio.timeout(TOLD_SECONDS):
                await told.wait()
        except TimeoutError:
            log.info("the agent was not told how it came out", call=call)
        self.forget(call)

    async def stop(self) -> None:
        """No more keys."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, act: Act, agent: str) -> None:
        await self._acts[act](agent)

    async def _hold_or_back(self, agent: str) -> None:
        talk = self._desk.talk(agent)
        if await self._desk.stage(talk) == "together":
            await self._desk.hold(agent)
        else:
            await self._desk.resume(agent)

    async def _hold_for(self, agent: str, wanted: Wanted) -> None:
        talk = self._desk.talk(agent)
        self._wanted[talk.call] = wanted
        try:
            await self._desk.hold(agent)
        except GoldlineError:
            self._wanted.pop(talk.call, None)
            raise

    async def _keyed_on_hold(self, call: Call, agent: str, act: Act) -> None:
        if act in ("transfer", "consult"):
            await self._ask(call, agent, "transfer" if act == "transfer" else "consult")
            return
        try:
            await self._run(act, agent)
        except GoldlineError as error:
            log.info("a code is refused", agent=agent, act=act, why=error.message)
            await call.play(self._say(REFUSED))

    async def _ask(self, call: Call, agent: str, wanted: Wanted) -> None:
        """Whom to ring. Nothing keyed: the caller stays on hold."""
        found = await call.gather(self._say(TARGET), most=MOST_DIGITS, cancel="*", seconds=KEY_SECONDS)
        if not found.digits:
            return
        try:
            to = keyed(found.digits, self._desk.rules)
            if wanted == "transfer":
                await self._desk.transfer(agent, to)
            else:
                await self._desk.consult(agent, to)
        except AmiError as error:
            log.warning("an agent's caller could not be moved", agent=agent, error=str(error))
            await call.play(self._say(REFUSED))
        except GoldlineError as error:
            log.info("a target is refused", agent=agent, why=error.message)
            await call.play(self._say(REFUSED))

    def _say(self, prompt: str) -> Utterance:
        return self._prompts.say(prompt, self._language, {})

    def _go(self, work: Coroutine[Any, Any, None], seat: str, act: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"{act} {seat}")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, GoldlineError):
            log.info("a code is refused", what=task.get_name(), why=error.message)
        else:
            log.error("a code broke something", what=task.get_name(), exc_info=error)
