"""``watch_list.next``, ``.add`` and ``.remove`` (each also ``_share`` and ``_index``): quotes of the customer's choice.

A position is where the walk stands: 0 begins it, and each answer hands back the one to go on from. The quotes come from
the board, as ``quotes.look_up`` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

from db.instruments import Kind
from db.watch_list import WatchListFull, WatchLists
from ivr.flow.service import Caller, Result, Service, ServiceFunction
from ivr.selfservice.inputs import digits, number
from ivr.selfservice.settled import LOCKED, UNAVAILABLE, proven, settled
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.services import EXITS, WHICH, find
from ivr.speech.values import Code, Count, Name, Value

READ: Final = ("share", "index", "closed", "old", "suspended")  # exits of quotes.look_up that tell of one instrument
EITHER: Final[frozenset[Kind]] = frozenset({"share", "index"})
KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    "": EITHER,
    "_share": frozenset({"share"}),
    "_index": frozenset({"index"}),
}


def watch_list_services(lists: WatchLists, board: QuoteBoard) -> tuple[Service, ...]:
    """The services over the store and the board."""

    async def next_(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        after = number(inputs, "position")
        watched = await lists.next(proven(caller), after=after)
        if watched is None:
            return Result("end" if after else "empty")
        if not board.size:
            return Result("unavailable")
        position = Count(watched.entry)
        told = find(board, watched.code, {watched.kind})
        if told.exit in READ:
            return Result(told.exit, {**told.values, "position": position})
        return Result("no_quote", {"code": Code(watched.code), "position": position})

    exits: dict[str, Mapping[str, str]] = {name: {**EXITS[name], "position": "count"} for name in READ}
    exits |= {"no_quote": {"code": "code", "position": "count"}, "empty": {}, "end": {}, **UNAVAILABLE}
    services = [Service("watch_list.next", exits, settled(next_), {"position": "count"}, proven=True)]
    for suffix, kinds in KINDS.items():
        services += [_add(lists, board, suffix, kinds), _remove(lists, board, suffix, kinds)]
    return tuple(services)


def _add(lists: WatchLists, board: QuoteBoard, suffix: str, kinds: frozenset[Kind]) -> Service:
    async def add(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        if not board.size:
            return Result("unavailable")
        code = digits(inputs, "code")
        names = _names(board, code, kinds)
        if not names:
            return Result("unknown", {"code": Code(code)})
        if len(names) > 1:
            return Result("which", {str(kind): name for kind, name in names.items()})
        ((kind, name),) = names.items()
        try:
            added = await lists.add(proven(caller), code, kind, actor=caller.call_id)
        except WatchListFull:
            return Result("full")
        return Result("added" if added else "already", {"name": name})

    named = {"name": "name"}
    exits = {"added": named, "already": named, "unknown": {"code": "code"}, "full": {}, **LOCKED}
    return _service(f"watch_list.add{suffix}", exits, add, kinds)


def _remove(lists: WatchLists, board: QuoteBoard, suffix: str, kinds: frozenset[Kind]) -> Service:
    async def remove(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        code = digits(inputs, "code")
        watched = await lists.kinds(proven(caller), code) & kinds
        names = _names(board, code, watched)
        if len(watched) > 1:
            return Result("which", {kind: names.get(kind, _only_a_code(code)) for kind in watched})
        for kind in watched:
            if await lists.remove(proven(caller), code, kind, actor=caller.call_id):
                return Result("removed", {"name": names.get(kind, _only_a_code(code))})
        return Result("not_there", {"code": Code(code)})

    exits = {"removed": {"name": "name"}, "not_there": {"code": "code"}, **LOCKED}
    return _service(f"watch_list.remove{suffix}", exits, remove, kinds)


def _service(name: str, exits: Mapping[str, Mapping[str, str]], run: ServiceFunction, kinds: Set[Kind]) -> Service:
    which = {"which": WHICH} if len(kinds) > 1 else {}
    return Service(name, {**exits, **which}, settled(run), {"code": "code"}, proven=True)


def _names(board: QuoteBoard, code: str, kinds: Set[Kind]) -> dict[Kind, Name]:
    return {instrument.kind: Name(instrument.names) for instrument in board.find(code) if instrument.kind in kinds}


def _only_a_code(code: str) -> Name:
    """What is watched and no longer listed has no name but its code."""
    spelled = " ".join(code)
    return Name({"zh": spelled, "en": spelled})
