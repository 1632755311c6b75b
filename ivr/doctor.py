"""``ivr doctor``: what is well, what is not, and what to do about it.

Each check looks from outside, as a stranger would, so that it says the truth also when the controller cannot. Nothing
here changes anything, and no finding holds a secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import stat
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from db.agent import Seat
from db.agent_sessions import AgentSessions
from db.customer import brokerage_day
from db.events import utcnow
from db.seats import Seats
from db.store import Store
from db.trading_calendar import TradingCalendar
from db.trading_days import TradingDays
from ivr import contract
from ivr.asterisk import locate, sandbox, secrets_file
from ivr.asterisk.layout import Layout
from ivr.asterisk.process import connect
from ivr.config import Settings
from ivr.errors import GoldlineError
from ivr.services.quotes.board import OLD_SECONDS
from ivr.services.trading_days import REMEDY
from ivr.supervise import lock, ports
from outbound.announcements import references

SECONDS = 5.0  # for one answer; loopback answers at once or something is wrong
START_REMEDY = "Start Goldline: make run."
LITTLE_DISK = 2 * 2**30  # about a week of recordings of a small hotline: time to act
NO_DISK = 200 * 2**20  # the database and the journal need room to finish what they do
CLOCK_SECONDS = 2.0  # between us and the database; lease times are compared across machines
MOST_UNKNOWN = 0.9  # of the instruments: some are delisted, some are new
MOST_NAMED = 5  # of many things with the same fault
# What Asterisk's command line says of gateways that answer, and of those that let us in.
_ANSWERING = re.compile(r"^\s*Contact:\s+([^\s/]+)/\S+.*\bAvail\b", re.MULTILINE)
_REGISTERED = re.compile(r"^\s*([^\s/]+)/\S+\s.*\bRegistered\b", re.MULTILINE)
OLDEST_NOW = 1_750_000_000.0  # mid-2025: a clock before it was never set


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; ``dataclasses.asdict`` gives plain JSON values."""

    check: str
    status: Status
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question. ``look`` may raise GoldlineError, which is a finding as well."""

    name: str
    look: Callable[[Settings], Awaitable[tuple[Status, str, str]]]


Answer = tuple[Status, str, str]


async def examine(settings: Settings, checks: Sequence[Check] | None = None) -> list[Finding]:
    """All findings, in the order of ``checks``. Never raises for what it finds."""
    return list(await asyncio.gather(*(_one(check, settings) for check in (checks or CHECKS))))


def is_well(findings: Sequence[Finding]) -> bool:
    """No check failed; warnings are allowed."""
    return all(finding.status is not Status.FAIL for finding in findings)


async def _one(check: Check, settings: Settings) -> Finding:
    try:
        status, what, remedy = await check.look(settings)
    except GoldlineError as error:
        return Finding(check.name, Status.FAIL, error.message, error.remedy)
    except Exception as error:  # a doctor who faints helps nobody
        return Finding(check.name, Status.FAIL, f"{type(error).__name__}: {error}", "Please report this as a bug.")
    return Finding(check.name, status, what, remedy)


async def asterisk_found(settings: Settings) -> Answer:
    """An Asterisk of a version we can work with, and how it is run."""
    found = await asyncio.to_thread(locate.find, settings.cache_dir)
    place = f"private, in {found.root}" if found.is_private else "the system's"
    if not await asyncio.to_thread(sandbox.is_possible):
        return (
            Status.WARN,
            f"Asterisk {found.version} ({place}), but without a sandbox.",
            "Install bubblewrap, and allow user namespaces to it.",
        )
    return Status.OK, f"Asterisk {found.version} ({place}), in a sandbox.", ""


async def asterisk_answers(settings: Settings) -> Answer:
    """The running Asterisk takes commands."""
    if lock.holder(settings.run_dir) is None:
        return Status.FAIL, f"Goldline does not run in {settings.run_dir}.", START_REMEDY
    installation = await asyncio.to_thread(locate.find, settings.cache_dir)
    handle = connect(installation, Layout(settings.run_dir))
    text = await asyncio.to_thread(handle.cli, "core show calls", SECONDS)
    calls = next((line.strip() for line in text.splitlines() if "active call" in line), "it answers")
    return Status.OK, f"It answers: {calls}.", ""


async def ports_right(settings: Settings) -> Answer:
    """Held by us when we run, free when we do not; and who can reach the SIP port."""
    obstacles = [(one, why) for one in ports.listeners(settings) if (why := ports.obstacle(one))]
    if lock.holder(settings.run_dir) is None:
        if obstacles:
            names = ", ".join(f"{one.port}/{one.kind} (ports.{one.setting})" for one, _ in obstacles)
            return Status.FAIL, f"Held by another program: {names}.", "Stop it, or set GOLDLINE_PORTS__OFFSET=100."
        return Status.OK, "All are free; Goldline does not run.", ""
    held = {(one.port, one.kind) for one, _ in obstacles}
    closed = [one for one in ports.listeners(settings) if (one.port, one.kind) not in held]
    if closed:
        names = ", ".join(f"{one.port}/{one.kind} (ports.{one.setting})" for one in closed)
        return Status.FAIL, f"Nobody listens on {names}.", f"Read {Layout(settings.run_dir).messages_log}."
    if settings.sip.bind.startswith("127.") and any(not host.startswith("127.") for host in settings.sip.trunk_hosts):
        return (
            Status.WARN,
            "A trunk is set, yet SIP listens on this machine alone.",
            "Set sip.bind to this machine's address, or to 0.0.0.0.",
        )
    return Status.OK, f"All listen; SIP on {settings.sip.bind}:{settings.ports.at('sip')}.", ""


def ami_login(account: str) -> Callable[[Settings], Awaitable[Answer]]:
    """The check that one AMI account gets in."""

    async def look(settings: Settings) -> Answer:
        layout = Layout(settings.run_dir)
        secrets = secrets_file.load(layout.secrets_file)
        secret = {
            contract.AMI_EVENTS: secrets.ami_events,
            contract.AMI_ACTIONS: secrets.ami_actions,
            contract.AMI_MONITOR: secrets.ami_monitor,
        }[account]
        port = settings.ports.at("ami")
        request = f"Action: Login\r\nUsername: {account}\r\nSecret: {secret}\r\nEvents: off\r\n\r\n"
        answer = await _exchange(port, request.encode(), b"\r\n\r\n")
        if answer is None:
            return Status.FAIL, f"Nobody answers on port {port} (ports.ami).", START_REMEDY
        if b"Response: Success" not in answer:
            return (
                Status.FAIL,
                f"Asterisk refuses {account}.",
                f"secrets.toml and the rendered manager.conf disagree: start anew. See {layout.security_log}.",
            )
        return Status.OK, f"{account} gets in.", ""

    return look


async def trunks_lead_out(settings: Settings) -> Answer:
    """Seats behind trunks have theirs, and the gateways answer."""
    named = {trunk.name for trunk in settings.sip.trunks}
    seats = await _seats_in_use(settings)
    if lost := sorted(seat.id for seat in seats if seat.trunk and seat.trunk not in named):
        return (
            Status.FAIL,
            f"Agents sit at {_some(lost)}, and no trunk in the settings leads there.",
            "Describe their trunks in goldline.toml: [[sip.trunks]] (docs/trunks.md).",
        )
    if taken := sorted(seat.endpoint for seat in seats if seat.endpoint in named):
        return Status.FAIL, f"{_some(taken)} is a trunk and a telephone.", "Give one of them another name."
    if not named:
        return Status.OK, "None is set, and no seat in use needs one.", ""
    names = _some(sorted(named))
    if lock.holder(settings.run_dir) is None:
        return Status.WARN, f"Goldline does not run; whether {names} answers is not known.", START_REMEDY
    installation = await asyncio.to_thread(locate.find, settings.cache_dir)
    handle = connect(installation, Layout(settings.run_dir))
    contacts = await asyncio.to_thread(handle.cli, "pjsip show contacts", SECONDS)
    if silent := sorted(named - set(_ANSWERING.findall(contacts))):
        return (
            Status.FAIL,
            f"The gateway of {_some(silent)} does not answer.",
            "Are host, port and transport of sip.trunks right, and is the way there open?",
        )
    logs_in = {trunk.name for trunk in settings.sip.trunks if trunk.registers}
    registrations = await asyncio.to_thread(handle.cli, "pjsip show registrations", SECONDS) if logs_in else ""
    if refused := sorted(logs_in - set(_REGISTERED.findall(registrations))):
        return Status.FAIL, f"The gateway of {_some(refused)} does not let us in.", "Are username and password right?"
    return Status.OK, f"The gateway of {names} answers.", ""


async def _seats_in_use(settings: Settings) -> list[Seat]:
    store = await _store_that_is_there(settings)
    if store is None:
        return []
    try:
        taken = {session.seat for session in await AgentSessions(store).all()}
        return [seat for seat in await Seats(store).all() if seat.id in taken]
    finally:
        await store.close()


async def _store_that_is_there(settings: Settings) -> Store | None:
    if not settings.database.url and not (settings.run_dir / "goldline.db").exists():
        return None  # to look into it would create it
    return await Store.open(settings.database_url)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


async def agi_answers(settings: Settings) -> Answer:
    """The controller takes calls."""
    port = settings.ports.at("agi")
    if await _exchange(port, b"", b"") is None:
        return (
            Status.FAIL,
            f"No controller listens on port {port} (ports.agi): callers hear music.",
            f"{START_REMEDY} If it runs, its own words say why it does not come up.",
        )
    return Status.OK, f"The controller listens on port {port}.", ""


async def controller_well(settings: Settings) -> Answer:
    """What the controller says of itself."""
    port = settings.ports.at("http")
    question = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = await _exchange(port, question, b"")
    if not answer:
        return Status.FAIL, f"No answer at http://127.0.0.1:{port}/health (ports.http).", START_REMEDY
    head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
    if " 200 " not in head.splitlines()[0]:
        return Status.FAIL, f"The controller says it is not well: {body.strip()}", "Read its log."
    return Status.OK, "The controller says it is well.", ""


async def quotes_fresh(settings: Settings) -> Answer:
    """What the controller says of the feed of quotes."""
    question = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = await _exchange(settings.ports.at("http"), question, b"")
    _, _, body = (answer or b"").partition(b"\r\n\r\n")
    try:
        quotes = json.loads(body)["quotes"]
        provider, age, known, listed = (quotes[name] for name in ("provider", "age_seconds", "quotes", "instruments"))
    except (ValueError, KeyError, TypeError):
        return Status.WARN, "The controller does not answer; whether quotes come is not known.", START_REMEDY
    if not listed:
        return Status.WARN, "No share and no index is known: callers find nothing.", "ivr quotes import FILE"
    if age is None or age > OLD_SECONDS:
        silent = "has never answered" if age is None else f"has not answered for {age:.0f} s"
        return Status.FAIL, f"The provider {provider} {silent}.", "`ivr quotes show 600519` asks it and says why."
    if frozen := quotes.get("frozen"):
        what = f"The provider {provider} answers and repeats itself: no newer quotes of {', '.join(frozen)}."
        return Status.FAIL, what, "Callers are told that prices are old. Ask the provider."
    if known < listed * MOST_UNKNOWN:
        remedy = "Take them out of the list, or ask the provider."
        return Status.WARN, f"The provider {provider} says nothing of {listed - known} of {listed} instruments.", remedy
    return Status.OK, f"{provider} answers, {known} quotes.", ""


async def database_right(settings: Settings) -> Answer:
    """Reachable, and its tables are those of this version."""
    own = settings.run_dir / "goldline.db"
    if not settings.database.url and not own.exists():  # to look into it would create it
        return Status.FAIL, f"There is no {own} yet.", START_REMEDY
    store = await Store.open(settings.database_url)
    try:
        await store.check_schema()
        return Status.OK, f"{store.place} is reachable and up to date.", ""
    finally:
        await store.close()


async def trading_days_known(settings: Settings) -> Answer:
    """Far enough ahead: the exchanges announce a year at the end of the one before."""
    store = await _store_that_is_there(settings)
    known = TradingCalendar()
    if store:
        try:
            known = await TradingDays(store).calendar()
        finally:
            await store.close()
    today = brokerage_day(utcnow())
    if warning := known.runs_out(today):
        return Status.WARN, warning, REMEDY
    return Status.OK, f"Known until {known.known_until(today)}.", ""


async def announcements_known(settings: Settings) -> Answer:
    """Whoever calls out knows the recordings of the carriers."""
    known = await asyncio.to_thread(references.read, settings.outbound / "announcements" / "references")
    if not settings.sip.trunks:
        return Status.OK, "None is needed: there is no trunk to call out by.", ""
    own = [one for one in known if not one.source.startswith(references.SYNTHESISED)]
    if not own:
        return (
            Status.WARN,
            "None of your carriers': what they say of numbers that are no more is not recognised.",
            "Add recordings: ivr outbound announcements add --help (docs/outcomes.md).",
        )
    return Status.OK, f"{len(own)} of your own, {len(known) - len(own)} that came with Goldline.", ""


async def prompts_there(settings: Settings) -> Answer:
    """What Asterisk plays by itself when there is no controller."""
    place = Layout(settings.run_dir).fixed_sounds_dir / settings.language
    wanted = contract.PROMPTS_FIXED
    absent = [name for name in wanted if not (place / f"{name}.alaw").exists()]
    if absent:
        return Status.FAIL, f"{place} lacks {', '.join(absent)}: callers would hear silence.", START_REMEDY
    return Status.OK, f"All {len(wanted)} fixed prompts are in {place}.", ""


async def speech_speaks(_settings: Settings) -> Answer:
    """The engine under both voices says something."""
    remedy = "Install the package espeak-ng, then try: espeak-ng --version."
    program = shutil.which("espeak-ng")
    if not program:
        return Status.FAIL, "There is no espeak-ng.", remedy
    ended = await _output_of(program, "-v", "cmn", "--stdout", "你好")
    if ended is None:
        return Status.FAIL, f"espeak-ng said nothing for {SECONDS:.0f} s.", remedy
    code, sound = ended
    if code != 0 or not sound.startswith(b"RIFF"):
        return Status.FAIL, "espeak-ng cannot say 你好.", remedy
    return Status.OK, "espeak-ng speaks.", ""


async def clock_right(settings: Settings) -> Answer:
    """Set, kept by NTP where systemd can say so, and the same as the database's."""
    now = time.time()
    remedy = "Set the clock, and have NTP keep it: timedatectl set-ntp true."
    if now < OLDEST_NOW:
        return Status.FAIL, "The clock was never set.", remedy
    store = await Store.open(settings.database_url)
    try:
        if not store.is_sqlite:  # SQLite has no clock but ours
            async with store.reading() as session:
                began = time.time()
                theirs = float(
                    (await session.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())"))).scalar_one()
                )
            apart = abs(theirs - (began + time.time()) / 2)
            if apart > CLOCK_SECONDS:
                return Status.FAIL, f"Our clock and the database's are {apart:.1f} s apart.", remedy
    finally:
        await store.close()
    if (synchronised := await _ntp_synchronised()) is not None and not synchronised:
        return Status.WARN, "No NTP server keeps the clock.", remedy
    return Status.OK, "The clock is set.", ""


