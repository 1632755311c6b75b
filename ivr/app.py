"""Puts the parts of the controller together and keeps them running. The only place that knows them all.

``async with Controller(settings) as controller: await controller.stopped()`` is a whole controller. A database, feed or
manager connection that is away stops none of the others: callers are served with what there is.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Self

import structlog

from agent_routing import feature_codes, pause_reasons, seat_times
from agent_routing.desk import AgentDesk
from db import demo
from db.agent_pins import AgentPins
from db.attempt import is_attempt
from db.callbacks import Callbacks
from db.calls import Calls
from db.errors import StoreError
from db.events import Event, utcnow
from db.instruments import Instruments
from db.journal import Journal
from db.notices import Notices
from db.pins import Pins
from db.recognition import Recognition
from db.store import Store
from db.trading_days import TradingDays
from db.waiting_callbacks import is_callback
from ivr import contract
from ivr.agent_desk.appointments import AppointmentsByRules
from ivr.agent_desk.office import DeskOffice
from ivr.agent_desk.previews import DialingPreviews
from ivr.agents.feature_calls import FeatureCalls
from ivr.agents.log_in import LogIns
from ivr.agi.errors import AgiError
from ivr.agi.server import AgiServer
from ivr.agi.session import AgiSession
from ivr.ami.client import AmiClient, State
from ivr.ami.errors import AmiError
from ivr.asterisk import secrets_file
from ivr.asterisk.layout import Layout
from ivr.asterisk.render import MUSIC_CLASS
from ivr.call import Call
from ivr.config import Settings
from ivr.customers.recognise import Recogniser
from ivr.dialing.answered import TellingOutreach
from ivr.dialing.book import CampaignBook
from ivr.dialing.names import call_of_leg
from ivr.dialing.office import DialingOffice
from ivr.dialing.trunks import TrunkLimit
from ivr.flow.engine import ALIVE, Engine, Entry
from ivr.flow.kit import Kit, Studio
from ivr.flow.library import Library
from ivr.flow.proof import Seal
from ivr.flow.service import Caller
from ivr.health import HealthServer, Route
from ivr.identity.identity import Identity
from ivr.identity.keys import derived_key, pepper
from ivr.identity.services import identity_services
from ivr.identity.sms import HttpSmsGateway
from ivr.lines.allocation import CallClass
from ivr.lines.book import LineBook
from ivr.lines.desk import LineDesk
from ivr.memory import settle_memory
from ivr.metrics import Metrics
from ivr.missed import following
from ivr.outreach.matter import CampaignTalk
from ivr.outreach.results import Results
from ivr.outreach.script_book import ScriptBook
from ivr.outreach.services import outreach_services
from ivr.outreach.stored import House, Matters, StoredOutreach
from ivr.queueing.callback_services import waiting_services
from ivr.queueing.callbacks import Kept
from ivr.queueing.surroundings import Surroundings
from ivr.queueing.switchboard import Switchboard
from ivr.reception import Reception
from ivr.selfservice.services import selfservice_services
from ivr.services import all_services
from ivr.services.notices import NoticeBoard
from ivr.services.quotes import sessions
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.choice import Source, open_in_any_case
from ivr.services.quotes.demo import DemoQuoteProvider
from ivr.services.quotes.sessions import Exchange
from ivr.services.quotes.spelling import SpelledNames
from ivr.services.survey import survey_services
from ivr.services.trading_days import TradingDayBook
from ivr.speech.errors import SpeechError
from ivr.speech.initials import initials_of
from ivr.speech.speech import Speech
from ivr.telephones.provisioning import Provisioning, console
from outbound import rules_file
from outbound.hours import Clock

log = structlog.get_logger(__name__)

LOOPBACK = "127.0.0.1"
GRACE_SECONDS = 2.0  # at a stop: calls that are about to end may; the others go on with the next controller
VERIFY_FLOW = "verify"
FLOW_LOOK_SECONDS = 0.5  # how often the files of flows and lines are looked at
MIGRATE_RETRY_SECONDS = 5.0  # between tries to reach a database that was away at the start


class Controller:
    """A running controller."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._stack = AsyncExitStack()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._live: set[str] = set()  # calls in our hands
        self._unended: set[str] = set()  # calls of which the journal knows the beginning and not the end
        self._hung_up: set[str] = set()  # calls in our hands of which Asterisk has told the end

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def stopped(self) -> None:
        """Wait until told to stop: by SIGTERM, SIGINT or ``stop``. SIGHUP reads flows and lines anew."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        await self._stop.wait()

    def stop(self) -> None:
        """Begin to stop."""
        self._stop.set()

    @property
    def agi_port(self) -> int:
        """Where Asterisk reaches us."""
        return self.agi.port

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self.settings
        secrets = secrets_file.load(Layout(settings.run_dir).secrets_file)
        self.speech = await self._open_speech(stack)
        self.store = await Store.open(settings.database_url)
        stack.push_async_callback(self.store.close)
        self.journal = Journal(self.store, settings.run_dir / "journal")
        await self.journal.start()
        stack.push_async_callback(self.journal.stop)
        self.trading_days = TradingDayBook(TradingDays(self.store).calendar)
        self.quotes = self._open_quotes(stack)
        notices = NoticeBoard(Notices(self.store).published)
        self.spelled_names = SpelledNames(initials_of)
        services = all_services(self.quotes, self.spelled_names, notices, Callbacks(self.store).leave)
        services |= {service.name: service for service in selfservice_services(self.store, self.quotes)}
        services |= {service.name: service for service in survey_services(self._worth_asking, self.journal)}
        services |= {service.name: service for service in waiting_services(self._keep_place)}
        services |= {
            service.name: service
            for service in outreach_services(TellingOutreach(self._open_outreach(stack), lambda: self.dialing.desk))
        }
        identity = self._open_identity(stack, secrets.identity_key.encode())
        services |= {service.name: service for service in identity_services(identity)}
        self.library = Library(settings.dialplans, self.speech.catalogue, services, settings.start_flow)
        self.library.open()
        layout = Layout(settings.run_dir)
        self.actions = AmiClient(
            host=LOOPBACK,
            port=settings.ports.at("ami"),
            username=contract.AMI_ACTIONS,
            secret=secrets.ami_actions,
        )
        self.switchboard = Switchboard(
            Surroundings(
                store=self.store,
                journal=self.journal,
                actions=self.actions,
                prompts=self.speech.catalogue,
                voice=self.speech.composer,
                language=settings.language,
                recordings=layout.talks_dir,
                routing=settings.routing,
                queue_log=layout.queue_log,
                outside=self._outside,
                days=lambda: (self.lines.current.zone, self.lines.current.calendar),
                line=settings.sip.number,
                beep=str(layout.beep),
            )
        )
        recorder = AmiClient(
            host=LOOPBACK,
            port=settings.ports.at("ami"),
            username=contract.AMI_RECORDER,
            secret=secrets.ami_recorder,
        )
        self.campaigns = CampaignBook(
            self.store,
            settings.outbound,
            rules_file.read(settings.outbound / rules_file.RULES_FILE.name),
            self._clock,
            [one.name for one in settings.sip.trunks],
            utcnow,
        )
        self.dialing = DialingOffice(
            self.store,
            self.journal,
            self.switchboard,
            self.actions,
            recorder,
            (TrunkLimit(one.name, one.calls_per_second, one.channels) for one in settings.sip.trunks),
            self.campaigns,
            settings.run_dir / "early",
            settings.outbound / "announcements" / "references",
            layout.queue_log,
            settings.run_dir / "pacing",
            settings.sip.number,
        )
        key = secrets.identity_key.encode()
        log_ins = self._open_log_ins(stack, key)
        self.feature_calls = self._open_feature_calls(log_ins)
        self.agent_desk = self._open_agent_desk(log_ins, key)
        kit = Kit(
            self.speech.catalogue,
            services,
            self.journal,
            Seal(derived_key(secrets.identity_key.encode(), "seal")),
            Studio(str(layout.recordings_dir), str(layout.beep)),
            self.switchboard.room,
            MUSIC_CLASS,
        )
        self.engine = Engine(lambda: self.library.current, kit, observe=self.metrics.call_ended)
        self.dialing.serves(self.engine, lambda: self.library.current, settings.language)
        self.lines = LineBook(settings.dialplans, self.speech.catalogue, lambda: self.library.current.flows)
        self.lines.open()
        self.desk = LineDesk(lambda: self.lines.current, utcnow)
        self.recogniser = Recogniser(Recognition(self.store).of_number)
        stack.push_async_callback(self.recogniser.stop)
        self.reception = Reception(
            self.desk,
            self.recogniser,
            self.engine,
            lambda: self.library.current,
            self.speech.catalogue,
            self.journal,
            ordinary=Entry(settings.start_flow, settings.language),
            observe=self.metrics.call_ended,
            refused=self.metrics.line_refused,
        )
        await self._migrate_or_try_again()
        with suppress(StoreError):
            await notices.heard()  # the first reading costs the most, and no caller should wait for it
        await self.quotes.start()
        stack.push_async_callback(self.quotes.stop)
        stack.push_async_callback(self._end_tasks)
        await self.switchboard.start()
        stack.push_async_callback(self.switchboard.stop)
        await self.dialing.start()
        stack.push_async_callback(self.dialing.stop)
        await self.agent_desk.start()
        stack.push_async_callback(self.agent_desk.stop)
        self.agi = AgiServer(
            self._serve,
            host=LOOPBACK,
            port=settings.ports.at("agi"),
            max_calls=settings.limits.live_calls,
            on_overload=self._busy,
            command_seconds=settings.limits.command_seconds,
            observe=self.metrics.command_answered,
        )
        await self.agi.start()
        stack.push_async_callback(self.agi.stop, GRACE_SECONDS)
        self.events = AmiClient(
            host=LOOPBACK,
            port=settings.ports.at("ami"),
            username=contract.AMI_EVENTS,
            secret=secrets.ami_events,
            wants_events="call,system,user",
            on_connected=self._reconcile,
        )
        await self.events.start()
        stack.push_async_callback(self.events.stop)
        await self.actions.start()
        stack.push_async_callback(self.actions.stop)
        self._go(self._compose_prompts(), "prompts")
        self._go(self._follow_hangups(), "hangups")
        self._go(self._watch_flows(), "flow files")
        self._go(following.follow(self.store, self.journal), "missed callers")
        telephones = Provisioning(self.store, layout, console(settings.cache_dir, layout))
        self._go(telephones.follow(), "telephones")
        self._go(self.trading_days.follow(), "trading days")
        self._go(self.spelled_names.follow(lambda: self.quotes.instruments), "spelled names")
        self._go(self.metrics.watch_loop(), "loop lag")
        self._count_everything()
        self.health = HealthServer(
            LOOPBACK,
            settings.ports.at("http"),
            secrets.http_token,
            self._health,
            self.metrics,
            self.journal.subscribe,
            routes=[
                Route("GET", "/queue", self.switchboard.questions.queue),
                Route("GET", "/queue/{call}", self.switchboard.questions.why),
                *self.switchboard.talk_routes.all(Route),
                *self.agent_desk.routes(Route),
            ],
        )
        await self.health.start()
        stack.push_async_callback(self.health.stop)
        stack.push_async_callback(self.agent_desk.close)
        settle_memory()
        log.info("controller ready", agi=self.agi.port, flows=sorted(self.library.current.flows))

    def _open_quotes(self, stack: AsyncExitStack) -> QuoteBoard:
        source = Source(**self.settings.quotes.source())
        provider = open_in_any_case(source, lambda: DemoQuoteProvider(demo.references(), clock=utcnow))
        stack.push_async_callback(provider.close)
        exchange = Exchange(sessions.read(), lambda: self.trading_days.current, utcnow)
        return QuoteBoard(provider, Instruments(self.store).all, every=self.settings.quotes.every, exchange=exchange)

    async def _open_speech(self, stack: AsyncExitStack) -> Speech:
        settings = self.settings
        speech = Speech.open(
            prompts=settings.prompts,
            cache=settings.cache_dir / "speech",
            sounds=settings.sounds_dir,
            manner=settings.speech.manner(learns=settings.speech.learns),
        )
        await speech.start()
        stack.push_async_callback(speech.stop)
        return speech

    def _outside(self, number: str) -> str:
        """How Asterisk dials a number outside: over the first trunk."""
        trunks = self.settings.sip.trunks
        return f"PJSIP/{number}@{trunks[0].name}" if trunks else ""

    def _clock(self) -> Clock:
        """What tells days and hours of calling apart."""
        return Clock(self.lines.current.zone, self.lines.current.calendar, self.trading_days.current)

    def _open_identity(self, stack: AsyncExitStack, key: bytes) -> Identity:
        sms = self.settings.sms
        pins = Pins(self.store, pepper(key))
        stack.callback(pins.close)
        gateway = HttpSmsGateway(sms.url, sms.token) if sms.url else None
        return Identity(self.store, pins, key, sms=gateway, brokerage=sms.brokerage)

    def _open_outreach(self, stack: AsyncExitStack) -> StoredOutreach:
        """What calls of campaigns are about, and what comes of them."""
        self.scripts = ScriptBook(self.settings.outbound / "scripts", self.settings.outbound / "dispositions.yaml")
        self.scripts.open()
        catalogue = self.speech.catalogue
        brokerage = {each: catalogue.say("brokerage", each, {}).text for each in catalogue.languages}
        self.matters = Matters(self.store, self._campaign_talk, House(brokerage, self.settings.sip.number))
        self.results = Results(self.store, self.journal)
        outreach = StoredOutreach(
            self.store, self.matters, self.results, lambda: self.scripts.dispositions, self.journal
        )
        stack.push_async_callback(outreach.stop)
        return outreach

    def _campaign_talk(self, campaign: str) -> CampaignTalk | None:
        known = self.campaigns.campaign(campaign)
        script = None if isinstance(known, str) else self.scripts.scripts.get(known.what.script)
        if script is None or isinstance(known, str):
            return None
        return CampaignTalk(script.title, script, known.what.survey)

    def _open_log_ins(self, stack: AsyncExitStack, key: bytes) -> LogIns:
        pins = AgentPins(self.store, pepper(key))
        stack.callback(pins.close)
        return LogIns(self.store, pins, key)

    def _open_agent_desk(self, log_ins: LogIns, key: bytes) -> DeskOffice:
        """What agents see and say of whoever is on the line."""
        board = self.switchboard
        office = DeskOffice(
            self.store,
            self.journal,
            board.dispatcher,
            board.staff,
            DialingPreviews(self.dialing.first, utcnow),
            self._campaign_talk,
            self.matters,
            self.results,
            lambda: self.scripts.dispositions,
            AppointmentsByRules(self.store, self.campaigns.rules, self.campaigns.campaign, self._clock, utcnow),
            log_ins,
            board.desk,
            key,
        )
        board.witnesses.add(office)
        return office

    def _open_feature_calls(self, log_ins: LogIns) -> FeatureCalls:
        reasons = pause_reasons.read()
        return FeatureCalls(
            self.store,
            AgentDesk(self.store, seat_times.read(), reasons),
            log_ins,
            self.speech.catalogue,
            feature_codes.read(),
            reasons,
            self.settings.language,
            self.switchboard.supervision,
        )

    # --- calls --------------------------------------------------------------------------------------------------------

    async def _serve(self, session: AgiSession) -> None:
        environment = session.environment
        if environment.get("agi_network_script") == contract.AGI_PATH_TALK:
            call = Call(session, self.speech.composer)
            await self.switchboard.talk_keys.serve(
                call, environment.get("agi_arg_1", ""), environment.get("agi_arg_2", "")
            )
            return
        if environment.get("agi_network_script") == contract.AGI_PATH_VERIFY:
            await self._verify(Call(session, self.speech.composer))
            return
        if environment.get("agi_network_script") == contract.AGI_PATH_CALLBACK:
            if call_of_leg(environment.get("agi_uniqueid", "")):
                await self.dialing.serve_leg(session)
            else:
                await self.switchboard.callbacks.serve(session)
            return
        if _is_of_seat(session):
            call = Call(session, self.speech.composer)
            await self.feature_calls.serve(call, environment.get("agi_arg_1", ""), environment.get("agi_arg_2", ""))
            return
        call = Call(session, self.speech.composer, aside=self._checkpoint_aside)
        self._live.add(call.id)
        self._unended.add(call.id)
        how = "lost"
        try:
            ours = is_attempt(call.id)
            how = await (self.dialing.serve(call) if ours else self.reception.serve(call))
        finally:
            self._live.discard(call.id)
            hung_up = call.id in self._hung_up
            self._hung_up.discard(call.id)
            if how not in ALIVE:
                self.switchboard.ended(call.id)
                self._unended.discard(call.id)
                self.desk.left(call.id)
            elif hung_up:  # Asterisk told us while it was in our hands, and will not again
                self._end(call.id, "caller")

    async def _verify(self, call: Call) -> None:
        """A caller in a talk proves who it is; the agent is told, and then they talk on."""
        keys = self.switchboard.talk_keys
        keys.proves(call.id)
        try:
            if VERIFY_FLOW not in self.library.current.flows:
                log.error("nobody can be verified in a talk: there is no such flow", flow=VERIFY_FLOW)
                await keys.proved(call.id, proven=False)
                await call.finish(contract.DONE_HANGUP)
                return
            errand = await self.engine.errand(call, VERIFY_FLOW, await call.carried(contract.VAR_KEPT))
            if errand.how in ("lost", "caller"):
                return  # gone, or the dialplan asks the next controller
            await keys.proved(call.id, errand.proven)
            await call.carry({contract.VAR_KEPT: errand.kept})
            await call.finish(contract.DONE_HANGUP)
        except AgiError as error:
            log.info("a caller who was to prove who it is is gone", error=str(error))
        finally:
            keys.forget(call.id)

    async def _busy(self, session: AgiSession) -> None:
        """More calls than we may have: the dialplan says so and hangs up, at no cost to the calls we have."""
        if _is_of_seat(session) or session.environment.get("agi_network_script") == contract.AGI_PATH_CALLBACK:
            return  # the dialplan apologises: nothing was said to be done
        call = Call(session, self.speech.composer)
        self.journal.append(Event(call.id, "call.started", {"caller": call.caller, "line": call.line}))
        try:
            await call.finish(contract.DONE_BUSY)
        except AgiError as error:
            log.info("a caller left before hearing that all lines are busy", error=str(error))
        self.journal.append(Event(call.id, "call.ended", {"how": "busy"}))
        self.metrics.call_ended("-", "busy")

    async def _keep_place(self, caller: Caller, number: str) -> Kept:
        return await self.switchboard.callbacks.keep(caller, number)

    async def _worth_asking(self, call_id: str) -> str | None:
        return await self.switchboard.last_talks.worth_asking(call_id)

    def _checkpoint_aside(self, call_id: str, text: str) -> None:
        self._go(self._set_checkpoint(call_id, text), "checkpoint")

    async def _set_checkpoint(self, call_id: str, text: str) -> None:
        headers = {"Channel": call_id, "Variable": contract.VAR_CHECKPOINT, "Value": text}
        with suppress(AmiError):  # the caller is gone, the link is down, it is too long: the one before serves
            await self.actions.action("Setvar", headers)

    async def _reconcile(self, ami: AmiClient) -> None:
        """After each login: calls that ended while nobody was looking are ended in the store, too."""
        there = {channel.get("Uniqueid") for channel in await ami.list("CoreShowChannels")}
        try:
            unended = {one.id for one in await Calls(self.store).unended(utcnow()) if not is_callback(one.id)}
        except StoreError as error:
            log.warning("calls that ended meanwhile cannot be found out", error=str(error))
            unended = set()
        told = await self.switchboard.away.tell_journal(there)  # with the very second of their end
        self._unended -= told
        for call_id in (unended | self._unended) - there - self._live - told:
            self._end(call_id, "unseen")
        self._unended |= unended & there
        self.dialing.unready()
        await self.dialing.resync(ami)
        await self.switchboard.resync(ami)
        self.desk.keep_only(there | self._live)

    async def _follow_hangups(self) -> None:
        """A caller who hangs up in the dialplan's music, with no session of ours, ends the call as well."""
        async for event in self.events.events():
            self.dialing.saw(event)
            self.switchboard.saw(event)
            if event.name == "Hangup":
                call_id = event.get("Uniqueid")
                if call_id in self._live:
                    self._hung_up.add(call_id)  # its session sees that, too; unless it ends otherwise just now
                elif call_id in self._unended:
                    self._end(call_id, "caller")

    def _end(self, call_id: str, how: str) -> None:
        self._unended.discard(call_id)
        self.switchboard.ended(call_id)
        self.desk.left(call_id)
        self.journal.append(Event(call_id, "call.ended", {"how": how}))

    # --- the rest -----------------------------------------------------------------------------------------------------

    async def _migrate_or_try_again(self) -> None:
        try:
            await self.store.migrate()
        except StoreError as error:
            log.error("the database is away; calls are served with what there is", error=str(error))
            self._go(self._migrate_later(), "migration")

    async def _migrate_later(self) -> None:
        while True:
            await asyncio.sleep(MIGRATE_RETRY_SECONDS)
            try:
                await self.store.migrate()
            except StoreError:
                continue
            log.info("the database is back")
            return

    async def _compose_prompts(self) -> None:
        """Join every fixed prompt now, so that the first caller's keys need not wait for it."""
        for utterance in self.speech.catalogue.utterances():
            if self.speech.catalogue.signature(utterance.prompts[0]):
                continue
            try:
                await self.speech.composer.compose(utterance)
            except SpeechError as error:
                log.warning("a prompt cannot be said", prompt=utterance.prompts[0], error=str(error))

    async def _watch_flows(self) -> None:
        while True:
            await asyncio.sleep(FLOW_LOOK_SECONDS)
            if self.library.changed():
                self.library.reload()
            self.switchboard.look()
            self.scripts.look()
            if self.lines.changed():  # after the flows, by which lines are judged
                self.lines.reload()

    def _reload(self) -> None:
        self.library.reload()
        self.lines.reload()

    def _go(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a background task broke", task=task.get_name(), exc_info=error)

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _health(self) -> dict[str, Any]:
        problems = [str(problem) for problem in self.library.problems]
        return {
            "ok": True,
            "live_calls": self.agi.live,
            "ami": self.events.state.value,
            "journal": {
                "waiting": self.journal.waiting,
                "behind_seconds": round(self.journal.behind, 3),
                "database_away": self.journal.away,
            },
            "quotes": self.quotes.state(),
            "trading_days": self.trading_days.state(),
            "flows": {name: flow.version for name, flow in sorted(self.library.current.flows.items())},
            "flow_problems": problems,
            "script_problems": [str(problem) for problem in self.scripts.problems],
            "queue": self.switchboard.counts(),
            "dialing": self.dialing.state(),
            "lines": {
                "version": self.lines.current.version,
                "up": self.desk.up(),
                "leaving_number": self.desk.leaving(),
                "free": self.desk.free(),
            },
            "lines_problems": [str(problem) for problem in self.lines.problems],
        }

    def _count_everything(self) -> None:
        follow = self.metrics.follow
        counters = self.agi.counters
        follow("goldline_calls_live", "Calls in the controller's hands now", lambda: self.agi.live)
        follow("goldline_calls_accepted_total", "Calls taken", lambda: counters.accepted)
        follow("goldline_calls_overloaded_total", "Calls told that all lines are busy", lambda: counters.overloaded)
        follow("goldline_agi_rejected_total", "Calls closed because even that was full", lambda: counters.rejected)
        follow("goldline_agi_failed_total", "Sessions that ended with a fault", lambda: counters.failed)
        follow("goldline_agi_dropped_total", "Connections that were no call", lambda: counters.dropped)
        follow("goldline_ami_connected", "1 when Asterisk's manager is connected", self._ami_connected)
        follow("goldline_ami_reconnects_total", "Reconnects to the manager", lambda: self.events.reconnects)
        follow("goldline_ami_events_dropped_total", "Manager events lost", lambda: self.events.dropped)
        follow("goldline_journal_waiting", "Events not yet in the database", lambda: self.journal.waiting)
        follow("goldline_journal_behind_seconds", "Age of the oldest of them", lambda: self.journal.behind)
        follow(
            "goldline_journal_lost_total",
            "Events that could be kept nowhere: raise an alarm",
            lambda: self.journal.counts.lost,
        )
        follow(
            "goldline_journal_refused_total", "Events set aside in refused.jsonl", lambda: self.journal.counts.refused
        )
        follow(
            "goldline_journal_damaged_total",
            "Lines of the spool that could not be read",
            lambda: self.journal.counts.damaged,
        )
        follow("goldline_quotes_age_seconds", "Since the provider last answered", lambda: self.quotes.age or 0.0)
        follow("goldline_quotes_failures_total", "Refreshes that failed", lambda: self.quotes.failures)
        follow("goldline_quotes_refused_total", "Quotes that could not be true", lambda: self.quotes.refused)
        follow("goldline_lines_problems", "Faults in lines.yaml, which was refused", lambda: len(self.lines.problems))
        follow("goldline_callers_missed_total", "Callers whom nobody looked up in time", lambda: self.recogniser.missed)
        self.metrics.follow_table(
            "goldline_lines_up", "Calls that hold a line", ("trunks", "class"), lambda: _cells(self.desk.up())
        )
        self.metrics.follow_table(
            "goldline_lines_free", "Free lines", ("trunks",), lambda: [((n,), v) for n, v in self.desk.free().items()]
        )
        follow("goldline_flow_problems", "Faults in flow files that were refused", lambda: len(self.library.problems))

    def _ami_connected(self) -> float:
        return float(self.events.state is State.CONNECTED)


def _is_of_seat(session: AgiSession) -> bool:
    """A feature code of an agent, and not a caller."""
    return session.environment.get("agi_network_script") == contract.AGI_PATH_SEAT


def _cells(rows: Mapping[str, Mapping[CallClass, int]]) -> list[tuple[tuple[str, ...], float]]:
    return [((row, column), value) for row, columns in rows.items() for column, value in columns.items()]
