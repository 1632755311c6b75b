"""The reception: recognised, shown to the desk, led to the flow or turned away, and the journal says why."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from db.fold import fold
from db.recognition import Recognised
from ivr.agi.errors import SessionClosed
from ivr.config import CHECKOUT
from ivr.contract import DONE_BUSY, DONE_HANGUP, DONE_UNALLOCATED, VAR_CHECKPOINT, VAR_DONE
from ivr.flow.engine import Engine, Entry
from ivr.flow.library import read_all
from ivr.flow.model import FlowSet
from ivr.lines.desk import LineDesk
from ivr.lines.load import read_text
from ivr.reception import Reception
from ivr.services.offline import A_TRADING_MORNING, offline_services
from ivr.speech.catalogue import Catalogue
from ivr.testing import FakeCall, MemoryJournal, SilentPerson, Typist, plain_kit

LINES = """\
hours:
  never: {every_day: closed}
trunk_groups:
  few: {lines: 2, kept: {gold: 1}, leaving_number: 1}
lines:
  main: {name: Main, numbers: ["95500"], trunks: few, flow: main, when_scarce: {flow: callback}}
  plain: {name: Plain, numbers: ["95501"], trunks: few, flow: main}
  branch: {name: Branch, numbers: ["010"], trunks: few, flow: main, hours: never}
  night: {name: Night, numbers: ["011"], trunks: few, flow: main, hours: never, when_closed: {flow: callback}}
"""
GOLD = Recognised(7, "gold", "active", "en")
TELEPHONES = {"13800000001": GOLD, "13800000002": Recognised(8, "normal", "dormant", "zh")}


class House:
    """A reception over the flows that we ship."""

    def __init__(self) -> None:
        self.prompts = Catalogue.load(CHECKOUT / "prompts")
        services = asyncio.run(offline_services(lambda: A_TRADING_MORNING))
        self.flows, problems, _ = read_all(CHECKOUT / "dialplans", self.prompts, services)
        assert not problems
        plan, wrong = read_text(LINES, "lines.yaml", lambda _: "")
        assert plan is not None, wrong
        self.services = services
        self.plan = plan
        self.begin()

    def begin(self) -> None:
        """With nobody up."""
        self.journal = MemoryJournal()
        self.counted: list[tuple[str, ...]] = []
        self.desk = LineDesk(lambda: self.plan, lambda: datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC))
        self.served = self.flows
        self.reception = Reception(
            self.desk,
            self,
            Engine(lambda: self.served, plain_kit(self.prompts, self.services, self.journal)),
            lambda: self.served,
            self.prompts,
            self.journal,
            ordinary=Entry("main", "zh"),
            observe=lambda *ending: self.counted.append(ending),
            refused=lambda *refusal: self.counted.append(refusal),
        )

    async def recognise(self, number: str) -> Recognised | None:
        return TELEPHONES.get(number)

    def call(self, number: str, caller: str = "13900000000", presses: tuple[str, ...] = (), **more: str) -> FakeCall:
        calls = len([event for event in self.journal.events if event.kind == "call.started"])
        environment = {"agi_uniqueid": f"call-{calls}", "agi_callerid": caller, "agi_arg_1": number, **more}
        return FakeCall(person=Typist(presses), environment=environment)

    def line(self) -> Mapping[str, Any]:
        """What the journal last said of a call's arrival."""
        return [event.data for event in self.journal.events if event.kind == "line"][-1]

    def row(self, call: FakeCall) -> Any:
        return fold(event for event in self.journal.events if event.call_id == call.id)


@pytest.fixture(scope="module")
def built() -> House:
    return House()


@pytest.fixture
def house(built: House) -> House:
    built.begin()
    return built


async def test_a_stranger_is_served_in_the_lines_language(house: House) -> None:
    call = house.call("95500")
    assert await house.reception.serve(call) == "caller"
    assert call.said[0] == "欢迎致电金线证券服务热线。"
    assert house.line() == {
        "outcome": "admitted",
        "customer": None,
        "tier": "normal",
        "line": "main",
        "trunks": "few",
        "channel": "others",
        "class": "others",
        "language": "zh",
        "why": "others: 2 lines free, 1 to be left",
    }
    assert house.journal.kinds()[:3] == ["call.started", "line", "call.answered"]


async def test_a_customer_is_greeted_in_their_language_and_counts_as_what_they_are(house: House) -> None:
    call = house.call("95500", "13800000001")
    await house.reception.serve(call)
    assert call.said[0].startswith("Welcome")
    line = house.line()
    assert (line["customer"], line["tier"], line["class"], line["channel"]) == (7, "gold", "gold", "trading")
    await house.reception.serve(house.call("95500", "13800000002"))
    assert house.line()["why"].startswith("registered: ")