async def disk_roomy(settings: Settings) -> Answer:
    """Room for the database, recordings and logs."""
    place = next(path for path in (settings.run_dir, *settings.run_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    what, remedy = f"{free / 2**30:.1f} GB free in {place}.", "Make room, or move run_dir to a larger disk."
    if free < NO_DISK:
        return Status.FAIL, what, remedy
    return (Status.WARN, what, remedy) if free < LITTLE_DISK else (Status.OK, what, "")


async def secrets_private(settings: Settings) -> Answer:
    """Passwords can be read by their owner only."""
    layout = Layout(settings.run_dir)
    secrets_file.load(layout.secrets_file)
    places = [settings.run_dir, layout.secrets_file, layout.etc_dir, *layout.etc_dir.glob("*.conf")]
    open_ones = [str(path) for path in places if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_ones:
        return Status.FAIL, f"Others may read {', '.join(open_ones)}.", f"chmod -R go= {settings.run_dir}"
    return Status.OK, "Secrets are readable by their owner only.", ""


CHECKS: tuple[Check, ...] = (
    Check("asterisk", asterisk_found),
    Check("asterisk answers", asterisk_answers),
    Check("ports", ports_right),
    *(
        Check(f"ami {name}", ami_login(name))
        for name in (contract.AMI_EVENTS, contract.AMI_ACTIONS, contract.AMI_MONITOR)
    ),
    Check("trunks", trunks_lead_out),
    Check("agi", agi_answers),
    Check("controller", controller_well),
    Check("quotes", quotes_fresh),
    Check("database", database_right),
    Check("trading days", trading_days_known),
    Check("announcements", announcements_known),
    Check("prompts", prompts_there),
    Check("speech", speech_speaks),
    Check("clock", clock_right),
    Check("disk", disk_roomy),
    Check("secrets", secrets_private),
)


async def _exchange(port: int, request: bytes, until: bytes) -> bytes | None:
    """What a loopback port answers: up to ``until``, or all; None when nobody is there. ``b""`` asks nothing."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(ports.LOOPBACK, port)
            if not request:
                return b""
            writer.write(request)
            return await (reader.readuntil(until) if until else reader.read())
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return None
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _output_of(*words: str) -> tuple[int | None, bytes] | None:
    """A program's exit code and what it printed; None when it takes longer than SECONDS, and it is ended then."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return process.returncode, printed


async def _ntp_synchronised() -> bool | None:
    """What systemd knows; None where there is no systemd."""
    if not (program := shutil.which("timedatectl")) or not Path("/run/systemd/system").exists():
        return None
    ended = await _output_of(program, "show", "-p", "NTPSynchronized", "--value")
    if ended is None:
        return None
    said = ended[1]
    return said.strip() == b"yes" if said.strip() in {b"yes", b"no"} else None
