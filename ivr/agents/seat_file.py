"""Seats as rows of a file: what each column holds, what a whole seat must be, and that no two ring one telephone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from agent_routing.seats import dial_string
from db.agent import ENDPOINT_KINDS, SEAT_KINDS, Seat
from db.phone_numbers import spoken_form, stored_form
from ivr.agents import cells
from ivr.agents.record_file import Column, Reading
from ivr.contract import ENDPOINT_SELF, ENDPOINT_SOFTPHONE, ENDPOINT_TRUNK
from ivr.customers.columns import shown
from ivr.customers.fault import CellFault

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
# It becomes a part of a dial string: nothing that Asterisk reads as more than a name (/ @ & , and blanks).
_PJSIP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_EXTENSION: Final = re.compile(r"[0-9]{2,20}")
_OURS: Final = (ENDPOINT_SELF, ENDPOINT_TRUNK, ENDPOINT_SOFTPHONE)
_YES: Final = {True: "yes", False: "no"}


def columns(branches: Collection[str]) -> tuple[Column[Seat], ...]:
    """The columns; ``branches`` are the codes that a seat may belong to."""
    return (
        Column("id", _id, lambda seat: seat.id),
        Column("kind", cells.word("kind", SEAT_KINDS), lambda seat: seat.kind),
        Column("endpoint", _pjsip("endpoint"), lambda seat: seat.endpoint),
        Column("trunk", _pjsip("trunk"), lambda seat: seat.trunk),
        Column("number", _number, lambda seat: spoken_form(seat.number)),
        Column("branch", cells.branch(branches), lambda seat: seat.branch),
        Column("accept_key", cells.yes_no("accept_key"), lambda seat: _YES[seat.accept_key]),
        Column("kept_open", cells.yes_no("kept_open"), lambda seat: _YES[seat.kept_open]),
    )


def maker(known: Mapping[str, Seat]) -> Callable[[Mapping[str, Any]], Seat]:
    """Makes whole seats: what is not said of one stays as it is ``known``."""

    def make(said: Mapping[str, Any]) -> Seat:
        before = known.get(said["id"])
        if before is None and "kind" not in said:
            raise CellFault("the seat has no kind.", f"Known here: {', '.join(SEAT_KINDS)}.")
        mobile = said.get("kind") == "mobile"
        seat = replace(before or Seat(said["id"], said["kind"], accept_key=mobile), **said)
        _check(seat)
        return seat

    return make


def refuse_shared(found: Reading[Seat], known: Mapping[str, Seat]) -> None:
    """Refuse rows after which two seats would ring the same telephone."""
    rung: dict[str, str] = {}
    for seat in ({**known, **found.records}).values():
        dialled = dial_string(seat)
        other = rung.setdefault(dialled, seat.id)
        if other == seat.id:
            continue
        refused = seat.id if seat.id in found.records else other
        kept = other if refused == seat.id else seat.id
        found.refuse(refused, f"seat {kept} rings {dialled} already.", "Two seats never share a telephone.")


def _check(seat: Seat) -> None:
    if seat.kind in ENDPOINT_KINDS:
        if not seat.endpoint:
            raise CellFault(f"a {seat.kind} needs an endpoint.", "Give the name of its PJSIP endpoint.")
        if seat.endpoint in _OURS:
            raise CellFault(f"the endpoint {seat.endpoint} is Goldline's own.", "Choose another name.")
        if seat.trunk or seat.number:
            raise CellFault(f"a {seat.kind} has no trunk and no number.", "Take them out.")
        return
    if not (seat.trunk and seat.number):
        raise CellFault(f"a {seat.kind} seat needs a trunk and a number.", "Give both.")
    if seat.endpoint:
        raise CellFault(f"a {seat.kind} seat has no endpoint.", "Take it out: it is dialled by its number.")
    if seat.kind == "mobile" and not seat.accept_key:
        raise CellFault("a mobile needs accept_key: yes.", "Without it, its voicemail would take customers.")


def _id(cell: str) -> str:
    if not _ID.fullmatch(cell):
        raise CellFault(f"{shown(cell)} is no id of a seat.", "Use at most 32 letters, digits, dots, - and _.")
    return cell


def _pjsip(field: str) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if cell and not _PJSIP.fullmatch(cell):
            raise CellFault(f"{field} cannot be {shown(cell)}.", "Use at most 40 letters, digits, dots, - and _.")
        return cell

    return read


def _number(cell: str) -> str:
    if not cell:
        return ""
    stored = stored_form(cell)
    if not stored.startswith("+") and not _EXTENSION.fullmatch(stored):
        raise CellFault(f"{shown(cell)} is no number.", "Write 13800138000, 02155501234, or an extension of digits.")
    return stored
