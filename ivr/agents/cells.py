"""How cells of agents and seats are read: texts, words, lists. Pure; every refusal is a CellFault with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

from db.models import NAME
from ivr.customers.columns import shown
from ivr.customers.fault import CellFault
from ivr.datafile.fields import suggest

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_YES_NO: Final = {"": False, "yes": True, "no": False, "是": True, "否": False}


def name(cell: str) -> str:
    """A person's name."""
    if len(cell) > NAME or _CONTROL.search(cell):
        raise CellFault(f"{shown(cell)} is no name.", f"Write at most {NAME} characters in one line.")
    return cell


def word(field: str, words: Sequence[str]) -> Callable[[str], str]:
    """One of these words."""

    def read(cell: str) -> str:
        if cell.lower() not in words:
            raise CellFault(f"{field} cannot be {shown(cell)}.", suggest(cell.lower(), words))
        return cell.lower()

    return read


def words(field: str, known: Sequence[str], *, least: int) -> Callable[[str], tuple[str, ...]]:
    """Some of these words, with blanks between, each once."""

    def read(cell: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(cell.lower().split()))
        for one in found:
            if one not in known:
                raise CellFault(f"{field} cannot hold {shown(one)}.", suggest(one, known))
        if len(found) < least:
            raise CellFault(f"{field} is empty.", f"Known here: {', '.join(known)}.")
        return found

    return read


def branch(branches: Collection[str]) -> Callable[[str], str]:
    """The code of a branch; empty: head office."""

    def read(cell: str) -> str:
        if cell and cell not in branches:
            remedy = suggest(cell, sorted(branches)[:20]) or "There are no branches yet."
            raise CellFault(f"there is no branch {shown(cell)}.", f"{remedy} `ivr customers branches FILE` adds some.")
        return cell

    return read


def yes_no(field: str) -> Callable[[str], bool]:
    """Yes or no; empty: no."""

    def read(cell: str) -> bool:
        value = _YES_NO.get(cell.lower())
        if value is None:
            raise CellFault(f"{field} cannot be {shown(cell)}.", "Write yes or no.")
        return value

    return read