async def test_when_lines_are_scarce_a_number_is_left_and_the_row_says_refused(house: House) -> None:
    house.desk.resume("up", "95500", None, "main")
    call = house.call("95500", presses=("1",))
    await house.reception.serve(call)
    assert [text[:6] for text in call.said] == ["很抱歉，当前", "如需我们给您", "已为您登记号"]
    assert house.row(call).ended_how == "refused"
    assert house.counted == [("few", "others", "kept")]
    assert house.line()["outcome"] == "refused"
    gold = house.call("95500", "13800000001")
    await house.reception.serve(gold)
    assert house.line()["outcome"] == "admitted"


async def test_when_the_places_for_leaving_a_number_are_taken_the_dialplan_says_that_all_lines_are_busy(
    house: House,
) -> None:
    house.desk.resume("up", "95500", None, "main")
    house.desk.resume("leaving", "95500", None, "callback")
    call = house.call("95500")
    assert await house.reception.serve(call) == "refused"
    assert (call.said, call.variables[VAR_DONE]) == ([], DONE_BUSY)
    assert house.row(call).ended_how == "refused"
    assert house.counted == [("few", "others", "kept"), ("-", "refused")]


async def test_without_a_flow_for_it_a_refused_caller_hears_why(house: House) -> None:
    house.desk.resume("up", "95500", None, "main")
    call = house.call("95501")
    assert await house.reception.serve(call) == "refused"
    assert call.said == ["很抱歉，当前来电较多，请您稍后再拨。"]
    assert call.variables[VAR_DONE] == DONE_HANGUP
    assert house.journal.kinds() == ["call.started", "line", "said", "call.ended"]


async def test_a_closed_line_says_so(house: House) -> None:
    call = house.call("010")
    assert await house.reception.serve(call) == "closed"
    assert call.said == ["您好，现在是非服务时间，请您在服务时间内来电。感谢您致电金线证券。"]
    assert house.line()["outcome"] == "closed"
    night = house.call("011", presses=("#",))
    assert await house.reception.serve(night) == "hotline"
    assert night.said[0] == call.said[0]
    assert house.row(night).ended_how == "hotline"


async def test_a_number_that_is_nobodys_is_not_answered(house: House) -> None:
    call = house.call("4711")
    assert await house.reception.serve(call) == "unallocated"
    assert call.variables[VAR_DONE] == DONE_UNALLOCATED
    assert ("ANSWER",) not in call.fake_channel.commands
    assert house.row(call).ended_how == "unallocated"


async def test_a_call_that_comes_back_goes_on_and_is_counted_whatever_the_rules(house: House) -> None:
    first = house.call("95500", "13800000001", presses=("1",))
    await house.reception.serve(first)
    mark = first.variables[VAR_CHECKPOINT]
    for number in range(3):
        house.desk.resume(f"up-{number}", "95500", None, "main")
    again = house.call("95500", "13800000001", agi_arg_2=mark)
    await house.reception.serve(again)
    assert "call.resumed" in house.journal.kinds()
    assert "code" in again.said[0], "the question, in her language"
    assert house.desk.up()["few"]["gold"] == 2
    gone = house.call("4711", agi_arg_2=mark)
    assert await house.reception.serve(gone) == "caller", "a call that is up is never thrown out"


async def test_a_flow_that_went_away_under_the_lines_leaves_the_ordinary_one(house: House) -> None:
    house.served = FlowSet({"main": house.flows["main"]})
    house.desk.resume("up", "95500", None, "main")
    call = house.call("95500")
    assert await house.reception.serve(call) == "refused"
    assert call.said == ["很抱歉，当前来电较多，请您稍后再拨。"]


async def test_a_caller_who_leaves_before_the_end_of_the_prompt_was_told_all_the_same(house: House) -> None:
    class Impatient(SilentPerson):
        async def presses_while_playing(self) -> str:
            return "hang up"

    call = FakeCall(person=Impatient(), environment={"agi_arg_1": "010"})
    assert await house.reception.serve(call) == "closed"
    assert house.journal.kinds()[-1] == "call.ended"


async def test_a_session_that_is_torn_away_in_the_prompt_has_not_ended(house: House) -> None:
    class Torn(SilentPerson):
        async def hears(self, _: object) -> None:
            raise SessionClosed("Asterisk is gone")

    call = FakeCall(person=Torn(), environment={"agi_arg_1": "010"})
    assert await house.reception.serve(call) == "lost"
    assert house.journal.kinds()[-1] == "call.lost"
