"""A caller proves who they are: services that need it, the checkpoint that carries it, words that are recorded."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from ivr.contract import VAR_CHECKPOINT
from ivr.flow.check import check_flow
from ivr.flow.engine import Ending, Engine, Entry
from ivr.flow.load import read_text
from ivr.flow.model import FlowSet
from ivr.flow.proof import Proof
from ivr.flow.service import Caller, Result, Service
from ivr.flow.trace import HIDDEN
from ivr.speech.catalogue import Catalogue
from ivr.speech.values import Code, Value
from ivr.testing import FakeCall, MemoryJournal, plain_kit

FLOW = """\
    flow: main
    languages: [zh]
    start: menu
    on_give_up: bye
    on_error: bye
    nodes:
      menu:
        type: menu
        say: menu
        keys: {"1": account, "2": mine, "3": open, "4": who}
      account: {type: gather, say: enter, digits: {max: 8}, save: account, secret: yes, wrong: too_few, next: prove}
      prove:
        type: service
        call: identity.prove
        with: {account: account}
        exits: {proven: menu, wrong: bye}
      mine: {type: service, call: mine.tell, exits: {told: about, not_proven: account}}
      about: {type: say, say: about_me, next: menu}
      who:
        type: choose
        when: [{if: proven, go: mine}]
        else: bye
      open: {type: service, call: tickets.open, exits: {opened: words}}
      words: {type: record, say: hello, into: recording, next: menu, on_nothing: bye}
      bye: {type: hangup, say: bye}
    """


class Hotline:
    """The flow above over services that remember whom they served."""

    def __init__(self, prompts: Catalogue) -> None:
        self.served: list[int | None] = []
        self.journal = MemoryJournal()
        services = {
            one.name: one
            for one in (
                Service("identity.prove", {"proven": {}, "wrong": {}}, self._prove, {"account": "code"}),
                Service("mine.tell", {"told": {"code": "code"}}, self._tell, proven=True),
                Service("tickets.open", {"opened": {"recording": "code"}}, self._open),
            )
        }
        read, problems = read_text(textwrap.dedent(FLOW), "main.yaml", "main")
        assert read is not None, problems
        flow, problems = check_flow(read, {"main": read}, prompts, services)
        assert not problems, problems
        flows = FlowSet({"main": flow})
        self.engine = Engine(lambda: flows, plain_kit(prompts, services, self.journal))

    async def call(self, presses: Sequence[str], **how: Any) -> tuple[FakeCall, Ending]:
        call = FakeCall(presses, **how)
        return call, await self.engine.run(call, Entry("main", "zh"))

    async def _prove(self, _: Caller, inputs: Mapping[str, Value]) -> Result:
        right = inputs["account"] == Code("80010001")
        return Result("proven", proof=Proof(7, "pin")) if right else Result("wrong")

    async def _tell(self, caller: Caller, _: Mapping[str, Value]) -> Result:
        self.served.append(caller.customer)
        return Result("told", {"code": Code("1")})

    async def _open(self, _: Caller, __: Mapping[str, Value]) -> Result:
        return Result("opened", {"recording": Code("20261121000001")})


@pytest.fixture
def hotline(make_prompts: Callable[..., Catalogue]) -> Hotline:
    return Hotline(make_prompts(about_me="号码{code:code}。"))


async def test_a_service_that_needs_a_proof_is_never_run_without_one(hotline: Hotline) -> None:
    call, _ = await hotline.call(["2"])
    assert hotline.served == []
    assert call.said[-1] == "请输入号码。"
    assert [event.data["exit"] for event in hotline.journal.events if event.kind == "service"] == ["not_proven"]


async def test_a_proven_caller_is_served_and_the_journal_says_who_was_proven_how(hotline: Hotline) -> None:
    call, _ = await hotline.call(["1", "80010001", "2", "4"])
    assert hotline.served == [7, 7]
    assert "号码幺。" in call.said
    (proven,) = [event for event in hotline.journal.events if event.kind == "proven"]
    assert (proven.data["customer"], proven.data["how"]) == (7, "pin")
    assert "80010001" not in repr(hotline.journal.events)
    assert HIDDEN in repr(hotline.journal.events)


async def test_a_wrong_proof_proves_nothing(hotline: Hotline) -> None:
    _, ending = await hotline.call(["1", "80010002"])
    assert ending.node == "main/bye"
    assert hotline.served == []


async def test_a_proof_outlives_the_controller_in_its_own_call_only(hotline: Hotline) -> None:
    first, _ = await hotline.call(["1", "80010001"])
    mark = first.variables[VAR_CHECKPOINT]
    assert "80010001" not in mark
    await hotline.call(["2"], environment={"agi_arg_2": mark})
    assert hotline.served == [7]
    await hotline.call(["2"], environment={"agi_arg_2": mark, "agi_uniqueid": "another call"})
    assert hotline.served == [7], "somebody else's checkpoint proves nothing"


async def test_a_callers_words_are_recorded_under_the_name_that_the_service_gave(hotline: Hotline) -> None:
    call, ending = await hotline.call(["3", "#"])
    assert call.fake_channel.recorded == ["recordings/20261121000001"]
    assert ending.node == "main/menu"
    names = {event.kind: event.data["name"] for event in hotline.journal.events if event.kind.startswith("record")}
    assert names == {"recording": "20261121000001", "recorded": "20261121000001"}


async def test_a_caller_who_says_nothing_is_noticed(hotline: Hotline) -> None:
    _, ending = await hotline.call(["3", ""])
    assert ending.node == "main/bye"


async def test_a_caller_who_hangs_up_while_speaking_leaves_the_name_in_the_journal(hotline: Hotline) -> None:
    _, ending = await hotline.call(["3"])
    assert (ending.how, ending.node) == ("caller", "main/words")
    assert "recording" in hotline.journal.kinds()


def test_what_a_service_takes_as_a_secret_must_come_from_a_secret_gather(
    make_prompts: Callable[..., Catalogue],
) -> None:
    async def prove(_: Caller, __: Mapping[str, Value]) -> Result:
        return Result("wrong")

    secrets = {"account": "code"}
    services = {
        one.name: one
        for one in (
            Service("identity.prove", {"proven": {}, "wrong": {}}, prove, secrets, secret=frozenset(secrets)),
            Service("mine.tell", {"told": {"code": "code"}}, prove, proven=True),
            Service("tickets.open", {"opened": {"recording": "code"}}, prove),
        )
    }
    for text, problems in ((FLOW, 0), (FLOW.replace("secret: yes, ", ""), 1)):
        read, _ = read_text(textwrap.dedent(text), "main.yaml", "main")
        assert read is not None
        _, found = check_flow(read, {"main": read}, make_prompts(about_me="号码{code:code}。"), services)
        assert len(found) == problems
    assert "takes 'account' from a secret gather only" in str(found[0])
    assert "Add `secret: yes`" in str(found[0])
