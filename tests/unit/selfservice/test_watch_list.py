"""The watch-list: added to, read with its quotes, taken out of."""

from __future__ import annotations

import asyncio

from db.instruments import Instrument
from db.watch_list import MOST, WatchLists
from ivr.speech.values import Code, Count, Name
from tests.unit.selfservice.conftest import ACCOUNT, OTHER, SILENT, Hotline


async def read(hotline: Hotline) -> list[tuple[str, str]]:
    """Exit and code of each entry, to the last exit."""
    heard, position = [], 0
    while True:
        result = await hotline.ask("watch_list.next", position=position)
        if not result.values:
            return [*heard, (result.exit, "")]
        code, at = result.values["code"], result.values["position"]
        assert isinstance(code, Code)
        assert isinstance(at, Count)
        heard.append((result.exit, code.digits))
        position = at.number


async def test_quotes_are_read_in_the_order_in_which_they_were_added(hotline: Hotline) -> None:
    assert await read(hotline) == [("empty", "")]
    added = await hotline.ask("watch_list.add", code="600519")
    assert (added.exit, added.values["name"]) == ("added", Name({"zh": "贵州茅台", "en": "Kweichow Moutai"}))
    assert (await hotline.ask("watch_list.add", code="600519")).exit == "already"
    assert (await hotline.ask("watch_list.add_index", code="000001")).exit == "added"
    assert (await hotline.ask("watch_list.add", code="600000")).exit == "added"
    assert await read(hotline) == [("share", "600519"), ("index", "000001"), ("no_quote", "600000"), ("end", "")]
    assert (await hotline.call("watch_list.next", OTHER, position=0)).exit == "empty", "each has their own"
    assert await hotline.trail() == ["watch_list.added"] * 3


async def test_one_code_and_two_instruments_are_asked_about(hotline: Hotline) -> None:
    which = await hotline.ask("watch_list.add", code="000001")
    assert which.exit == "which"
    assert which.values["index"] == Name({"zh": "上证指数", "en": "SSE Composite Index"})
    await hotline.ask("watch_list.add_share", code="000001")
    assert (await hotline.ask("watch_list.remove_index", code="000001")).exit == "not_there"
    await hotline.ask("watch_list.add_index", code="000001")
    assert (await hotline.ask("watch_list.remove", code="000001")).exit == "which"
    assert (await hotline.ask("watch_list.remove_share", code="000001")).exit == "removed"
    assert (await hotline.ask("watch_list.remove", code="000001")).values["name"] == which.values["index"]
    assert (await hotline.ask("watch_list.remove", code="000001")).exit == "not_there"


async def test_what_is_taken_out_while_reading_makes_nobody_skip_one(hotline: Hotline) -> None:
    for code in ("600519", "600000"):
        await hotline.ask("watch_list.add", code=code)
    at = (await hotline.ask("watch_list.next", position=0)).values["position"]
    assert (await hotline.ask("watch_list.remove", code="600519")).exit == "removed"
    assert (await hotline.ask("watch_list.next", position=at)).values["code"] == Code("600000")


async def test_codes_that_are_none_are_unknown(hotline: Hotline) -> None:
    for code in ("999999", "", "*", "x" * 100):
        assert (await hotline.ask("watch_list.add", code=code)).exit == "unknown"


async def test_fifty_and_no_more_however_many_calls_add_at_once(hotline: Hotline) -> None:
    lists = WatchLists(hotline.store)
    hotline.listed += [Instrument(f"60{number:04}", "SSE", "share", "某股", "A share") for number in range(1000, 1055)]
    fresh = Hotline(hotline.store)
    fresh.listed, fresh.ids = hotline.listed, hotline.ids
    await fresh.board.refresh()
    for number in range(1000, 1000 + MOST - 2):
        assert await lists.add(fresh.ids[ACCOUNT], f"60{number:04}", "share", actor="17.1")
    results = await asyncio.gather(
        *(fresh.call("watch_list.add", ACCOUNT, f"17.{n}", code=f"60{n:04}") for n in range(1050, 1055))
    )
    assert sorted(result.exit for result in results) == ["added"] * 2 + ["full"] * 3


async def test_what_is_no_longer_listed_can_still_be_heard_of_and_taken_out(hotline: Hotline) -> None:
    await hotline.ask("watch_list.add", code=SILENT.code)
    fresh = Hotline(hotline.store)
    fresh.listed.remove(SILENT)
    fresh.ids = hotline.ids
    assert (await fresh.ask("watch_list.next", position=0)).exit == "unavailable", "no board yet"
    await fresh.board.refresh()
    assert await read(fresh) == [("no_quote", SILENT.code), ("end", "")]
    removed = await fresh.ask("watch_list.remove", code=SILENT.code)
    assert removed.values["name"] == Name({"zh": "6 0 0 0 0 0", "en": "6 0 0 0 0 0"})
