"""What a caller lives through when a flow is played: on the call in memory that ships with the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from good_flow import GOOD
from structlog.testing import CapturingLogger

from ivr.agi.errors import CommandTimeout
from ivr.contract import DONE_FAILED, DONE_HANGUP, VAR_CHECKPOINT, VAR_DONE, VAR_TRIES
from ivr.flow.checkpoint import decode
from ivr.flow.engine import Ending, Engine, Entry
from ivr.flow.model import Flow, FlowSet
from ivr.flow.nodes import service as service_node
from ivr.flow.service import Caller, Result, Service
from ivr.flow.trace import HIDDEN
from ivr.speech.catalogue import Catalogue
from ivr.speech.values import Value
from ivr.testing import FakeCall, MemoryJournal, SilentPerson, Typist, plain_kit

ENTRY = Entry("main", "zh")


class Hotline:
    """One flow, ready to be called."""

    def __init__(self, flow: Flow, prompts: Catalogue, services: dict[str, Service]) -> None:
        self.flows = FlowSet({flow.name: flow})
        self.journal = MemoryJournal()
        self.engine = Engine(lambda: self.flows, plain_kit(prompts, services, self.journal))

    async def call(self, presses: Sequence[str] = (), **how: Any) -> tuple[FakeCall, Ending]:
        call = FakeCall(presses, **how)
        return call, await self.engine.run(call, ENTRY)

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [dict(event.data) for event in self.journal.events if event.kind == kind]


@pytest.fixture
def hotline(check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service]) -> Hotline:
    flow, problems = check(GOOD)
    assert not problems
    return Hotline(flow, prompts, services)


async def test_a_caller_asks_and_is_answered(hotline: Hotline) -> None:
    call, ending = await hotline.call(["1", "1234#"])
    assert ending.how == "caller"
    assert call.said == ["您好。", "请按键。", "请输入号码。", "张三，号码幺二三四。", "请按键。"]
    assert hotline.journal.kinds()[:2] == ["call.started", "call.answered"]
    assert hotline.journal.kinds()[-1] == "call.ended"
    assert hotline.data("call.ended")[0]["how"] == "caller"


async def test_every_step_stands_in_the_trace_at_its_path(hotline: Hotline) -> None:
    await hotline.call(["1", "1234#"])
    steps = [(event.data["path"], event.data.get("to")) for event in hotline.journal.events if event.kind == "step"]
    assert steps == [
        ("main/hello/next", "main/menu"),
        ("main/menu/1", "main/code"),
        ("main/code/next", "main/find"),
        ("main/find/found", "main/about"),
        ("main/about/next", "main/menu"),
    ]
    assert hotline.data("step")[2]["changed"] == {"code": "1234"}
    assert hotline.data("said")[3]["text"] == "张三，号码幺二三四。"


async def test_keys_pressed_before_a_prompt_ends_are_used(hotline: Hotline) -> None:
    call, _ = await hotline.call(["11234#"], ahead=True)
    assert call.said == ["您好。", "请输入号码。", "张三，号码幺二三四。", "请按键。"]


async def test_a_hash_after_the_last_digit_does_not_cut_the_answer_short(hotline: Hotline) -> None:
    class Slow(Typist):
        """Presses the closing hash while the answer is being said."""

        async def presses_while_playing(self) -> str:
            if any("张三" in utterance.text for utterance in self.heard[-1:]) and not self.done:
                self.done = True
                return "#"
            return ""

    person = Slow(["1", "1234"])
    person.done = False  # type: ignore[attr-defined]
    await hotline.call(person=person)
    assert hotline.data("cut_short") == []


async def test_too_many_digits_are_told_and_do_not_answer_the_next_question(hotline: Hotline) -> None:
    call, _ = await hotline.call(["1", "123456789#", "1234#"])
    assert call.said[3] == "位数不对。请输入号码。"
    assert call.said[4] == "张三，号码幺二三四。"


async def test_star_leaves_the_entry_at_once(hotline: Hotline) -> None:
    call, _ = await hotline.call(["1", "*"])
    assert call.said[-1] == "请按键。"


async def test_silence_is_answered_and_ends_after_three_times(hotline: Hotline) -> None:
    call, ending = await hotline.call(["", "", ""])
    assert call.said[2:] == ["没有听到按键。请按键。", "没有听到按键。请按键。", "再见。"]
    assert ending.how == "hotline"
    assert call.variables[VAR_DONE] == DONE_HANGUP


async def test_a_wrong_key_is_told(hotline: Hotline) -> None:
    call, _ = await hotline.call(["9"])
    assert call.said[-1] == "按键有误。请按键。"


async def test_a_failing_service_takes_its_way_out(hotline: Hotline) -> None:
    call, ending = await hotline.call(["1", "4444#"])
    assert call.said[-1] == "再见。"
    assert ending.how == "hotline"
    assert hotline.data("service")[0]["error"] == "ConnectionError"


async def test_a_slow_service_does_not_leave_the_caller_in_silence(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service]
) -> None:
    import asyncio

    async def never(_caller: Caller, _inputs: object) -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    slow = {"people.find": replace(services["people.find"], run=never, seconds=0.01)}
    hotline = Hotline(check(GOOD)[0], prompts, slow)
    call, _ = await hotline.call(["1", "1234#"])
    assert call.said[-1] == "再见。"


async def test_the_language_changes(hotline: Hotline) -> None:
    call, _ = await hotline.call(["2", "1", "1234#"])
    assert call.said[2:5] == ["Press a key.", "Enter the number.", "Zhang San, number one two three four."]


async def test_a_fault_of_ours_sends_the_caller_to_the_apology(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service]
) -> None:
    async def wrong(_caller: Caller, _inputs: object) -> Result:
        return Result("no such exit")

    hotline = Hotline(check(GOOD)[0], prompts, {"people.find": replace(services["people.find"], run=wrong)})
    call, ending = await hotline.call(["1", "1234#"])
    assert ending.how == "failed"
    assert call.variables[VAR_DONE] == DONE_FAILED
    assert hotline.data("fault")[0]["path"] == "main/find"


@pytest.mark.parametrize("after", range(14))
async def test_a_caller_may_hang_up_at_every_single_point(hotline: Hotline, after: int) -> None:
    """After any number of commands, the session ends, the journal says so, and nothing hangs."""
    call = FakeCall(["1", "12#", "", "1234#", "1"])
    channel = call.fake_channel
    command = channel.command

    async def counted(*words: Any, deadline: float | None = None) -> Any:
        if len(channel.commands) == after:
            channel.commands.append(words)
            channel._hang_up()
        return await command(*words, deadline=deadline)

    channel.command = counted  # type: ignore[method-assign]
    ending = await hotline.engine.run(call, ENTRY)
    assert ending.how == "caller"
    assert hotline.journal.kinds()[-1] == "call.ended"


# --- the controller goes away in the middle ---------------------------------------------------------------------------


async def test_a_call_goes_on_where_it_was_with_a_new_controller(hotline: Hotline) -> None:
    first, _ = await hotline.call(["2", "1"])
    assert first.said[-1] == "Enter the number."
    second, _ = await hotline.call(["1234#"], environment={"agi_arg_2": first.variables[VAR_CHECKPOINT]})
    assert second.said[:2] == ["Enter the number.", "Zhang San, number one two three four."]
    assert "call.resumed" in hotline.journal.kinds()
    assert hotline.journal.kinds().count("call.started") == 1
    assert hotline.journal.kinds().count("call.answered") == 1


async def test_the_values_come_along(hotline: Hotline) -> None:
    stopped = SilentPerson()
    call = FakeCall(["1", "1234#"])
    await hotline.engine.run(call, ENTRY)
    marks = [words[3] for words in call.fake_channel.commands if words[:3] == ("SET", "VARIABLE", VAR_CHECKPOINT)]
    at_about = str(marks[3])
    again, _ = await hotline.call(person=stopped, environment={"agi_arg_2": at_about})
    assert again.said[0] == "张三，号码幺二三四。"


@pytest.mark.parametrize("mark", ["nonsense", "e30=", "W10=", "A" * 5000, "WyJhIiwiYiIsImMiLHt9XQ=="])
async def test_a_mark_that_is_not_ours_begins_anew(hotline: Hotline, mark: str) -> None:
    call, _ = await hotline.call(environment={"agi_arg_2": mark})
    assert call.said[0] == "您好。"


async def test_a_node_that_is_gone_begins_the_flow_anew(hotline: Hotline, check: Callable[..., Any]) -> None:
    first, _ = await hotline.call(["1"])
    flow, problems = check(GOOD.replace("code:\n        type", "kode:\n        type").replace('"1": code', '"1": kode'))
    assert not problems
    hotline.flows = FlowSet({"main": flow})
    second, _ = await hotline.call(environment={"agi_arg_2": first.variables[VAR_CHECKPOINT]})
    assert second.said[0] == "您好。"


async def test_whoever_types_ahead_is_asked_on_without_a_pause(hotline: Hotline) -> None:
    """Keys that end while no command runs are lost: no checkpoint between a key pressed early and the next question."""
    call = FakeCall(["1", "1234#"])
    command = call.fake_channel.command

    async def early(*words: Any, deadline: float | None = None) -> Any:
        answer = await command(*words, deadline=deadline)
        return answer._replace(endpos=400) if words[:2] == ("GET", "OPTION") else answer

    call.fake_channel.command = early  # type: ignore[method-assign]
    aside: list[tuple[str, str]] = []
    call._aside = lambda call_id, text: aside.append((call_id, text))
    await hotline.engine.run(call, ENTRY)
    (told,) = aside
    mark = decode(told[1])
    assert told[0] == call.id
    assert mark is not None
    assert mark.node == "code", "a controller killed now gives the caller back to this question"
    verbs = [" ".join(str(word) for word in words[:2]) for words in call.fake_channel.commands]
    menu = verbs.index("GET OPTION")
    assert verbs[menu : menu + 3] == ["GET OPTION", "GET OPTION", "GET DATA"]
    assert verbs[menu + 4 :][0] == "SET VARIABLE", "the answer is worth a checkpoint again"


async def test_a_controller_that_is_found_again_resets_the_count(hotline: Hotline) -> None:
    call, _ = await hotline.call(environment={"agi_arg_3": "7"})
    assert call.variables[VAR_TRIES] == "0"


async def test_a_call_that_gets_nowhere_does_not_reset_the_count(hotline: Hotline) -> None:
    """A call that brings every controller down must come to the apology, not go round for ever."""
    call = FakeCall(["1"], environment={"agi_arg_3": "7"})
    command = call.fake_channel.command

    async def torn(*words: Any, deadline: float | None = None) -> Any:
        if words[0] == "STREAM":
            raise CommandTimeout(verb="STREAM FILE")
        return await command(*words, deadline=deadline)

    call.fake_channel.command = torn  # type: ignore[method-assign]
    await hotline.engine.run(call, ENTRY)
    assert VAR_TRIES not in call.variables


async def test_a_session_torn_away_leaves_the_call_to_the_dialplan(hotline: Hotline) -> None:
    call = FakeCall(["1"])
    command = call.fake_channel.command

    async def torn(*words: Any, deadline: float | None = None) -> Any:
        if words[0] == "GET":
            raise CommandTimeout(verb="GET OPTION")
        return await command(*words, deadline=deadline)

    call.fake_channel.command = torn  # type: ignore[method-assign]
    ending = await hotline.engine.run(call, ENTRY)
    assert ending.how == "lost"
    assert VAR_DONE not in call.variables, "only a session that ended well may say so"
    assert hotline.journal.kinds()[-1] == "call.lost"


async def test_a_call_ends_on_the_version_it_began_with(hotline: Hotline, check: Callable[..., Any]) -> None:
    class Reloads(Typist):
        async def presses(self, *, first: bool) -> str:
            flow, _ = check(GOOD.replace("say: about, next", "say: bye, next"))
            hotline.flows = FlowSet({"main": flow})
            return await super().presses(first=first)

    call, _ = await hotline.call(person=Reloads(["1", "1234#"]))
    assert "张三，号码幺二三四。" in call.said


# --- secrets ----------------------------------------------------------------------------------------------------------


async def test_secret_digits_are_nowhere(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service]
) -> None:
    flow, problems = check(
        GOOD.replace("save: code", "save: code\n        secret: yes").replace("say: about", "say: bye")
    )
    assert not problems
    hotline = Hotline(flow, prompts, services)
    call, _ = await hotline.call(["1", "1234#"])
    assert call.said[3] == "再见。"
    assert "1234" not in repr([(event.kind, event.data) for event in hotline.journal.events])
    assert hotline.data("keyed")[1]["keys"] == HIDDEN
    for words in call.fake_channel.commands:
        if words[:3] == ("SET", "VARIABLE", VAR_CHECKPOINT):
            mark = decode(str(words[3]))
            assert mark is not None
            assert "code" not in mark.values


@pytest.mark.parametrize(("secret", "told"), [("", True), ("\n        secret: yes", False)])
async def test_a_service_that_breaks_over_secret_digits_is_logged_without_them(
    check: Callable[..., Any],
    prompts: Catalogue,
    services: dict[str, Service],
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    told: bool,
) -> None:
    # A logger of its own: the module's may be bound to how another test set logging up.
    log = CapturingLogger()
    monkeypatch.setattr(service_node, "log", log)

    async def breaks(_caller: Caller, inputs: Mapping[str, Value]) -> Result:
        raise ValueError(f"what is {inputs['code']}?")

    text = GOOD.replace("save: code", f"save: code{secret}").replace("say: about", "say: bye")
    flow, problems = check(text)
    assert not problems
    broken = {"people.find": replace(services["people.find"], run=breaks)}
    await Hotline(flow, prompts, broken).call(["1", "1234#"])
    assert [(line.method_name, line.args) for line in log.calls] == [("warning", ("service failed",))]
    assert ("1234" in repr(log.calls)) is told


@pytest.mark.parametrize(("secret", "told"), [("", "9"), ("\n        secret: yes", HIDDEN)])
async def test_a_wrong_key_may_be_a_secret_digit_gone_astray(
    check: Callable[..., Any], prompts: Catalogue, services: dict[str, Service], secret: str, told: str
) -> None:
    flow, problems = check(GOOD.replace("save: code", f"save: code{secret}").replace("say: about", "say: bye"))
    assert not problems
    hotline = Hotline(flow, prompts, services)
    await hotline.call(["9", "1", "1234#"])
    assert [data["keys"] for data in hotline.data("keyed")][:2] == [told, "1"]
