"""Lines on real calls: whose telephone it is, which number was dialled, and who gets one when they are scarce.

The brokerage of this module has few lines and a branch that never opens.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningAsterisk
from hotline import CallOf, Hotline, Journal, Voice, journal, running, voice
from sipp import Phone

from db.callbacks import Callbacks
from db.customers import Customer, Customers
from db.customers import Phone as Telephone
from db.recognition import Recognition
from ivr.config import CHECKOUT, Database

pytestmark = pytest.mark.asterisk
__all__ = ["journal"]

LINES = """\
hours:
  never: {every_day: closed}
trunk_groups:
  few: {lines: 3, kept: {gold: 1}, leaving_number: 1}
  many: {lines: 50}
lines:
  main: {name: Main, numbers: ["95500"], trunks: many, flow: main}
  scarce: {name: Scarce, numbers: ["95501"], trunks: few, flow: main, when_scarce: {flow: callback}}
  gold: {name: Gold, numbers: ["4008095588"], trunks: many, flow: main, channel: trading, tier: gold}
  branch: {name: Branch, numbers: ["02195500"], trunks: many, flow: main, hours: never}
  night: {name: Night, numbers: ["01095500"], trunks: many, flow: main, hours: never, when_closed: {flow: callback}}
"""
MAIN, SCARCE, GOLD, BRANCH, NIGHT = "95500", "95501", "4008095588", "02195500", "01095500"


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    """A controller with its own lines and database."""
    place = asterisk.settings.run_dir / "lines"
    shutil.copytree(CHECKOUT / "dialplans", place / "dialplans")
    _lines(place / "dialplans").write_text(LINES, "utf-8")
    settings = asterisk.settings.model_copy(
        update={"dialplans": place / "dialplans", "database": Database(url=f"sqlite+aiosqlite:///{place}/goldline.db")}
    )
    with running(Hotline(asterisk, settings)) as one:
        yield one


@pytest.fixture
async def expected(hotline: Hotline) -> AsyncIterator[Voice]:
    """What prompts sound like."""
    async with voice(hotline) as one:
        yield one


@pytest.fixture
async def gold(journal: Journal) -> str:
    """The telephone of a gold customer who likes English."""
    number = mobile()
    customer = Customer(
        f"77{number}", tier="gold", status="active", languages=("en",), phones=(Telephone(f"+86{number}"),)
    )
    await Customers(journal.store).put(customer)
    return number


def mobile() -> str:
    """A mobile's number that no other call has."""
    return f"137{secrets.randbelow(10**8):08d}"


def _lines(dialplans: Path) -> Path:
    return dialplans / "lines.yaml"


async def arrived(journal: Journal, phone: Phone) -> tuple[CallOf, dict[str, Any]]:
    """The call, and what the desk said of it."""
    call = await journal.call_of(phone)
    return call, (await call.until("line"))["data"]


async def all_free(hotline: Hotline) -> None:
    """No call holds a line any more."""
    await hotline.until(
        lambda state: (
            state["lines"]["free"] == {"few": 3, "many": 50} and not any(state["lines"]["leaving_number"].values())
        ),
        "all lines are free",
    )


async def test_a_gold_customer_is_recognised_on_the_gold_line_and_on_the_main_line(
    hotline: Hotline, journal: Journal, expected: Voice, gold: str
) -> None:
    row = await Recognition(journal.store).of_number(gold)
    assert row
    for number, line in ((GOLD, "gold"), (MAIN, "main")):
        async with hotline.dialled(number, caller=gold) as phone:
            call = await journal.call_of(phone)
            journal.fed.clear()  # the next call has the same number
            said = (await call.until("line"))["data"]
            assert (said["line"], said["class"], said["tier"], said["channel"]) == (line, "gold", "gold", "trading")
            assert said["customer"] == row.customer
            await phone.hears(await expected.opening("greeting", "en"))
            phone.hang_up()
            assert await phone.over() == 0
        assert (await call.until_ended("caller")).line == number
    await all_free(hotline)


