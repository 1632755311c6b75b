"""Notices: every exit, freshness, the other language's text, and the last good copy while the database is away."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence

import pytest

from db import demo
from db.errors import StoreAway, StoreError
from db.events import utcnow
from db.notices import Notice, Notices, NoticeText
from db.store import Store
from ivr.flow.service import Caller, Result
from ivr.services import notices as notices_module
from ivr.services.notices import FRESH_SECONDS, STALE_SECONDS, NoticeBoard, notice_services
from ivr.speech.values import Code, Count, Text

NOON = datetime.datetime(2026, 3, 2, 4, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
CALLER = Caller("1.1")
BOTH = {"zh": NoticeText("标题", "正文"), "en": NoticeText("Title", "Body")}


class Shop:
    """A notice board over a fake store, with clocks to turn."""

    def __init__(self) -> None:
        self.now = NOON
        self.clock = 1000.0
        self.kept: Sequence[Notice] | Exception = ()
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.board = NoticeBoard(self.published, now=lambda: self.now, clock=lambda: self.clock)
        (self.service,) = notice_services(self.board)

    async def published(self, moment: datetime.datetime) -> Sequence[Notice]:
        self.reads += 1
        await self.gate.wait()
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    def later(self, seconds: float) -> None:
        self.clock += seconds
        self.now += datetime.timedelta(seconds=seconds)

    async def read(self, position: int = 1) -> Result:
        result = await self.service.run(CALLER, {"position": Count(position)})
        assert {name: value.kind for name, value in result.values.items()} == dict(self.service.exits[result.exit])
        return result


def published(
    reference: str, texts: dict[str, NoticeText] | None = None, until: datetime.datetime | None = None
) -> Notice:
    return Notice(reference, "market", "published", NOON - HOUR, until, BOTH if texts is None else texts)


async def settled() -> None:
    """The reading that is under way has ended."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "notices"))


@pytest.fixture
async def shop() -> Shop:
    return Shop()


async def test_none(shop: Shop) -> None:
    assert await shop.read() == Result("none")


async def test_one_after_the_other_until_the_end(shop: Shop) -> None:
    shop.kept = [published("B"), published("A", {"zh": NoticeText("二", "三"), "en": NoticeText("b", "c")})]
    first = await shop.read()
    assert first == Result(
        "notice",
        {
            "position": Count(2),
            "number": Count(1),
            "of": Count(2),
            "title": Text({"zh": "标题", "en": "Title"}),
            "body": Text({"zh": "正文", "en": "Body"}),
        },
    )
    second = await shop.read(2)
    assert second.values["number"] == Count(2)
    assert second.values["title"] == Text({"zh": "二", "en": "b"})
    assert await shop.read(3) == Result("end")
    assert (await shop.read(0)).values["number"] == Count(1)
    assert (await shop.read(-7)).values["number"] == Count(1)


@pytest.mark.parametrize(
    ("texts", "title"),
    [
        ({"zh": NoticeText("标题", "正文")}, {"zh": "标题", "en": "标题"}),
        ({"en": NoticeText("Title", "Body")}, {"zh": "Title", "en": "Title"}),
        ({"en": NoticeText("Title", "Body"), "zh": NoticeText(" ", "正文")}, {"zh": "Title", "en": "Title"}),
        ({"yue": NoticeText("標題", "正文")}, {"zh": "標題", "en": "標題", "yue": "標題"}),
        ({}, {"zh": "", "en": ""}),
    ],
)
async def test_a_missing_text_is_taken_from_the_other_language(
    shop: Shop, texts: dict[str, NoticeText], title: dict[str, str]
) -> None:
    shop.kept = [published("A", texts)]
    assert (await shop.read()).values["title"] == Text(title)


async def test_a_new_notice_is_heard_within_five_seconds(shop: Shop) -> None:
    assert (await shop.read()).exit == "none"
    shop.kept = [published("A")]
    shop.later(STALE_SECONDS)
    assert (await shop.read()).exit == "notice"
    assert STALE_SECONDS < 5


async def test_where_many_call_nobody_waits_for_the_database(shop: Shop) -> None:
    assert (await shop.read()).exit == "none"
    shop.kept = [published("A")]
    shop.later(FRESH_SECONDS - 0.1)
    assert (await shop.read()).exit == "none"
    assert shop.reads == 1
    shop.later(0.1)
    shop.gate.clear()
    assert (await shop.read()).exit == "none"  # the copy serves while it is read anew
    shop.gate.set()
    await settled()
    assert (await shop.read()).exit == "notice"
    assert shop.reads == 2


async def test_a_notice_begins_and_ends_on_time_even_in_the_last_copy(shop: Shop) -> None:
    shop.kept = [
        Notice("later", "market", "published", NOON + HOUR, None, BOTH),
        published("until one", until=NOON + HOUR),
    ]
    assert (await shop.read()).values["of"] == Count(1)
    shop.kept = StoreAway("The database is away.")
    shop.later(3599.9)
    assert [notice.reference for notice in await shop.board.heard()] == ["until one"]
    shop.later(0.1)
    assert [notice.reference for notice in await shop.board.heard()] == ["later"]


async def test_the_last_good_copy_serves_while_the_database_is_away(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.kept = [published("A")]
    await shop.read()
    shop.kept = StoreAway("The database is away.")
    for _ in range(5):
        shop.later(FRESH_SECONDS)
        assert (await shop.read()).exit == "notice"
        await asyncio.sleep(0)
    assert caplog.text.count("cannot be read") == 1
    shop.kept = ()
    shop.later(FRESH_SECONDS)
    await shop.read()  # begins to read in the background: nobody waits for a database that was away
    await asyncio.sleep(0)
    shop.later(FRESH_SECONDS)
    assert (await shop.read()).exit == "none"


async def test_without_any_copy_the_flow_is_told(shop: Shop) -> None:
    shop.kept = StoreAway("The database is away.")
    with pytest.raises(StoreAway):
        await shop.read()
    shop.kept = [published("A")]
    assert (await shop.read()).exit == "notice"


async def test_a_database_that_hangs_holds_nobody_up_for_long(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices_module, "READ_SECONDS", 0.05)
    shop.gate.clear()
    with pytest.raises(StoreError, match="in time"):
        await shop.read()
    shop.gate.set()
    shop.kept = [published("A")]
    assert (await shop.read()).exit == "notice"
    shop.gate.clear()
    shop.later(FRESH_SECONDS)
    assert (await shop.read()).exit == "notice"


async def test_many_callers_are_one_reading(shop: Shop) -> None:
    shop.kept = [published("A")]
    shop.gate.clear()
    callers = [asyncio.create_task(shop.read()) for _ in range(50)]
    await asyncio.sleep(0)
    callers[0].cancel()  # whoever began the reading hangs up
    shop.gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert {result.exit for result in results[1:] if isinstance(result, Result)} == {"notice"}
    assert shop.reads == 1


async def test_a_wrong_kind_of_input_is_a_fault(shop: Shop) -> None:
    with pytest.raises(TypeError, match="Code"):
        await shop.service.run(CALLER, {"position": Code("1")})


async def test_over_a_real_store(store: Store) -> None:
    await demo.load(store)
    (service,) = notice_services(NoticeBoard(Notices(store).published))
    result = await service.run(CALLER, {"position": Count(1)})
    assert result.exit == ("notice" if utcnow() > demo.FIRST_NOTICE + 4 * 24 * HOUR else "none")
