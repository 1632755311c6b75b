"""``ivr desk``: what clerks do with what callers asked for: tickets, changes, appointments, locks."""

from __future__ import annotations

import asyncio
import datetime
import getpass
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ivr import config
from ivr.cli.customers import open_store

if TYPE_CHECKING:
    from db.change_requests import ChangeRequest
    from db.slots import Slot
    from db.store import Store
    from db.tickets import Ticket

T = TypeVar("T")

TICKET_STATES = ("open", "in_hand", "answered", "closed")
REQUEST_STATES = ("waiting", "accepted", "refused")

_ACTOR = click.option("--actor", "--by", "actor", default="", help="Who does it, for the audit trail; default: you.")
_WHY = click.option("--why", required=True, help="The reason, for the audit trail.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_MOST = click.option("--most", default=100, type=click.IntRange(1, 10_000), help="At most so many; default: 100.")


@click.group()
def desk() -> None:
    """The clerk's desk: what callers asked for and a person has to do.

    \b
    ivr desk tickets list                                  complaints and suggestions
    ivr desk changes list                                  telephones, e-mails, addresses to be changed
    ivr desk slots import march.csv                        times for appointments
    ivr desk appointments list --branch SH01               who comes, and when
    ivr desk locks lift 900000000001 --why "came with her identity card"
    """


# --- tickets ----------------------------------------------------------------------------------------------------------


@desk.group()
def tickets() -> None:
    """Complaints and suggestions, in the callers' own words."""


@tickets.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(TICKET_STATES), help="Default: open and in_hand.")
@_MOST
@_JSON
def list_tickets(states: tuple[Any, ...], most: int, as_json: bool) -> None:
    """Tickets, the oldest first.

    \b
    ivr desk tickets list
    ivr desk tickets list --state answered --state closed
    """
    from db.tickets import Tickets

    found = _do(lambda store: Tickets(store).listed(states or ("open", "in_hand"), most))
    for ticket in found:
        row = f"{ticket.number}  {_when(ticket.opened_at)}  {ticket.state:8}  {ticket.kind:10}  {ticket.caller}"
        _tell(_as_row(ticket), f"{row}  {ticket.clerk}".rstrip(), as_json)
    _nothing(found, "No tickets.", as_json)


@tickets.command("show")
@click.argument("number")
@_JSON
def show_ticket(number: str, as_json: bool) -> None:
    """Show ticket NUMBER and where its recording is.

    \b
    ivr desk tickets show 12345678
    """
    from db.tickets import Tickets

    _show(_with_recording(_do(lambda store: Tickets(store).get(number))), as_json)


@tickets.command("take")
@click.argument("number")
@_ACTOR
@_JSON
def take_ticket(number: str, actor: str, as_json: bool) -> None:
    """Take ticket NUMBER in hand; the caller who asks hears so.

    \b
    ivr desk tickets take 12345678
    """
    from db.tickets import Tickets

    found = _do(lambda store: Tickets(store).take(number, actor=_who(actor)))
    _tell(_as_row(found), f"{found.number} is in the hands of {found.clerk}.", as_json)


@tickets.command("answer")
@click.argument("number")
@click.argument("answer")
@_ACTOR
@_JSON
def answer_ticket(number: str, answer: str, actor: str, as_json: bool) -> None:
    """Note the ANSWER that the caller of ticket NUMBER was given.

    \b
    ivr desk tickets answer 12345678 "Called back, the fee is refunded."
    """
    from db.models import BODY
    from db.tickets import Tickets

    text = _said(answer, "ANSWER", BODY)
    found = _do(lambda store: Tickets(store).answer(number, text, actor=_who(actor)))
    _tell(_as_row(found), f"{found.number} is answered.", as_json)


@tickets.command("close")
@click.argument("number")
@_ACTOR
@_JSON
def close_ticket(number: str, actor: str, as_json: bool) -> None:
    """Close ticket NUMBER: nothing more is to be done.

    \b
    ivr desk tickets close 12345678
    """
    from db.tickets import Tickets

    found = _do(lambda store: Tickets(store).close(number, actor=_who(actor)))
    _tell(_as_row(found), f"{found.number} is closed.", as_json)


# --- changes ----------------------------------------------------------------------------------------------------------


@desk.group()
def changes() -> None:
    """Changes that customers asked for: they take effect when you accept them."""


@changes.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(REQUEST_STATES), help="Default: waiting.")
@_MOST
@_JSON
def list_changes(states: tuple[Any, ...], most: int, as_json: bool) -> None:
    """Requests, the oldest first.

    \b
    ivr desk changes list
    ivr desk changes list --state refused
    """
    from db.change_requests import ChangeRequests

    found = _do(lambda store: ChangeRequests(store).listed(states or ("waiting",), most))
    for request in found:
        row = f"{request.number}  {_when(request.opened_at)}  {request.state:8}  {request.account}  {request.what:7}"
        _tell(_as_row(request), f"{row}  {request.value or '(spoken)'}", as_json)
    _nothing(found, "No requests.", as_json)