async def test_a_stranger_on_the_gold_line_is_served_by_the_ordinary_flow(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    async with hotline.dialled(GOLD) as phone:
        call, said = await arrived(journal, phone)
        assert (said["tier"], said["customer"], said["outcome"]) == ("normal", None, "admitted")
        await phone.hears(await expected.opening("greeting"))
        phone.hang_up()
        assert await phone.over() == 0
    assert (await call.until_ended("caller")).flow == "main"
    await all_free(hotline)


async def test_a_closed_line_says_so_and_hangs_up(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    async with hotline.dialled(BRANCH) as phone:
        call, said = await arrived(journal, phone)
        assert said["outcome"] == "closed"
        await phone.hears(await expected.sound("line_closed"))
        assert await phone.over() == 0
    assert phone.hung_up_on.is_set()
    assert (await call.until_ended("closed")).line == BRANCH
    await all_free(hotline)


async def test_at_night_another_number_can_be_left(hotline: Hotline, journal: Journal, expected: Voice) -> None:
    other = mobile()
    async with hotline.dialled(NIGHT) as phone:
        call, _ = await arrived(journal, phone)
        await phone.hears(await expected.sound("line_closed"))
        phone.press("2")
        await call.until_said("enter_callback_number")
        phone.press(f"{other}#")
        await call.until_said("callback_left")
        assert await phone.over() == 0
    await call.until_ended("hotline")
    assert [one.wish.line for one in await Callbacks(journal.store).open() if one.wish.number == f"+86{other}"] == [
        NIGHT
    ]
    await all_free(hotline)


async def test_a_number_that_is_no_lines_is_refused_unanswered(hotline: Hotline, journal: Journal) -> None:
    async with hotline.dialled("95599") as phone:
        await phone.over()
        call, _ = await arrived(journal, phone)
    assert (phone.status, phone.answered.is_set()) == (404, False)
    await call.until_ended("unallocated")


async def test_when_lines_are_scarce_the_others_leave_a_number_and_gold_gets_through(
    hotline: Hotline, journal: Journal, expected: Voice, gold: str
) -> None:
    async with contextlib.AsyncExitStack() as up:
        for _ in range(2):
            phone = await up.enter_async_context(hotline.dialled(SCARCE))
            _, said = await arrived(journal, phone)
            assert said["outcome"] == "admitted"
        async with hotline.dialled(SCARCE, caller=mobile()) as third:
            call, said = await arrived(journal, third)
            assert said["outcome"] == "refused"
            assert "kept for higher classes" in said["why"]
            await third.hears(await expected.sound("lines_scarce"))
            await call.until_said("leave_number")
            async with hotline.dialled(SCARCE) as fourth:  # nobody may leave a number while the third does
                last, _ = await arrived(journal, fourth)
                await fourth.hears(await expected.sound("all_lines_busy"))
                assert await fourth.over() == 0
            await last.until_ended("refused")
            async with hotline.dialled(SCARCE, caller=gold) as customer:
                _, said = await arrived(journal, customer)
                assert (said["outcome"], said["class"]) == ("admitted", "gold")
                await customer.hears(await expected.opening("greeting", "en"))
                customer.hang_up()
                assert await customer.over() == 0
            third.press("1")
            await call.until_said("callback_left")
            assert await third.over() == 0
        assert (await call.until_ended("refused")).flow == "callback"
        (wish,) = [one for one in await Callbacks(journal.store).open() if one.wish.number == f"+86{third.caller}"]
        assert (wish.wish.line, wish.wish.call_id, wish.wish.customer) == (SCARCE, call.id, None)
        state = await hotline.health()
        assert (state["lines"]["up"]["few"]["others"], state["lines"]["free"]["few"]) == (2, 1)
    await all_free(hotline)


async def test_a_killed_controller_counts_its_callers_again(
    hotline: Hotline, journal: Journal, expected: Voice
) -> None:
    async with hotline.dialled(SCARCE) as stays, hotline.dialled(SCARCE) as goes:
        for phone in (stays, goes):
            await phone.hears(await expected.opening("greeting"))
        async with hotline.dialled(SCARCE, caller=mobile()) as leaving:
            call = await journal.call_of(leaving)
            await call.until_said("leave_number")
            hotline.kill()
            goes.hang_up()
            assert await goes.over() == 0
            await hotline.start()
            await hotline.until(
                lambda state: (
                    state["lines"]["up"].get("few", {}).get("others") == 1
                    and state["lines"]["leaving_number"] == {"few": 1}
                ),
                "one call holds a line, one leaves a number",
            )
            await call.until("call.resumed")
            await call.until_said("leave_number")
            leaving.press("1")
            await call.until_said("callback_left")
            assert await leaving.over() == 0
        await call.until_ended("refused")
        stays.hang_up()
        assert await stays.over() == 0
    await all_free(hotline)


async def test_a_bad_change_keeps_the_last_good_lines_and_a_good_one_is_taken_in(
    hotline: Hotline, journal: Journal
) -> None:
    file = _lines(hotline.settings.dialplans)
    file.write_text(LINES.replace("flow: main, hours", "flow: mian, hours"), "utf-8")
    state = await hotline.until(lambda state: bool(state["lines_problems"]), "a problem in lines.yaml")
    assert "there is no flow 'mian'" in state["lines_problems"][0]
    async with hotline.dialled() as phone:
        assert (await arrived(journal, phone))[1]["line"] == "main"
        await phone.hears_more(0.1)
        phone.hang_up()
        assert await phone.over() == 0
    file.write_text(LINES.replace("95500", "95577", 1), "utf-8")
    await hotline.until(lambda state: not state["lines_problems"], "lines without problems")
    async with hotline.dialled("95577") as phone:  # never heard of by the dialplan until now
        assert (await arrived(journal, phone))[1]["line"] == "main"
        await phone.hears_more(0.1)
        phone.hang_up()
        assert await phone.over() == 0
    file.write_text(LINES, "utf-8")
    await all_free(hotline)
