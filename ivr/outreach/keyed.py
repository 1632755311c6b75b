"""A script's questions for somebody who has keys only: what is said, and what a key means. Pure."""

from __future__ import annotations

from typing import Final, Literal

from outbound.answer import BadAnswer, read_answer
from outbound.script import MARKS, NO, SKIPPED, YES, Place, Question, Script, Step, place
from outbound.script_check import REFUSING_KEY
from outbound.script_values import filled

Keyed = Literal["yes_no", "choice", "mark", "number", "date"]
SKIP_KEY: Final = "0"
REFUSES: Final = str(REFUSING_KEY)

_YES_NO: Final = {"zh": "是请按1，否请按2。", "en": "For yes, press 1. For no, press 2."}
_OPTION: Final = {"zh": "{words}请按{key}。", "en": "For {words}, press {key}."}
_MARK: Final = {
    "zh": "请按1到5之间的数字键，5为非常满意，1为非常不满意。",
    "en": "Press a key from 1 to 5, where 5 is very satisfied.",
}
_NUMBER: Final = {"zh": "请输入数字，按井号键结束。", "en": "Enter the number, then press pound."}
_DATE: Final = {
    "zh": "请输入8位日期，先年后月日，按井号键结束。",
    "en": "Enter the date in eight digits, the year first, then press pound.",
}
_SKIP: Final = {"zh": "跳过请按0。", "en": "To skip this, press 0."}


def open_place(script: Script, answers: dict[str, str]) -> Place:
    """Where the call stands; questions that no key answers and that may be left out are left out (into ``answers``)."""
    while True:
        here = place(script, answers)
        if here.open is None or is_keyed(here.open.question):
            return here
        answers[here.open.name] = SKIPPED


def is_keyed(question: Question | None) -> bool:
    """Whether keys can answer it, or leave it out."""
    if question is None:
        return False
    return question.kind in ("yes_no", "choice", "mark") or (question.kind in ("number", "date") and question.required)


def words_of(script: Script, here: Place, values: dict[str, object], language: str) -> str:
    """All that is said at this place, and which key means what. Raises BadValue."""
    parts = [filled(step.say[language], script, values, language) for step in here.said]
    if here.open is not None and here.open.question is not None:
        parts.append(_keys_of(here.open, here.open.question, script, values, language))
    return " ".join(parts) if language == "en" else "".join(parts)


def _keys_of(step: Step, question: Question, script: Script, values: dict[str, object], language: str) -> str:
    match question.kind:
        case "yes_no":
            said = [_YES_NO[language]]
        case "choice":
            words = [filled(one[language], script, values, language) for one in question.options.values()]
            said = [_OPTION[language].format(words=each, key=key) for key, each in enumerate(words, 1)]
        case "mark":
            said = [_MARK[language]]
        case "number":
            said = [_NUMBER[language]]
        case "date":
            said = [_DATE[language]]
        case "text":
            raise ValueError(f"step {step.name}: words cannot be keyed")  # open_place leaves it out
    if not question.required:
        said.append(_SKIP[language])
    return " ".join(said) if language == "en" else "".join(said)


def answer_of(question: Question, keys: str) -> str:
    """The answer that the keys mean. Raises BadAnswer."""
    if not question.required and keys == SKIP_KEY:
        return SKIPPED
    match question.kind:
        case "yes_no":
            found = {"1": YES, "2": NO}.get(keys)
        case "choice":
            options = list(question.options)
            found = options[int(keys) - 1] if keys.isdecimal() and 1 <= int(keys) <= len(options) else None
        case "mark":
            found = keys if keys.isdecimal() and int(keys) in MARKS else None
        case _:
            return read_answer(question, keys)
    if found is None:
        raise BadAnswer("no_answer", "That key means nothing here.", "Ask again.")
    return found