@changes.command("show")
@click.argument("number")
@_JSON
def show_change(number: str, as_json: bool) -> None:
    """Show request NUMBER and where its recording is.

    \b
    ivr desk changes show 12345678
    """
    from db.change_requests import ChangeRequests

    _show(_with_recording(_do(lambda store: ChangeRequests(store).get(number))), as_json)


@changes.command("accept")
@click.argument("number")
@click.argument("value", default="")
@_ACTOR
@_JSON
def accept_change(number: str, value: str, actor: str, as_json: bool) -> None:
    """Change the customer as request NUMBER says. VALUE: the e-mail or address that you heard; none for a telephone.

    \b
    ivr desk changes accept 12345678
    ivr desk changes accept 23456789 wang@example.com
    """
    from db.change_requests import ChangeRequests

    async def accept(store: Store) -> ChangeRequest:
        requests = ChangeRequests(store)
        typed = value.strip()
        if typed:
            typed = _checked((await requests.get(number)).what, typed)
        return await requests.accept(number, actor=_who(actor), value=typed)

    found = _do(accept)
    _tell(_as_row(found), f"{found.account}: the {found.what} is changed.", as_json)


@changes.command("refuse")
@click.argument("number")
@_WHY
@_ACTOR
@_JSON
def refuse_change(number: str, why: str, actor: str, as_json: bool) -> None:
    """Leave the customer of request NUMBER as it is.

    \b
    ivr desk changes refuse 12345678 --why "the number is somebody else's"
    """
    from db.change_requests import ChangeRequests
    from db.models import TITLE

    reason = _said(why, "--why", TITLE)
    found = _do(lambda store: ChangeRequests(store).refuse(number, actor=_who(actor), why=reason))
    _tell(_as_row(found), f"{found.number} is refused.", as_json)


def _checked(what: str, value: str) -> str:
    """The value as a customer file may have it, which is judged by the same rules."""
    from ivr.customers.columns import BY_NAME, Context
    from ivr.customers.fault import CellFault

    column = BY_NAME.get(what)
    if column is None:  # a telephone, which the store itself refuses to be told
        return value
    try:
        return str(column.read(value, Context(frozenset(), datetime.date.min))[what])
    except CellFault as fault:
        raise click.BadParameter(f"{fault.what} {fault.remedy}", param_hint="VALUE") from None


# --- appointments -----------------------------------------------------------------------------------------------------


@desk.group()
def slots() -> None:
    """Times at which branches and advisers receive customers."""


@slots.command("list")
@click.option("--branch", default="", help="Of this branch only.")
@_MOST
@_JSON
def list_slots(branch: str, most: int, as_json: bool) -> None:
    """Slots to come, the next one first, with their seats.

    \b
    ivr desk slots list --branch SH01
    """
    from db.events import utcnow
    from db.slots import Slots

    found = _do(lambda store: Slots(store).ahead(utcnow(), branch=branch, most=most))
    for slot in found:
        row = f"{_when(slot.starts_at)}  {slot.minutes:3} min  {slot.branch}  {slot.booked}/{slot.capacity} booked"
        _tell(_as_row(slot), f"{row}  {slot.adviser}".rstrip(), as_json)
    _nothing(found, "No slots to come: `ivr desk slots add` makes some.", as_json)


@slots.command("add")
@click.argument("branch")
@click.argument("day")
@click.argument("time")
@click.option("--minutes", default="30", help="How long; default: 30.")
@click.option("--capacity", default="1", help="How many customers; default: 1.")
@click.option("--adviser", default="", help="The adviser's agent id; default: the branch itself.")
@click.option("--adviser-zh", default="", help="The adviser's name as it is said in Chinese.")
@click.option("--adviser-en", default="", help="… and in English.")
@_ACTOR
@_JSON
def add_slot(actor: str, as_json: bool, **words: str) -> None:
    """Add a slot at BRANCH on DAY at TIME, or bring the one that is there to what is said here.

    \b
    ivr desk slots add SH01 2026-12-01 14:30 --capacity 2
    ivr desk slots add SH01 2026-12-01 14:30 --adviser 801 --adviser-zh 陈顾问 --adviser-en "Ms Chen"
    """
    from ivr.customers.fault import CellFault
    from ivr.selfservice.slot_file import slot_of

    try:
        slot = slot_of(**words)
    except CellFault as fault:
        raise click.BadParameter(f"{fault.what} {fault.remedy}") from None
    _add((slot,), actor, as_json)


@slots.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_ACTOR
@_JSON
def import_slots(file: Path, actor: str, as_json: bool) -> None:
    """Add the slots in FILE (CSV: branch,adviser,adviser_zh,adviser_en,day,time,minutes,capacity); all or none.

    \b
    ivr desk slots import march.csv
    """
    from ivr.selfservice.slot_file import read_slots

    _add(read_slots(file), actor, as_json)


def _add(slots: tuple[Slot, ...], actor: str, as_json: bool) -> None:
    from db.slots import Slots

    new, changed = _do(lambda store: Slots(store).add(slots, actor=_who(actor)))
    same = len(slots) - new - changed
    _tell(
        {"new": new, "changed": changed, "unchanged": same},
        f"{new} new, {changed} changed, {same} unchanged.",
        as_json,
    )


