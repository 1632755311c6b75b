"""``ivr agents`` and ``ivr seats``: who answers, where they are rung, and what they are doing.

Works on the store. A controller that runs learns of it from the store (docs/seats.md).
"""

from __future__ import annotations

import asyncio
import datetime
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ivr import config
from ivr.cli.customers import EXIT_AT_WORK, EXIT_BAD_ROWS, open_store

if TYPE_CHECKING:
    from agent_routing.agents import Forceable, Step
    from agent_routing.desk import AgentDesk
    from db.agent import Session
    from db.agents import Put
    from db.store import Store
    from ivr.agents.record_file import Column, Reading

T = TypeVar("T")

STATES = ("logged_out", "idle", "reserved", "ringing", "talking", "wrap_up", "paused", "gone")
HISTORY_SHOWN = 20  # lines of an agent's day

_ACTOR = click.option("--actor", "--by", "actor", default="", help="Who does it, for the audit trail; default: you.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="List every bad row, count what would change, write nothing.")
_GOOD_ROWS = click.option("--good-rows-only", is_flag=True, help="Leave bad rows out instead of refusing the file.")
_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def agents() -> None:
    """Agents: the people who answer calls, and what they are doing.

    \b
    ivr agents list                              everybody, with state and seat
    ivr agents import agents.csv --dry-run       what is wrong in it, and what it would change
    ivr agents pin 801                           the PIN for log-in by telephone
    ivr agents login 801 S1                      sit agent 801 down at seat S1
    ivr agents pause 801 --reason meeting
    """


@agents.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only those in this state.")
@click.option("--branch", default="", help="Of this branch only.")
@click.option("--all", "everybody", is_flag=True, help="Those who have left as well.")
@_JSON
def list_agents(states: tuple[str, ...], branch: str, everybody: bool, as_json: bool) -> None:
    """Agents by id, with what they are doing.

    \b
    ivr agents list
    ivr agents list --state idle --state talking --json
    """
    from db.agent_sessions import AgentSessions
    from db.agents import Agents

    async def read(store: Store) -> list[tuple[Any, Session | None]]:
        sessions = {session.agent: session for session in await AgentSessions(store).all()}
        return [(agent, sessions.get(agent.id)) for agent in await Agents(store).all()]

    shown = 0
    for agent, session in _do(read):
        state = session.state if session else "logged_out"
        if (states and state not in states) or (branch and agent.branch != branch):
            continue
        if agent.standing == "left" and not everybody:
            continue
        shown += 1
        doing = _doing(session)
        row = f"{agent.id:8}  {agent.role:10}  {agent.branch or '-':8}  {agent.name('zh') or agent.id}  {doing}"
        _tell(
            _as_row(agent) | {"session": _as_row(session)},
            row if agent.standing == "active" else f"{row} (left)",
            as_json,
        )
    if not shown and not as_json:
        click.echo("No such agents. `ivr agents add` and `ivr agents import` add some.", err=True)


@agents.command("show")
@click.argument("agent")
@_JSON
def show_agent(agent: str, as_json: bool) -> None:
    """Show AGENT, what they are doing, and the latest of the last 24 hours.

    \b
    ivr agents show 801
    """
    from db.agent_sessions import AgentSessions
    from db.agents import Agents
    from db.events import utcnow

    async def read(store: Store) -> tuple[Any, Any, Any]:
        sessions, now = AgentSessions(store), utcnow()
        lines = await sessions.history(
            since=now - datetime.timedelta(days=1), until=now + datetime.timedelta(minutes=1), agent=agent
        )
        return await Agents(store).get(agent), await sessions.get(agent), lines

    found, session, lines = _do(read)
    if as_json:
        row = _as_row(found) | {"session": _as_row(session), "history": [_as_row(line) for line in lines]}
        click.echo(json.dumps(row, ensure_ascii=False))
        return
    for name, value in _as_row(found).items():
        if value not in ("", None, [], {}):
            click.echo(f"{name:14} {_plain(value)}")
    click.echo(f"{'now':14} {_doing(session)}")
    for line in lines[-HISTORY_SHOWN:]:
        reason = line.to_reason or line.from_reason
        what = " ".join(filter(None, (line.why, reason, line.call, f"by {line.actor}")))
        click.echo(f"{_when(line.at)}  {line.from_state} → {line.to_state}  {what}")


@agents.command("add")
@click.argument("agent")
@click.option("--name-zh", help="The name in Chinese.")
@click.option("--name-en", help="The name in English.")
@click.option("--branch", help="The branch's code; none: head office.")
@click.option("--languages", help='Languages, the best first: "zh en"; default: zh.')
@click.option("--dialects", help='Dialects by ISO 639-3: "yue wuu".')
@click.option("--skills", help='Skills with levels 1 to 5: "licensed:5 orders:3".')
@click.option("--role", help="agent, senior or supervisor; default: agent.")
@click.option("--calls-per-day", help="After so many calls a day others come first; default: no limit.")
@click.option("--standing", help="active or left; default: active.")
@_ACTOR
@_JSON
def add_agent(agent: str, actor: str, as_json: bool, **words: str | None) -> None:
    """Add AGENT (3 to 8 digits), or bring the one that is there to what is said here.

    \b
    ivr agents add 801 --name-zh 李雷 --branch SH01 --languages "zh en" --skills "licensed:5 orders:3"
    ivr agents add 801 --role senior
    """
    from db.agents import Agents
    from ivr.agents.agent_file import columns, maker

    async def add(store: Store) -> Put:
        known = {one.id: one for one in await Agents(store).all()}
        record = _record(agent, words, columns(await _branches(store)), maker(known))
        return await Agents(store).put([record], actor=_who(actor))

    _told_put(agent, _do(add), as_json)


@agents.command("leave")
@click.argument("agent")
@_ACTOR
@_JSON
def leave(agent: str, actor: str, as_json: bool) -> None:
    """AGENT has left the brokerage: no log-in and no PIN any more. What they did stays in the history.

    \b
    ivr agents leave 801
    """
    from db.agents import Agents

    _do(lambda store: Agents(store).leave(agent, actor=_who(actor)))
    _tell({"agent": agent, "standing": "left"}, f"{agent} has left.", as_json)


@agents.command("pin")
@click.argument("agent")
@click.option("--remove", is_flag=True, help="Take the PIN away: no log-in by telephone until a new one is set.")
@_ACTOR
def pin(agent: str, remove: bool, actor: str) -> None:
    """Set the PIN with which AGENT logs in by telephone. Typed twice and not shown; it cannot be read back.

    \b
    ivr agents pin 801
    """
    from db.agent_pins import AgentPins
    from ivr.asterisk import secrets_file
    from ivr.asterisk.layout import Layout
    from ivr.identity.keys import pepper

    chosen = "" if remove else click.prompt("PIN (6 digits)", hide_input=True, confirmation_prompt="Again")
    key = secrets_file.load(Layout(config.load().run_dir).secrets_file).identity_key.encode()

    async def go(store: Store) -> None:
        pins = AgentPins(store, pepper(key))
        try:
            if chosen:
                await pins.set_pin(agent, chosen, actor=_who(actor))
            else:
                await pins.remove_pin(agent, actor=_who(actor))
        finally:
            pins.close()

    _do(go)
    click.echo("The PIN is set." if chosen else "The agent has no PIN now.")


@agents.command("unlock")
@click.argument("agent")
@click.option("--why", required=True, help="The reason, for the audit trail.")
@_ACTOR
@_JSON
def unlock(agent: str, why: str, actor: str, as_json: bool) -> None:
    """Let AGENT log in by telephone again after too many wrong PINs.

    \b
    ivr agents unlock 801 --why "forgot it, showed his badge"
    """
    from db.agent_pins import AgentPins
    from ivr.agents.log_in import LogIns
    from ivr.asterisk import secrets_file
    from ivr.asterisk.layout import Layout
    from ivr.identity.keys import pepper

    key = secrets_file.load(Layout(config.load().run_dir).secrets_file).identity_key.encode()

    async def go(store: Store) -> int:
        pins = AgentPins(store, pepper(key))
        try:
            return await LogIns(store, pins, key).unlock(agent, actor=_who(actor), why=why)
        finally:
            pins.close()

    tries = _do(go)
    _tell({"agent": agent, "tries_forgotten": tries}, f"{agent}: {tries} wrong tries are forgotten.", as_json)


@agents.command("import")
@_FILE
@_DRY_RUN
@_GOOD_ROWS
@_ACTOR
@_JSON
def import_agents(file: Path, dry_run: bool, good_rows_only: bool, actor: str, as_json: bool) -> None:
    """Bring the agents to what FILE (CSV, UTF-8 or GBK) says, by id.

    Columns: id,name_zh,name_en,branch,languages,dialects,skills,role,calls_per_day,standing. Those that the file lacks
    are left alone; importing twice is importing once. When any row is bad, nothing is written. Exit code 0: done;
    2: bad rows; 3: another import is running.

    \b
    ivr agents import agents.csv --dry-run
    ivr agents import agents.csv
    """
    from db.agents import Agents
    from ivr.agents.agent_file import columns, maker
    from ivr.agents.record_file import read_records

    async def go(store: Store) -> int:
        known = {agent.id: agent for agent in await Agents(store).all()}
        found = read_records(file, columns(await _branches(store)), maker(known))
        return await _import(found, known, Agents(store).put, file, dry_run, good_rows_only, actor, as_json)

    sys.exit(_alone("agents", go))


@agents.command("export")
@_FILE
@_ACTOR
@_JSON
def export_agents(file: Path, actor: str, as_json: bool) -> None:
    """Write all agents into FILE as CSV (UTF-8), readable for you alone. PINs are never in it.

    \b
    ivr agents export agents.csv
    """
    from db.agents import Agents
    from ivr.agents.agent_file import columns

    _do(lambda store: _export(store, "agents", Agents(store).all, columns(()), file, actor, as_json))


@agents.command("login")
@click.argument("agent")
@click.argument("seat")
@_ACTOR
@_JSON
def login(agent: str, seat: str, actor: str, as_json: bool) -> None:
    """Sit AGENT down at SEAT, ready for calls.

    \b
    ivr agents login 801 S1
    """
    from agent_routing.agents import LogIn

    _force(agent, LogIn(seat), actor, as_json)


@agents.command("logout")
@click.argument("agent")
@_ACTOR
@_JSON
def logout(agent: str, actor: str, as_json: bool) -> None:
    """Log AGENT out; one in the middle of a call, after it.

    \b
    ivr agents logout 801
    """
    from agent_routing.agents import LogOut

    _force(agent, LogOut(), actor, as_json)


@agents.command("pause")
@click.argument("agent")
@click.option("--reason", required=True, help="Why; agent_routing/reasons.yaml lists the reasons.")
@_ACTOR
@_JSON
def pause(agent: str, reason: str, actor: str, as_json: bool) -> None:
    """Give AGENT no calls for a while; one in the middle of a call, after it.

    \b
    ivr agents pause 801 --reason meeting
    """
    from agent_routing.agents import Pause

    _force(agent, Pause(reason), actor, as_json)


@agents.command("resume")
@click.argument("agent")
@_ACTOR
@_JSON
def resume(agent: str, actor: str, as_json: bool) -> None:
    """End the pause of AGENT, or one that was to begin after this call.

    \b
    ivr agents resume 801
    """
    from agent_routing.agents import Resume

    _force(agent, Resume(), actor, as_json)


# --- seats ------------------------------------------------------------------------------------------------------------


@click.group()
def seats() -> None:
    """Seats: the telephones at which agents are rung.

    \b
    ivr seats list                                       all of them, and who sits there
    ivr seats add S1 --kind softphone --endpoint 801
    ivr seats add M1 --kind mobile --trunk carrier --number 13800138000
    ivr seats import seats.csv --dry-run
    ivr seats password S1                                what its telephone registers with
    ivr seats codes                                      what an agent dials at a seat
    """


@seats.command("list")
@click.option("--branch", default="", help="Of this branch only.")
@_JSON
def list_seats(branch: str, as_json: bool) -> None:
    """Seats by id, how they are dialled, and who sits there.

    \b
    ivr seats list --branch SH01
    """
    from agent_routing.seats import dial_string
    from db.agent_sessions import AgentSessions
    from db.seat_passwords import SeatPasswords
    from db.seats import Seats

    async def read(store: Store) -> tuple[Any, dict[str, Session], set[str]]:
        sitting = {session.seat: session for session in await AgentSessions(store).all()}
        return await Seats(store).all(), sitting, {one.seat for one in await SeatPasswords(store).accounts()}

    found, sitting, registrable = _do(read)
    shown = [seat for seat in found if not branch or seat.branch == branch]
    for seat in shown:
        session = sitting.get(seat.id)
        who = f"{session.agent} {session.state}" if session else "free"
        has_password = seat.id in registrable
        without = bool(seat.endpoint) and not has_password
        said = (("key", seat.accept_key), ("kept-open", seat.kept_open), ("no-password", without))
        marks = " ".join(word for word, on in said if on)
        row = f"{seat.id:10}  {seat.kind:9}  {seat.branch or '-':8}  {dial_string(seat)}  {marks}".rstrip()
        more = {"dialled": dial_string(seat), "password": has_password, "session": _as_row(session)}
        _tell(_as_row(seat) | more, f"{row}  {who}", as_json)
    if not shown and not as_json:
        click.echo("No such seats. `ivr seats add` and `ivr seats import` add some.", err=True)


@seats.command("add")
@click.argument("seat")
@click.option("--kind", help="softphone, browser, mobile or trunk.")
@click.option("--endpoint", help="Of a softphone or browser: the name of its PJSIP endpoint.")
@click.option("--trunk", help="Of a mobile or trunk seat: the trunk that leads there …")
@click.option("--number", help="… and the number that is dialled.")
@click.option("--branch", help="The branch's code; none: head office.")
@click.option("--accept-key", help="yes: the agent presses a key to take a call. A mobile always does.")
@click.option("--kept-open", help="yes: the leg to this seat stays up between calls.")
@_ACTOR
@_JSON
def add_seat(seat: str, actor: str, as_json: bool, **words: str | None) -> None:
    """Add SEAT, or bring the one that is there to what is said here.

    \b
    ivr seats add S1 --kind softphone --endpoint 801 --branch SH01
    ivr seats add M1 --kind mobile --trunk carrier --number 13800138000
    ivr seats add B1 --kind trunk --trunk sh01 --number 8001 --accept-key yes --kept-open yes
    """
    from db.seats import Seats
    from ivr.agents.record_file import Reading
    from ivr.agents.seat_file import columns, maker, refuse_shared

    async def add(store: Store) -> Put:
        known = {one.id: one for one in await Seats(store).all()}
        record = _record(seat, words, columns(await _branches(store)), maker(known))
        found = Reading("", records={seat: record}, lines={seat: 1})
        refuse_shared(found, known)
        for fault in found.faults:
            raise click.BadParameter(f"{fault.what} {fault.remedy}")
        return await Seats(store).put([record], actor=_who(actor))

    _told_put(seat, _do(add), as_json)


@seats.command("password")
@click.argument("seat")
@click.option("--remove", is_flag=True, help="Take the password away: no telephone registers for this seat.")
@_ACTOR
@_JSON
def password(seat: str, remove: bool, actor: str, as_json: bool) -> None:
    """Make a password for the telephone of SEAT and print it, this once: only its digest is kept.

    A running hotline takes it over within seconds: a telephone with the password before is sent away, talks go on.

    \b
    ivr seats password S1
    ivr seats password S1 --remove
    """
    from db.seat_passwords import SeatPasswords
    from ivr.contract import SIP_REALM
    from ivr.telephones.password import new_password

    if remove:
        _do(lambda store: SeatPasswords(store).remove(seat, actor=_who(actor)))
        _tell({"seat": seat, "password": None}, f"{seat} has no password now.", as_json)
        return
    made = new_password()
    user = _do(lambda store: SeatPasswords(store).put(seat, made, realm=SIP_REALM, actor=_who(actor)))
    settings = config.load()
    ports = {name: settings.ports.at(name) for name in ("sip", "sips", "ws", "wss")}
    sip, browser = f"{ports['sip']} (UDP, TCP), {ports['sips']} (TLS)", f"{ports['ws']} (ws), {ports['wss']} (wss)"
    said = f"user      {user}\npassword  {made}\nport      {sip}; in a browser {browser}"
    _tell({"seat": seat, "user": user, "password": made, "realm": SIP_REALM, "ports": ports}, said, as_json)


@seats.command("codes")
@_JSON
def codes(as_json: bool) -> None:
    """What an agent dials at a seat's telephone, and the keys of the reasons for pauses.

    \b
    ivr seats codes
    """
    from agent_routing import feature_codes, pause_reasons

    for one in feature_codes.read().codes:
        after = f" [{one.argument}]" if one.argument else ""
        row = {"code": one.code, "act": one.act, "argument": one.argument, "zh": one.zh, "en": one.en}
        _tell(row, f"{one.code + after:14}  {one.en:20}  {one.zh}", as_json)
    for reason in pause_reasons.read().by_id.values():
        if reason.key:
            row = {"key": reason.key, "reason": reason.id, "zh": reason.zh, "en": reason.en}
            _tell(row, f"    reason {reason.key}    {reason.en:20}  {reason.zh}", as_json)


@seats.command("remove")
@click.argument("seat")
@_ACTOR
@_JSON
def remove_seat(seat: str, actor: str, as_json: bool) -> None:
    """Take SEAT away. Whoever sits there has to be logged out first.

    \b
    ivr seats remove S1
    """
    from db.seats import Seats

    _do(lambda store: Seats(store).remove(seat, actor=_who(actor)))
    _tell({"seat": seat, "removed": True}, f"{seat} is removed.", as_json)


@seats.command("import")
@_FILE
@_DRY_RUN
@_GOOD_ROWS
@_ACTOR
@_JSON
def import_seats(file: Path, dry_run: bool, good_rows_only: bool, actor: str, as_json: bool) -> None:
    """Bring the seats to what FILE (CSV, UTF-8 or GBK) says, by id.

    Columns: id,kind,endpoint,trunk,number,branch,accept_key,kept_open. Those that the file lacks are left alone;
    importing twice is importing once. When any row is bad, nothing is written. Exit code 0: done; 2: bad rows;
    3: another import is running.

    \b
    ivr seats import seats.csv --dry-run
    ivr seats import seats.csv
    """
    from db.seats import Seats
    from ivr.agents.record_file import read_records
    from ivr.agents.seat_file import columns, maker, refuse_shared

    async def go(store: Store) -> int:
        known = {seat.id: seat for seat in await Seats(store).all()}
        found = read_records(file, columns(await _branches(store)), maker(known))
        refuse_shared(found, known)
        return await _import(found, known, Seats(store).put, file, dry_run, good_rows_only, actor, as_json)

    sys.exit(_alone("seats", go))


@seats.command("export")
@_FILE
@_ACTOR
@_JSON
def export_seats(file: Path, actor: str, as_json: bool) -> None:
    """Write all seats into FILE as CSV (UTF-8), readable for you alone.

    \b
    ivr seats export seats.csv
    """
    from db.seats import Seats
    from ivr.agents.seat_file import columns

    _do(lambda store: _export(store, "seats", Seats(store).all, columns(()), file, actor, as_json))


# --- what all of them do ----------------------------------------------------------------------------------------------


async def _import(
    found: Reading[T],
    known: Mapping[str, T],
    put: Callable[..., Awaitable[Put]],
    path: Path,
    dry_run: bool,
    good_rows_only: bool,
    actor: str,
    as_json: bool,
) -> int:
    for fault in sorted(found.faults, key=lambda fault: fault.line):
        click.echo(json.dumps(asdict(fault), ensure_ascii=False) if as_json else f"{path}:{fault}")
    records = found.records
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    for name, record in records.items():
        counts["new" if name not in known else "unchanged" if known[name] == record else "changed"] += 1
    refused = found.bad > 0 and not good_rows_only
    if not dry_run and not refused:
        counts = (await put(records.values(), actor=_who(actor)))._asdict()
    written = not dry_run and not refused
    if as_json:
        row = {"encoding": found.encoding, "rows": found.rows, "bad": found.bad, "written": written, **counts}
        click.echo(json.dumps(row))
        return EXIT_BAD_ROWS if found.bad else 0
    said = f"{counts['new']:,} new, {counts['changed']:,} changed, {counts['unchanged']:,} unchanged"
    looked = f"{found.rows:,} rows, {found.bad:,} bad"
    if written:
        click.echo(f"{looked}. Imported: {said}.")
    elif dry_run:
        click.echo(f"{looked}. Dry run, nothing is written; the good rows: {said}.")
    else:
        click.echo(f"{looked}: nothing is written. Mend them, or take the good ones with --good-rows-only.")
    return EXIT_BAD_ROWS if found.bad else 0


async def _export(
    store: Store,
    what: str,
    read: Callable[[], Awaitable[Iterable[T]]],
    columns: Sequence[Column[T]],
    path: Path,
    actor: str,
    as_json: bool,
) -> None:
    from db.audit import Audit, AuditEntry
    from ivr.agents.record_file import write_records

    records = tuple(await read())
    write_records(path, columns, records)
    data = {"file": path.name, what: len(records)}
    await Audit(store).append(AuditEntry(_who(actor), f"{what}.exported", data=data))
    _tell({"file": str(path), what: len(records)}, f"{len(records):,} {what} in {path}", as_json)


def _alone(work: str, go: Callable[[Store], Awaitable[int]]) -> int:
    from db.exclusive import AlreadyAtWork, exclusively

    async def exclusive(store: Store) -> int:
        try:
            async with exclusively(store, work):
                return await go(store)
        except AlreadyAtWork as error:
            click.echo(str(error), err=True)
            return EXIT_AT_WORK

    return _do(exclusive)


def _record(name: str, words: Mapping[str, str | None], columns: Sequence[Column[T]], make: Callable[..., T]) -> T:
    """A record out of what was typed, judged by the same rules as a row of a file."""
    from ivr.agents.record_file import record_of
    from ivr.customers.fault import CellFault

    said = {"id": name} | {field: value for field, value in words.items() if value is not None}
    try:
        return record_of(said, columns, make)
    except CellFault as fault:
        raise click.BadParameter(f"{fault.what} {fault.remedy}") from None


async def _branches(store: Store) -> frozenset[str]:
    from db.branches import Branches

    return frozenset(branch.code for branch in await Branches(store).all())


def _desk(store: Store) -> AgentDesk:
    from agent_routing import pause_reasons, seat_times
    from agent_routing.desk import AgentDesk

    return AgentDesk(store, seat_times.read(), pause_reasons.read())


def _force(agent: str, event: Forceable, actor: str, as_json: bool) -> None:
    made: Step = _do(lambda store: _desk(store).force(agent, event, actor=_who(actor), power="operator"))
    _tell(_as_row(made.session), f"{agent} is {_doing(made.session)}.", as_json)


def _told_put(name: str, put: Put, as_json: bool) -> None:
    did = "added" if put.new else "changed" if put.changed else "unchanged"
    _tell({"id": name, "did": did}, f"{name} is {did}.", as_json)


def _do(work: Callable[[Store], Awaitable[T]]) -> T:
    async def with_store() -> T:
        async with open_store() as store:
            return await work(store)

    return asyncio.run(with_store())


def _who(actor: str) -> str:
    return actor.strip() or getpass.getuser()


def _doing(session: Session | None) -> str:
    if session is None:
        return "logged_out"
    reason = f" ({session.reason})" if session.reason else ""
    seat = f" at {session.seat}" if session.seat else ""
    then = ""
    if session.next_state and session.state != "gone":
        then = f", then {session.next_state}" + (f" ({session.next_reason})" if session.next_reason else "")
    return f"{session.state}{reason}{seat} since {_when(session.since)}{then}"


def _as_row(record: Any) -> dict[str, Any]:
    if record is None:
        return {}
    row: dict[str, Any] = json.loads(json.dumps(asdict(record), default=_as_text))
    return row


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}:{level}" for name, level in value.items())
    return " ".join(value) if isinstance(value, list) else str(value)


def _tell(row: Mapping[str, Any], sentence: str, as_json: bool) -> None:
    click.echo(json.dumps(row, ensure_ascii=False) if as_json else sentence)


def _when(moment: datetime.datetime) -> str:
    from db.customer import BROKERAGE_TIME

    return f"{moment.astimezone(BROKERAGE_TIME):%Y-%m-%d %H:%M:%S}"
