"""What a flow of an automatic call may ask for: the notice and its acknowledgement, the next question and its answer,
the refusal of further calls. Words and keys only; attempts are kept by whoever is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from ivr.flow.service import Caller, Result, Service
from ivr.outreach.keyed import REFUSES, answer_of, open_place, words_of
from ivr.outreach.matter import Matter, Outreach
from ivr.speech.values import Code, Name, Text, Value
from outbound.answer import BadAnswer
from outbound.dispositions import (
    ACKNOWLEDGED,
    HEARD_ONLY,
    NOT_IDENTIFIED,
    NOT_THERE,
    NOT_TOLD,
    PARTLY,
    WRONG_PERSON,
)
from outbound.script_values import BadValue, filled

log = structlog.get_logger(__name__)

NOTICE: Final[Mapping[str, str]] = {"notice": "text"}
QUESTION: Final[Mapping[str, str]] = {"question": "text"}
KINDS: Final = ("yes_no", "choice", "mark", "number", "date")


def outreach_services(outreach: Outreach) -> tuple[Service, ...]:
    """The services over the attempts of campaigns."""

    async def not_told(caller: Caller) -> Result:
        """People have to see to it: another call would say no more."""
        await outreach.settle(caller.call_id, NOT_TOLD)
        return Result("nothing")

    async def notice(caller: Caller, _: Mapping[str, Value]) -> Result:
        """What is to be said, unless it is for the customer's ears only: then the customer's name."""
        matter = await outreach.matter(caller.call_id)
        if matter is None:
            return Result("nothing")
        said, text = matter.script.notice, _notice(matter)
        if said is None or text is None:
            return await not_told(caller)
        if not said.personal:
            await outreach.settle(caller.call_id, HEARD_ONLY)
            return Result("open", {"notice": text})
        if not matter.ending:
            log.error("a personal notice for somebody without an account number", script=matter.script.name)
            return await not_told(caller)
        await outreach.settle(caller.call_id, NOT_IDENTIFIED)
        return Result("personal", {"who": Name(dict(matter.name))})

    async def identify(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        keys = _digits(inputs, "digits")
        if keys == REFUSES:
            return Result("refuses")
        matter = await outreach.matter(caller.call_id)
        text = _notice(matter) if matter else None
        if matter is None or text is None or not matter.ending:
            return Result("nothing")
        if keys != matter.ending:
            return Result("wrong")
        await outreach.settle(caller.call_id, HEARD_ONLY)
        return Result("right", {"notice": text})

    async def acknowledge(caller: Caller, _: Mapping[str, Value]) -> Result:
        await outreach.settle(caller.call_id, ACKNOWLEDGED)
        return Result("kept")

    async def refuse_calls(caller: Caller, _: Mapping[str, Value]) -> Result:
        await outreach.refuse(caller.call_id)
        return Result("kept")

    async def not_there(caller: Caller, _: Mapping[str, Value]) -> Result:
        await outreach.settle(caller.call_id, NOT_THERE)
        return Result("kept")

    async def wrong_person(caller: Caller, _: Mapping[str, Value]) -> Result:
        await outreach.settle(caller.call_id, WRONG_PERSON)
        return Result("kept")

    async def next_question(caller: Caller, _: Mapping[str, Value]) -> Result:
        matter = await outreach.matter(caller.call_id)
        if matter is None:
            return Result("nothing")
        if not matter.script.by_keys:
            return await not_told(caller)
        before = await outreach.answers(caller.call_id)
        answers = dict(before)
        here = open_place(matter.script, answers)
        for step, answer in answers.items():
            if step not in before:
                await outreach.answer(caller.call_id, step, answer)
        try:
            words = {
                language: words_of(matter.script, here, dict(matter.values), language) for language in _spoken(matter)
            }
        except BadValue as error:
            log.error("a question cannot be asked", script=matter.script.name, error=error.message)
            return await not_told(caller)
        said = {"question": Text(words)}
        if here.open is None or here.open.question is None:
            await outreach.settle(caller.call_id, here.end)
            return Result("done", said)
        if not before:
            await outreach.settle(caller.call_id, PARTLY)
        return Result(here.open.question.kind, said)

    async def answer(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        keys = _digits(inputs, "keys")
        if keys == REFUSES:
            return Result("refuses")
        matter = await outreach.matter(caller.call_id)
        if matter is None:
            return Result("nothing")
        here = open_place(matter.script, dict(await outreach.answers(caller.call_id)))
        if here.open is None or here.open.question is None:
            return Result("kept")  # a restarted controller asked once more for what was answered
        try:
            given = answer_of(here.open.question, keys)
        except BadAnswer:
            return Result("wrong")
        await outreach.answer(caller.call_id, here.open.name, given)
        return Result("kept")

    async def after_talk(caller: Caller, _: Mapping[str, Value]) -> Result:
        matter = await outreach.matter(caller.call_id)
        return Result("ask" if matter is not None and matter.survey else "no")

    kept: Mapping[str, Mapping[str, str]] = {"kept": {}}
    return (
        Service("outbound.notice", {"open": NOTICE, "personal": {"who": "name"}, "nothing": {}}, notice),
        Service(
            "outbound.identify",
            {"right": NOTICE, "wrong": {}, "refuses": {}, "nothing": {}},
            identify,
            {"digits": "code"},
            secret=frozenset({"digits"}),
        ),
        Service("outbound.acknowledge", kept, acknowledge),
        Service("outbound.refuse_calls", kept, refuse_calls),
        Service("outbound.not_there", kept, not_there),
        Service("outbound.wrong_person", kept, wrong_person),
        Service(
            "outbound.next_question",
            {**dict.fromkeys(KINDS, QUESTION), "done": QUESTION, "nothing": {}},
            next_question,
        ),
        Service("outbound.answer", {"kept": {}, "wrong": {}, "refuses": {}, "nothing": {}}, answer, {"keys": "code"}),
        Service("outbound.after_talk", {"ask": {}, "no": {}}, after_talk),
    )


def _notice(matter: Matter) -> Text | None:
    said = matter.script.notice
    if said is None:
        return None
    try:
        return Text({each: filled(said.say[each], matter.script, matter.values, each) for each in _spoken(matter)})
    except BadValue as error:
        log.error("a notice cannot be said", script=matter.script.name, error=error.message)
        return None


def _spoken(matter: Matter) -> tuple[str, ...]:
    return matter.script.languages


def _digits(inputs: Mapping[str, Value], name: str) -> str:
    keyed = inputs[name]
    if not isinstance(keyed, Code):
        raise TypeError(f"the input `{name}` is a {type(keyed).__name__}, not a Code")
    return keyed.digits