@desk.group()
def appointments() -> None:
    """Who comes to a branch or an adviser, and when."""


@appointments.command("list")
@click.option("--branch", default="", help="Of this branch only.")
@_MOST
@_JSON
def list_appointments(branch: str, most: int, as_json: bool) -> None:
    """Appointments to come, the next one first.

    \b
    ivr desk appointments list --branch SH01
    """
    from db.appointments import Appointments
    from db.events import utcnow

    found = _do(lambda store: Appointments(store).ahead(utcnow(), branch=branch, most=most))
    for visit in found:
        where = " ".join(filter(None, (visit.seat.branch_zh or visit.seat.branch_en, visit.seat.adviser_zh)))
        _tell(
            _as_row(visit), f"{_when(visit.seat.starts_at)}  {where}  {visit.account}  {visit.name}".rstrip(), as_json
        )
    _nothing(found, "No appointments to come.", as_json)


# --- locks ------------------------------------------------------------------------------------------------------------


@desk.group()
def locks() -> None:
    """Accounts that customers had locked in an urgent call."""


@locks.command("list")
@_JSON
def list_locks(as_json: bool) -> None:
    """Locks in force, the oldest first.

    \b
    ivr desk locks list
    """
    from db.account_locks import AccountLocks

    found = _do(lambda store: AccountLocks(store).in_force())
    for lock in found:
        _tell(_as_row(lock), f"{lock.account}  {_when(lock.locked_at)}  by {lock.how}, {lock.locked_by}", as_json)
    _nothing(found, "No account is locked.", as_json)


@locks.command("set")
@click.argument("account")
@_ACTOR
@_JSON
def set_lock(account: str, actor: str, as_json: bool) -> None:
    """Lock ACCOUNT, for a customer who tells a person instead of the hotline.

    \b
    ivr desk locks set 900000000001
    """
    from db.account_locks import AccountLocks
    from db.customers import Customers
    from db.tier_changes import NoSuchCustomer

    async def lock(store: Store) -> bool:
        customer = await Customers(store).id_of(account)
        if customer is None:
            raise NoSuchCustomer(account)
        return await AccountLocks(store).lock(customer, actor=_who(actor), how="desk")

    locked = _do(lock)
    said = f"{account} is locked." if locked else f"{account} was locked already."
    _tell({"account": account, "locked": True, "new": locked}, said, as_json)


@locks.command("lift")
@click.argument("account")
@_WHY
@_ACTOR
@_JSON
def lift_lock(account: str, why: str, actor: str, as_json: bool) -> None:
    """Lift the lock of ACCOUNT: its customer can change things by telephone again.

    \b
    ivr desk locks lift 900000000001 --why "came with her identity card"
    """
    from db.account_locks import AccountLocks
    from db.models import TITLE

    reason = _said(why, "--why", TITLE)
    _do(lambda store: AccountLocks(store).lift(account, actor=_who(actor), why=reason))
    _tell({"account": account, "locked": False}, f"{account} is no longer locked.", as_json)


# --- what all of them do ----------------------------------------------------------------------------------------------


def _do(work: Callable[[Store], Awaitable[T]]) -> T:
    async def with_store() -> T:
        async with open_store() as store:
            return await work(store)

    return asyncio.run(with_store())


def _who(actor: str) -> str:
    return actor.strip() or getpass.getuser()


def _said(text: str, name: str, most: int) -> str:
    text = text.strip()
    if not text:
        raise click.BadParameter("say something.", param_hint=name)
    if len(text) > most:
        raise click.BadParameter(f"{len(text)} characters are too many; at most {most}.", param_hint=name)
    return text


def _with_recording(found: Ticket | ChangeRequest) -> dict[str, Any]:
    from ivr.asterisk.layout import Layout
    from ivr.selfservice.recorded import recorded

    shown = _as_row(found)
    words = recorded(Layout(config.load().run_dir).recordings_dir, found.recording)
    if words is not None:
        shown |= {"recording": str(words.file), "seconds": round(words.seconds, 1)}
    elif found.recording:
        shown["recording"] = None
    return shown


def _as_row(record: Any) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(json.dumps(asdict(record), default=_as_text))
    return row


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)


def _show(row: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False))
        return
    for name, value in row.items():
        if name == "recording" and value is None:
            value = "no message was left"
        elif isinstance(value, str) and name.endswith("_at"):
            value = _when(datetime.datetime.fromisoformat(value))
        if value not in ("", None):
            click.echo(f"{name:11} {value}")


def _tell(row: Mapping[str, Any], sentence: str, as_json: bool) -> None:
    click.echo(json.dumps(row, ensure_ascii=False) if as_json else sentence)


def _nothing(found: tuple[Any, ...], sentence: str, as_json: bool) -> None:
    if not found and not as_json:
        click.echo(sentence, err=True)


def _when(moment: datetime.datetime) -> str:
    from db.customer import BROKERAGE_TIME

    return f"{moment.astimezone(BROKERAGE_TIME):%Y-%m-%d %H:%M}"
