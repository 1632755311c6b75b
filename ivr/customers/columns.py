"""The columns of a customer file: how each cell is read, and how it is written so that it is read back the same. Pure.

What a cell shows in an error is cut short; columns that may not exist at all (a PIN) are named here with the reason.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from db.customer import DIALECTS, LANGUAGES, PHONE_STATES, STAGES, STATUSES, TIERS, Customer
from db.customer_changes import SaidPhone
from db.models import EMAIL, NAME, TITLE
from db.phone_numbers import BadNumber, canonical, spoken_form
from ivr.customers.fault import CellFault
from ivr.datafile.fields import suggest

ACCOUNT: Final = re.compile(r"[0-9]{6,20}")  # what a caller can key in
MOST_PHONES: Final = 10
SHOWN: Final = 24  # characters of a wrong cell that an error shows

# A spreadsheet runs what begins so (OWASP, CSV Injection); the apostrophe before it says "text" to it, and to us.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ESCAPE: Final = "'"
_SPECIAL: Final = frozenset((*_FORMULA, _ESCAPE))
_PHONE_OR_NUMBER: Final = re.compile(r"[+-][0-9][0-9 ,.:;/+\-a-z_]*")

_AGENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_AMOUNT: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){0,4}(?:\.[0-9]{1,2})?|[0-9]{1,15}(?:\.[0-9]{1,2})?")
_EMAIL: Final = re.compile(r"[^\s@,;<>()\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_DATE: Final = re.compile(r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})")
_HOURS: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\s*[-–~～至]\s*([01]?[0-9]|2[0-3]):([0-5][0-9])")
_YES_NO: Final = {
    "yes": True,
    "no": False,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
    "是": True,
    "否": False,
}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

# Names that files from elsewhere have for what must not or need not stand in ours.
REFUSED: Final = {
    "pin": "A PIN never stands in a file: set it with `ivr customers pin ACCOUNT`.",
    "password": "A password never stands in a file: take the column out.",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader of cells has to know from outside."""

    branches: frozenset[str]
    today: datetime.date


