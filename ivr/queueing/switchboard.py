"""The queue put together: staff, dispatcher, offers and waiting room, and the loops that keep them true.

The only place in this room that knows all its parts. Whoever has the manager's events hands each to ``saw``, and runs
``resync`` after each connect.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import structlog

from agent_routing import policy_file
from agent_routing.desk import AgentDesk
from agent_routing.talk_times import TalkTimes
from db.agent import Session
from db.agents import Agents
from db.audit import Audit
from db.calls import Calls
from db.customer import brokerage_day
from db.errors import StoreError
from db.events import utcnow
from db.recognition import Recognition
from db.routing_profile import RoutingProfiles
from db.seats import Seats
from db.talks import Talks
from ivr.ami.client import AmiClient
from ivr.ami.errors import AmiError
from ivr.ami.protocol import Event
from ivr.queueing import news
from ivr.queueing.acts import ManagerActs
from ivr.queueing.away import AwayQueue
from ivr.queueing.callback_road import CallbackLegs
from ivr.queueing.callbacks import CallbackDesk
from ivr.queueing.chronicle import Chronicle
from ivr.queueing.dispatcher import Dispatcher
from ivr.queueing.keeping import Keeping
from ivr.queueing.last_talks import LastTalks
from ivr.queueing.offer import OfferMaker, warm
from ivr.queueing.open_legs import OpenLegs
from ivr.queueing.policy_watch import PolicyWatch
from ivr.queueing.questions import Questions
from ivr.queueing.room import Room
from ivr.queueing.seen import STATUS_VARIABLES, fact_of, snapshot_of
from ivr.queueing.staff import Staff
from ivr.queueing.stages import Witnesses
from ivr.queueing.supervision import Supervision
from ivr.queueing.surroundings import Rules, Surroundings
from ivr.queueing.talk_acts import TalkActs
from ivr.queueing.talk_desk import TalkDesk
from ivr.queueing.talk_keys import TalkKeys
from ivr.queueing.talk_routes import TalkRoutes
from ivr.recordings import retention
from ivr.recordings.folder import Folder
from ivr.recordings.keeper import Keeper
from ivr.speech.errors import SpeechError
from ivr.speech.values import Name

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0  # between two looks at what others did to the sessions (docs/seats.md)
TALKS_DAYS: Final = 14  # of talks that the estimate learns from
TALKS_EVERY: Final = 3600.0  # seconds between two lessons
USUAL_TALKS: Final = (30.0, 60.0, 90.0, 120.0, 150.0, 180.0, 240.0, 300.0, 420.0, 600.0)  # until some were measured


class Switchboard:
    """The queue of one controller. ``start`` and ``stop`` are its life."""

    def __init__(self, around: Surroundings) -> None:
        """Raises GoldlineError when a file of rules has faults."""
        store, journal, actions = around.store, around.journal, around.actions
        rules = Rules.read(around.routing)
        self._around = around
        self._policy = PolicyWatch(around.routing / policy_file.POLICY_FILE.name)
        self._profiles = RoutingProfiles(store)
        self.desk = AgentDesk(store, rules.times, rules.reasons)
        self.acts = ManagerActs(actions)
        self.staff = Staff(self.desk, Agents(store), Seats(store), rules.times, utcnow, self._session_changed)
        self.offers = OfferMaker(
            around.prompts, around.voice, self._name_of, around.recordings, around.language, around.beep
        )
        self.keeping = Keeping(Keeper(store, Folder(Path(around.recordings)), retention.read()))
        self.last_talks = LastTalks(Talks(store).last_ended)
        self.witnesses = Witnesses(Chronicle(journal, self._news), self.keeping, self.last_talks)
        self.dispatcher = Dispatcher(
            self.staff, self.acts, self.offers, self.witnesses, rules.policy, TalkTimes(USUAL_TALKS)
        )
        self.callbacks = CallbackDesk(
            store,
            journal,
            self.dispatcher,
            self.offers,
            CallbackLegs(actions),
            rules.callbacks,
            around.days,
            around.outside,
            around.line,
        )
        self.witnesses.add(self.callbacks)
        self.room = Room(self.dispatcher, self.offers, self._profiles, Recognition(store), self.callbacks.called_in)
        self.questions = Questions(self.dispatcher)
        self._open_talks(rules)
        self.away = AwayQueue(actions, self.acts, journal, _is_known_to(Calls(store)), around.queue_log)
        self.open_legs = OpenLegs(actions, self.staff, self.dispatcher.seating, self.offers.accept)
        self._loops: set[asyncio.Task[None]] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._today = brokerage_day(utcnow())

    def _open_talks(self, rules: Rules) -> None:
        """What can be done within a talk: by keys, by commands, by supervisors."""
        around, acts = self._around, TalkActs(self._around.actions)
        self.talk_desk = TalkDesk(
            self.dispatcher,
            self.staff,
            acts,
            self.offers,
            self.witnesses,
            around.journal,
            rules.talks,
            around.outside,
        )
        self.dispatcher.talk_desk = self.talk_desk
        self.supervision = Supervision(self.dispatcher, self.staff, self.talk_desk, acts, Audit(around.store))
        self.talk_keys = TalkKeys(
            self.talk_desk, self.supervision, self.dispatcher, rules.codes, around.prompts, around.language
        )
        self.talk_routes = TalkRoutes(self.talk_desk, self.supervision)

    async def start(self) -> None:
        """Begin; a store that is away is asked again and again."""
        try:
            await self.staff.load()
        except StoreError as error:
            log.warning("who is at work is not known yet", error=str(error))
        self.keeping.start()
        for work, name in (
            (self._follow_sessions(), "sessions"),
            (self.room.keep_estimating(), "estimates"),
            (self._learn_talk_times(), "talk times"),
            (self._warm(), "words for agents"),
            (self.callbacks.follow(), "callbacks"),
            (self.away.keep(), "Asterisk's own queue"),
        ):
            self._keep(work, name)

    async def stop(self) -> None:
        """End; callers, talks and seats go on by themselves."""
        loops = [*self._loops, *self._telling]
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self.open_legs.stop()
        await self.talk_keys.stop()
        await self.talk_desk.stop()
        await self.callbacks.stop()
        await self.dispatcher.stop()
        await self.keeping.stop()

    async def resync(self, ami: AmiClient) -> None:
        """Read everything anew: after each connect to Asterisk, before its events are handed out."""
        self.dispatcher.unready()
        self.callbacks.unready()
        waiting_there = await self.away.close(ami)
        try:
            await self.staff.refresh()
        except StoreError as error:
            log.warning("sessions cannot be read; those known stand", error=str(error))
        channels = await ami.list("Status", {"Variables": ",".join(STATUS_VARIABLES)})
        devices = await ami.list("DeviceStateList")
        snapshot = snapshot_of(channels, devices)
        await self.away.take_back(waiting_there, snapshot)
        self.open_legs.found(channels)
        self.talk_desk.rebuild(snapshot)
        await self.callbacks.load(snapshot)
        self.dispatcher.rebuild(snapshot)
        self.away.open()
        self.open_legs.begin()

    def saw(self, event: Event) -> None:
        """An event of Asterisk's manager."""
        self.callbacks.saw(event)
        fact = fact_of(event)
        if fact is not None:
            self.dispatcher.take(fact)
            if (work := self.away.saw(fact)) is not None:
                self._keep(work, "back from Asterisk's own queue")
        else:
            self.talk_keys.saw(event)
        self.open_legs.saw(event)

    def ended(self, call: str) -> None:
        """A call is over, and nothing need be known of it any more."""
        self.room.forget(call)
        self.last_talks.forget(call)

    def counts(self) -> dict[str, int]:
        """How many wait and talk, and how many seats are at work: no more than anybody may know."""
        at_work = sum(stand.state not in ("gone", "paused") for stand in self.dispatcher.engine.seats())
        return {"waiting": len(self.dispatcher.waiting), "talks": len(self.dispatcher.talks), "seats": at_work}

    def look(self) -> None:
        """Take over the policy if its file changed; a bad one changes nothing."""
        if (policy := self._policy.changed()) is not None:
            self.dispatcher.replace_policy(policy)

    def _session_changed(self, session: Session) -> None:
        self.dispatcher.session_changed(session)
        self.away.session(session, self.staff.seats)
        self.open_legs.session(session)

    async def _follow_sessions(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.staff.refresh()
            except StoreError as error:
                log.debug("sessions cannot be read now", error=str(error))
            self.dispatcher.look_after()
            today = brokerage_day(utcnow())
            if today != self._today:
                self._today = today
                self.dispatcher.day_begins()

    async def _learn_talk_times(self) -> None:
        while True:
            until = utcnow()
            try:
                changes = await self.desk.sessions.history(
                    since=until - datetime.timedelta(days=TALKS_DAYS), until=until
                )
                seconds = [
                    (change.at - change.since).total_seconds() for change in changes if change.from_state == "talking"
                ]
                if len(seconds) >= len(USUAL_TALKS):
                    self.dispatcher.talk_times = TalkTimes(seconds)
            except StoreError as error:
                log.info("talk times cannot be learned now", error=str(error))
            await asyncio.sleep(TALKS_EVERY)

    async def _warm(self) -> None:
        try:
            await warm(self._around.prompts, self._around.voice, self._around.language)
        except SpeechError as error:
            log.warning("words for agents cannot be said", error=str(error))

    async def _name_of(self, customer: int) -> Name | None:
        profile = await self._profiles.of(customer)
        if profile is None:
            return None
        name = profile.name_zh or profile.name_en
        return Name({"zh": name, "en": profile.name_en or name}) if name else None

    def _news(self, told: news.QueueNews) -> None:
        task = asyncio.get_running_loop().create_task(self._tell_onlookers(told), name="news")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_onlookers(self, told: news.QueueNews) -> None:
        try:
            await self.acts.tell(news.headers(told))
        except AmiError as error:  # they read everything anew when they see us again
            log.debug("onlookers could not be told", error=str(error))

    def _keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._loops.add(task)
        task.add_done_callback(self._loop_ended)

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        self._loops.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a loop of the queue broke", loop=task.get_name(), exc_info=error)


def _is_known_to(calls: Calls) -> Callable[[str], Awaitable[bool]]:
    async def is_known(call: str) -> bool:
        return await calls.get(call) is not None

    return is_known
