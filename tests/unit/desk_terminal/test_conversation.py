"""What an agent types at the desk, and what it does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.desk_terminal.conversation import ACTS, Ask, Conversation, Leave, Tell
from ivr.desk_terminal.words import EN, WORDS, ZH

QUESTION = {
    "step": "content",
    "kind": "mark",
    "required": True,
    "identity": False,
    "options": [],
    "least": None,
    "most": None,
}
DISPOSITIONS = [
    {"id": "completed", "words": {"zh": "已完成"}, "appointment": "none", "complete": True, "proposed": True},
    {"id": "call_back", "words": {"zh": "另约"}, "appointment": "must", "complete": False, "proposed": False},
    {"id": "no_time", "words": {"zh": "不便"}, "appointment": "may", "complete": False, "proposed": False},
]


def card(question: dict[str, Any] | None = None, call: str = "attempt-7", **more: Any) -> dict[str, Any]:
    script = {
        "answered": [{"step": "opening", "text": "…", "answer": "yes", "shown": "yes"}],
        "say": [],
        "question": question,
        "end": "" if question else "completed",
    }
    return {"call": call, "kind": "campaign", "script": script, "dispositions": DISPOSITIONS, **more}


def at(shown: dict[str, Any]) -> Conversation:
    conversation = Conversation(ZH)
    conversation.take(shown)
    return conversation


def test_what_is_typed_answers_the_open_question() -> None:
    assert at(card(QUESTION)).typed(" 5 ") == Ask("answer", {"call": "attempt-7", "step": "content", "typed": " 5 "})


def test_an_empty_line_leaves_out_what_may_be_left_out() -> None:
    assert at(card({**QUESTION, "required": False})).typed("") == Ask(
        "answer", {"call": "attempt-7", "step": "content", "typed": ""}
    )
    assert at(card(QUESTION)).typed("") == Tell(card=True)


def test_an_answer_is_corrected_by_its_number() -> None:
    assert at(card(QUESTION)).typed(":c 1 n") == Ask("answer", {"call": "attempt-7", "step": "opening", "typed": "n"})
    assert at(card(QUESTION)).typed(":c 2 n") == Tell(ZH.nothing_to_correct)


def test_a_disposition_with_a_note() -> None:
    conversation = at(card())
    assert conversation.typed("1") == Tell()
    assert conversation.prompt.startswith(ZH.ask_note)
    assert conversation.typed("很满意") == Ask(
        "settle",
        {"call": "attempt-7", "disposition": "completed", "at": "", "with_me": False, "note": "很满意"},
    )


def test_an_appointment_is_asked_for_and_may_be_ones_own() -> None:
    conversation = at(card(QUESTION))
    assert conversation.typed("：d") == Tell(dispositions=True)
    conversation.typed("call_back")
    assert conversation.typed("") == Tell(), "it must have a time"
    conversation.typed("12-01 15:30 我")
    asked = conversation.typed("")
    assert isinstance(asked, Ask)
    assert (asked.body["at"], asked.body["with_me"]) == ("12-01 15:30", True)
    conversation.refused("bad-appointment")
    assert conversation.prompt.startswith(ZH.ask_time)
    conversation.typed("16:00")
    asked = conversation.typed("")
    assert isinstance(asked, Ask)
    assert (asked.body["at"], asked.body["with_me"]) == ("16:00", False)
    conversation.done("settle")
    assert conversation.prompt == "> "


def test_a_time_may_be_left_out_where_it_may() -> None:
    conversation = at(card(QUESTION))
    conversation.typed(":d 3")
    conversation.typed("")
    asked = conversation.typed("")
    assert isinstance(asked, Ask)
    assert (asked.body["disposition"], asked.body["at"]) == ("no_time", "")


def test_another_call_forgets_what_was_begun() -> None:
    conversation = at(card(QUESTION))
    conversation.typed(":d 2")
    conversation.take(card(QUESTION, call="attempt-8"))
    assert conversation.prompt == "> "
    conversation.typed(":d 2")
    conversation.take(card(None, call="attempt-8"))
    assert conversation.prompt.startswith(ZH.ask_time), "it is still the same call"


@pytest.mark.parametrize(
    ("line", "act"),
    [(":ready", "ready"), (":more", "more_time"), (":resume", "resume"), (":accept", "accept"), (":skip", "skip")],
)
def test_plain_acts(line: str, act: str) -> None:
    assert at(card(QUESTION)).typed(line) == Ask(act, {"call": "attempt-7"})


def test_other_commands() -> None:
    conversation = at(card(QUESTION))
    assert conversation.typed(":q") == Leave()
    assert conversation.typed(":h") == Tell(ZH.help)
    assert conversation.typed(":s") == Tell(card=True)
    assert conversation.typed(":pause lunch") == Ask("pause", {"reason": "lunch"})
    assert conversation.typed(":x") == Tell(ZH.no_such)
    assert conversation.typed(":d 9") == Tell(ZH.no_such, dispositions=True)
    assert conversation.typed(":b") == Tell(card=True)
    assert conversation.prompt == "> "


def test_without_a_campaign_nothing_is_settled() -> None:
    conversation = at({"call": "1.5", "kind": "inbound"})
    assert conversation.typed(":d") == Tell(ZH.no_call)
    assert conversation.typed("5") == Tell(ZH.no_question)


@given(st.lists(st.text(max_size=20)), st.booleans())
def test_no_line_breaks_it(lines: list[str], asks: bool) -> None:
    conversation = at(card(QUESTION if asks else None))
    for line in lines:
        meaning = conversation.typed(line)
        if isinstance(meaning, Ask):
            assert meaning.act in ACTS
            conversation.done(meaning.act)


def test_both_languages_have_words_for_everything() -> None:
    assert set(WORDS) == {"zh", "en"}
    for name in ("states", "tiers", "statuses", "phone_states", "answers"):
        assert set(getattr(ZH, name)) == set(getattr(EN, name)), name