Reader = Callable[[str, Context], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``read`` gives values by field of ``Customer`` and raises CellFault, ``write`` is its inverse."""

    name: str
    read: Reader
    write: Callable[[Customer], str]


def plain(cell: str) -> str:
    """A cell as read: without blanks around it and a spreadsheet's apostrophe. Raises CellFault for a formula."""
    cell = cell.strip()
    if not cell or cell[0] not in _SPECIAL:
        return cell
    if cell.startswith(_FORMULA):
        if cell[0] in "+-" and _PHONE_OR_NUMBER.fullmatch(cell):
            return cell
        raise CellFault(
            f"{shown(cell)} is a formula.", "Write the value itself; a text that begins so gets a ' before it."
        )
    if cell.startswith(_ESCAPE) and cell[1:].startswith((*_FORMULA, _ESCAPE)):
        return cell[1:]
    return cell


def escaped(cell: str) -> str:
    """A cell as written: what a spreadsheet would run becomes text."""
    return f"{_ESCAPE}{cell}" if cell.startswith((*_FORMULA, _ESCAPE)) else cell


def shown(cell: str) -> str:
    """A cell for an error, cut short."""
    return repr(cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…")


def account_number(cell: str) -> str:
    """An account number. Raises CellFault."""
    if not ACCOUNT.fullmatch(cell):
        if re.fullmatch(r"[0-9.]+[eE]\+?[0-9]+", cell):
            raise CellFault(
                f"{shown(cell)} is what a spreadsheet made of an account number.",
                "Format the column as text and redo it.",
            )
        raise CellFault(f"{shown(cell)} is no account number.", "It has 6 to 20 digits and nothing else.")
    return cell


def _text(name: str, most: int) -> Column:
    def read(cell: str, _context: Context) -> Mapping[str, Any]:
        if len(cell) > most:
            raise CellFault(f"the text has {len(cell)} characters.", f"Shorten it to {most}.")
        if _CONTROL.search(cell):
            raise CellFault("the text holds a line break or another control character.", "Write it in one line.")
        return {name: cell}

    return Column(name, read, lambda customer: str(getattr(customer, name)))


def _word(name: str, words: Sequence[str]) -> Column:
    known: dict[str, Mapping[str, Any]] = {word: {name: word} for word in words}

    def read(cell: str, _context: Context) -> Mapping[str, Any]:
        found = known.get(cell.lower())
        if found is None:
            listed = [word for word in words if word]
            what = f"{name} is empty." if not cell else f"{name} cannot be {shown(cell)}."
            raise CellFault(what, suggest(cell.lower(), listed) if cell else f"Known here: {', '.join(listed)}.")
        return found

    return Column(name, read, lambda customer: str(getattr(customer, name)))


def _flag(name: str) -> Column:
    def read(cell: str, _context: Context) -> Mapping[str, Any]:
        value = False if not cell else _YES_NO.get(cell.lower())
        if value is None:
            raise CellFault(f"{name} cannot be {shown(cell)}.", "Write yes or no.")
        return {name: value}

    return Column(name, read, lambda customer: "yes" if getattr(customer, name) else "no")


def _amount(name: str) -> Column:
    def read(cell: str, _context: Context) -> Mapping[str, Any]:
        if not cell:
            return {name: None}
        if not _AMOUNT.fullmatch(cell):
            raise CellFault(f"{shown(cell)} is no amount.", "Write yuan, at most two decimals: 1234567.89.")
        return {name: Decimal(cell.replace(",", ""))}

    def write(customer: Customer) -> str:
        value = getattr(customer, name)
        return "" if value is None else f"{value:f}"

    return Column(name, read, write)


def _points(cell: str, _context: Context) -> Mapping[str, Any]:
    if not cell:
        return {"points": None}
    if not re.fullmatch(r"[0-9]{1,15}", cell):
        raise CellFault(f"{shown(cell)} is no number of points.", "Write a whole number from 0 on.")
    return {"points": int(cell)}


def _branch(cell: str, context: Context) -> Mapping[str, Any]:
    if cell and cell not in context.branches:
        listed = sorted(context.branches)[:SHOWN]
        remedy = suggest(cell, listed) or "There are no branches yet."
        raise CellFault(f"there is no branch {shown(cell)}.", f"{remedy} `ivr customers branches FILE` adds some.")
    return {"branch": cell}


def _languages(cell: str, _context: Context) -> Mapping[str, Any]:
    languages = tuple(dict.fromkeys(cell.lower().split()))
    if not languages:
        raise CellFault("languages is empty.", f"Known here: {', '.join(LANGUAGES)}; the preferred one first.")
    for language in languages:
        if language not in LANGUAGES:
            raise CellFault(f"languages cannot hold {shown(language)}.", suggest(language, LANGUAGES))
    return {"languages": languages}


def _agent(cell: str, _context: Context) -> Mapping[str, Any]:
    if cell and not _AGENT.fullmatch(cell):
        raise CellFault(f"{shown(cell)} is no agent's id.", "It has letters, digits, dots, - and _, at most 32.")
    return {"manager": cell}


def _backups(cell: str, context: Context) -> Mapping[str, Any]:
    agents = tuple(dict.fromkeys(cell.split()))
    for agent in agents:
        _agent(agent, context)
    if len(" ".join(agents)) > TITLE:
        raise CellFault("there are too many back-ups.", "Name the first five.")
    return {"backups": agents}


def _quiet_hours(cell: str, _context: Context) -> Mapping[str, Any]:
    if not cell:
        return {"quiet_from": None, "quiet_until": None}
    match = _HOURS.fullmatch(cell)
    if not match:
        raise CellFault(f"{shown(cell)} are no quiet hours.", "Write from-to: 21:00-08:30.")
    begin = datetime.time(int(match[1]), int(match[2]))
    end = datetime.time(int(match[3]), int(match[4]))
    if begin == end:
        raise CellFault("the quiet hours end when they begin.", "For the whole day write do_not_call: yes.")
    return {"quiet_from": begin, "quiet_until": end}


def _write_quiet_hours(customer: Customer) -> str:
    if customer.quiet_from is None or customer.quiet_until is None:
        return ""
    return f"{customer.quiet_from:%H:%M}-{customer.quiet_until:%H:%M}"


def _email(cell: str, _context: Context) -> Mapping[str, Any]:
    if cell and (len(cell) > EMAIL or not _EMAIL.fullmatch(cell)):
        raise CellFault(f"{shown(cell)} is no e-mail address.", "Write one address: name@example.com.")
    return {"email": cell}


def _opened_on(cell: str, context: Context) -> Mapping[str, Any]:
    if not cell:
        return {"opened_on": None}
    day = _date(cell)
    if day > context.today:
        raise CellFault(f"{cell} is in the future.", "Correct the year.")
    return {"opened_on": day}


def _phones(cell: str, context: Context) -> Mapping[str, Any]:
    """``13800138000:good:2026-03-01 02155501234:stopped``: blanks or ``;`` between, state and day may be left out."""
    found: dict[str, SaidPhone] = {}
    parts = cell.replace(";", " ").replace("；", " ").split()
    if len(parts) > MOST_PHONES:
        raise CellFault(f"there are {len(parts)} telephones.", f"Keep the {MOST_PHONES} best; none has a blank inside.")
    for part in parts:
        number, *rest = part.replace("：", ":").split(":")
        state = rest[0] if rest else ""
        if state and state not in PHONE_STATES:
            raise CellFault(f"a telephone cannot be {shown(state)}.", suggest(state, PHONE_STATES))
        day = _date(rest[1]) if len(rest) > 1 and rest[1] else None
        if len(rest) > 2:
            raise CellFault(f"{shown(part)} has too many colons.", "Write number:state:date.")
        if day is not None and day > context.today:
            raise CellFault(f"{rest[1]} is in the future.", "Correct the year.")
        try:
            stored = canonical(number)
        except BadNumber as error:
            raise CellFault(error.message, error.remedy) from None
        if stored in found:
            raise CellFault(f"{shown(number)} stands twice.", "Keep one of them.")
        found[stored] = SaidPhone(stored, state or None, day)
    return {"phones": tuple(found.values())}


def _write_phones(customer: Customer) -> str:
    return " ".join(
        ":".join(
            (
                spoken_form(phone.number),
                phone.state,
                *((phone.confirmed_on.isoformat(),) if phone.confirmed_on else ()),
            )
        )
        for phone in customer.phones
    )


@lru_cache(maxsize=20_000)  # a million rows have some ten thousand days
def _date(cell: str) -> datetime.date:
    match = _DATE.fullmatch(cell)
    if match:
        try:
            return datetime.date(int(match[1]), int(match[3]), int(match[4]))
        except ValueError:
            pass
    raise CellFault(f"{shown(cell)} is no date.", "Write year-month-day: 2026-03-01.")


COLUMNS: Final = (
    Column("account", lambda cell, _context: {"account": account_number(cell)}, lambda customer: customer.account),
    _text("name_zh", NAME),
    _text("name_en", NAME),
    Column("phones", _phones, _write_phones),
    Column("branch", _branch, lambda customer: customer.branch),
    Column("languages", _languages, lambda customer: " ".join(customer.languages)),
    _word("dialect", DIALECTS),
    _word("tier", TIERS),
    _word("status", STATUSES),
    _word("stage", STAGES),
    Column("manager", _agent, lambda customer: customer.manager),
    Column("backups", _backups, lambda customer: " ".join(customer.backups)),
    _flag("do_not_call"),
    Column("quiet_hours", _quiet_hours, _write_quiet_hours),
    _flag("recording_refused"),
    Column("email", _email, lambda customer: customer.email),
    _text("address", TITLE),
    _amount("assets"),
    _amount("commission"),
    Column("points", _points, lambda customer: "" if customer.points is None else str(customer.points)),
    Column("opened_on", _opened_on, lambda customer: customer.opened_on.isoformat() if customer.opened_on else ""),
)
BY_NAME: Final = {column.name: column for column in COLUMNS}
