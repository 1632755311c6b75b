"""Where a talk stands: read out of its answers, whatever they are and in whatever order they came."""

from __future__ import annotations

from good_script import good
from hypothesis import given
from hypothesis import strategies as st

from outbound import script_file
from outbound.answer import LONGEST_TEXT, BadAnswer, read_answer
from outbound.script import NO, SKIPPED, YES, Script, place
from outbound.script_file import answers_of

SCRIPTS = [good(), *script_file.read_all().values()]


def test_what_is_said_and_asked_first() -> None:
    here = place(good(), {})
    assert [step.name for step in here.said] == ["opening"]
    assert here.open is not None
    assert not here.identified


def test_words_without_a_question_come_with_the_next_one() -> None:
    here = place(good(), {"opening": YES})
    assert [step.name for step in here.said] == ["told", "content"]
    assert here.open is not None
    assert here.open.name == "content"
    assert here.identified


def test_an_end_proposes_what_came_of_it() -> None:
    assert place(good(), {"opening": NO}).end == "wrong_person"
    done = {"opening": YES, "content": "1", "why": SKIPPED, "how": "branch"}
    assert place(good(), done).end == "completed"


def test_a_corrected_answer_leads_another_way_and_the_others_wait() -> None:
    answers = {"opening": YES, "content": "2", "why": "慢", "how": "app", "amount": "50"}
    assert place(good(), answers).open == good().steps["since"]
    answers["content"] = "5"  # no longer asked why
    assert [step.name for step in place(good(), answers).answered] == ["opening", "content", "how", "amount"]
    answers["amount"] = "3"
    assert place(good(), answers).end == "completed"


def test_an_answer_that_fits_no_question_is_none() -> None:
    for wrong in ("6", "0", "yes", "", "１"):
        assert place(good(), {"opening": YES, "content": wrong}).open == good().steps["content"]


anything = st.one_of(st.text(max_size=12), st.sampled_from([YES, NO, SKIPPED, "1", "5", "app", "2026-11-28", "12.5"]))


@given(st.sampled_from(SCRIPTS), st.data())
def test_every_talk_ends_and_asks_only_what_can_be_reached(script: Script, data: st.DataObject) -> None:
    """Whatever is typed: each question comes once, in at most as many answers as there are steps, and then an end."""
    answers: dict[str, str] = {}
    for _ in script.steps:
        here = place(script, answers)
        if here.open is None:
            break
        question = here.open.question
        assert question is not None
        assert here.open.name not in answers, "asked twice"
        listed = answers_of(question)
        typed = data.draw(st.sampled_from(listed) if listed else st.sampled_from(["7", "2026-11-28", "一句话"]))
        try:
            answers[here.open.name] = read_answer(question, typed)
        except BadAnswer:
            answers[here.open.name] = {"number": "1", "date": "2026-01-31", "text": "话"}.get(question.kind, typed)
    here = place(script, answers)
    assert here.end
    assert set(answers) == {step.name for step in here.answered}


@given(st.sampled_from(SCRIPTS), st.dictionaries(st.text(max_size=12), anything, max_size=30), st.data())
def test_no_answers_whatsoever_break_it(script: Script, given_: dict[str, str], data: st.DataObject) -> None:
    """Answers of another version, of steps that are gone, of the wrong kind: it still stands somewhere sensible."""
    steps = data.draw(st.lists(st.sampled_from(sorted(script.steps)), max_size=20))
    answers = given_ | {step: data.draw(anything) for step in steps}
    here = place(script, answers)
    assert bool(here.end) != (here.open is not None)
    assert here.said
    for step in here.answered:
        assert step.name in answers


@given(st.sampled_from(SCRIPTS), st.text(max_size=3 * LONGEST_TEXT))
def test_whatever_is_typed_is_an_answer_or_told_why_not(script: Script, typed: str) -> None:
    for step in script.steps.values():
        if step.question is None:
            continue
        try:
            answer = read_answer(step.question, typed)
        except BadAnswer:
            pass
        else:
            assert len(answer) <= LONGEST_TEXT
            assert all(each.isprintable() or each in "\n\t" for each in answer)
