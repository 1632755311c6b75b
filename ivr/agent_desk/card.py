"""The card: everything an agent sees of whoever is on the line, as plain JSON values. Pure.

Terminal and web desk show the same card. Numbers of telephones are shown without their middle: the agent has no need to
dial them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from db.agent import Session
from db.answers import Answer
from db.customer import Customer
from db.talk_history import OpenTicket, PastTalk
from outbound.dispositions import Disposition
from outbound.script import Place, Script, Step
from outbound.script_values import filled_where_known

Json = dict[str, Any]

HIDDEN_DIGITS: Final = 4
LEAST_SHOWN: Final = 8  # digits: shorter ones are extensions and service numbers, which hide nothing


def masked(number: str) -> str:
    """A telephone number without its middle."""
    if len(number) < LEAST_SHOWN:
        return number
    tail = number[-HIDDEN_DIGITS:]
    return f"{number[: -2 * HIDDEN_DIGITS]}{'*' * HIDDEN_DIGITS}{tail}"


def session_of(session: Session | None, agent: str) -> Json:
    """What the agent is doing."""
    if session is None:
        return {"agent": agent, "state": "logged_out", "seat": "", "since": None, "until": None, "reason": ""}
    return {
        "agent": agent,
        "state": session.state,
        "seat": session.seat,
        "since": session.since.isoformat(),
        "until": session.until.isoformat() if session.until else None,
        "reason": session.reason,
    }


def customer_of(customer: Customer, branch: Mapping[str, str], manager: str) -> Json:
    """Who it is."""
    return {
        "account": customer.account,
        "name": {"zh": customer.name("zh"), "en": customer.name("en")},
        "tier": customer.tier,
        "status": customer.status,
        "branch": dict(branch),
        "manager": manager,
        "languages": list(customer.languages),
        "do_not_call": customer.do_not_call,
        "opened_on": customer.opened_on.isoformat() if customer.opened_on else None,
        "phones": [
            {
                "number": masked(phone.number),
                "state": phone.state,
                "confirmed_on": phone.confirmed_on.isoformat() if phone.confirmed_on else None,
            }
            for phone in customer.phones
        ],
    }


def history_of(talks: Iterable[PastTalk], words: Mapping[str, Disposition]) -> list[Json]:
    """The last talks, newest first, with what came of them in words."""
    return [
        {
            "at": moment(talk.at),
            "campaign": talk.campaign,
            "title": talk.title,
            "outcome": talk.outcome,
            "disposition": talk.disposition,
            "words": dict(words[talk.disposition].words) if talk.disposition in words else {},
            "agent": talk.agent,
            "note": talk.note,
        }
        for talk in talks
    ]


def tickets_of(tickets: Iterable[OpenTicket]) -> list[Json]:
    """What the customer still waits for."""
    return [
        {"number": one.number, "kind": one.kind, "state": one.state, "opened_at": one.opened_at.isoformat()}
        for one in tickets
    ]


def dispositions_of(dispositions: Iterable[Disposition], proposed: str) -> list[Json]:
    """What the agent may say came of the talk."""
    return [
        {
            "id": one.id,
            "words": dict(one.words),
            "appointment": one.appointment,
            "complete": one.complete,
            "proposed": one.id == proposed,
        }
        for one in dispositions
    ]


def script_of(
    script: Script, here: Place, answers: Mapping[str, str], values: Mapping[str, Any], language: str
) -> Json:
    """Where the talk stands: what to say, to ask, and was answered. A value that is missing is shown as ``{it}``."""

    def text(words: Mapping[str, str]) -> str:
        return filled_where_known(words.get(language, ""), script, values, language)

    return {
        "script": script.name,
        "title": dict(script.title),
        "digest": script.digest,
        "language": language,
        "say": [{"step": step.name, "text": text(step.say), "hint": text(step.hint)} for step in here.said],
        "question": None if here.open is None else _question(here.open, text),
        "answered": [
            {
                "step": step.name,
                "text": text(step.say),
                "answer": answers[step.name],
                "shown": shown(step, answers, text),
            }
            for step in here.answered
        ],
        "end": here.end,
    }


def said_last_time(script: Script, answers: Sequence[Answer], language: str) -> list[Json]:
    """Questions of this script that were answered in an earlier talk; those of steps that are gone are left out."""
    found = []
    for one in answers:
        step = script.steps.get(one.step)
        if step is None or step.question is None or step.identity or not one.answer:
            continue
        said = shown(step, {one.step: one.answer}, lambda words: words.get(language, ""))
        found.append({"step": one.step, "text": step.say.get(language, ""), "shown": said, "at": one.at.isoformat()})
    return found


def shown(step: Step, answers: Mapping[str, str], text: Any) -> str:
    """An answer as people read it; yes and no are left to whoever shows it."""
    answer = answers[step.name]
    if step.question is not None and answer in step.question.options:
        return str(text(step.question.options[answer]))
    return answer


def _question(step: Step, text: Any) -> Json:
    question = step.question
    assert question is not None, "a step that is open asks"
    return {
        "step": step.name,
        "kind": question.kind,
        "required": question.required,
        "identity": step.identity,
        "options": [{"id": option, "text": text(words)} for option, words in question.options.items()],
        "least": None if question.least is None else str(question.least),
        "most": None if question.most is None else str(question.most),
    }


def moment(at: datetime.datetime | None) -> str | None:
    """A moment as JSON has it."""
    return at.isoformat() if at else None
