"""The card in a terminal: what an agent needs, and nothing that could steer the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console, RenderableType

from ivr.desk_terminal import screen
from ivr.desk_terminal.words import EN, ZH

CARD: dict[str, Any] = {
    "agent": "803",
    "state": "talking",
    "seat": "S803",
    "since": "2026-11-20T02:00:00+00:00",
    "kind": "campaign",
    "call": "attempt-7",
    "number": "+86138****0001",
    "campaign": {"name": "dormant", "title": {"zh": "休眠账户回访", "en": "Dormant accounts"}},
    "target": {"attempts": 2, "why": "", "guaranteed": True},
    "customer": {
        "account": "900000000042",
        "name": {"zh": "王伟", "en": "Wang Wei"},
        "tier": "gold",
        "status": "dormant",
        "branch": {"zh": "浦东营业部", "en": "Pudong branch"},
        "manager": "李敏",
        "do_not_call": False,
        "phones": [{"number": "+86138****0001", "state": "good", "confirmed_on": None}],
    },
    "history": [
        {
            "at": "2026-11-19T02:00:00+00:00",
            "title": "满意度调查",
            "outcome": "reached",
            "words": {"zh": "暂不方便", "en": "no time now"},
            "agent": "801",
            "note": "在开会\x1b[2J[bold]",
        }
    ],
    "tickets": [{"number": "20261101", "kind": "complaint", "opened_at": "2026-11-18T02:00:00+00:00"}],
    "said_last_time": [{"text": "您满意吗？", "shown": "yes"}],
    "script": {
        "answered": [{"text": "您是本人吗？", "shown": "yes"}],
        "say": [{"step": "x", "text": "您还打算继续使用吗？", "hint": "不承诺收益"}],
        "question": {
            "step": "x",
            "kind": "choice",
            "required": False,
            "options": [{"id": "a", "text": "继续"}, {"id": "b", "text": "销户"}],
            "least": None,
            "most": None,
        },
        "end": "",
    },
    "dispositions": [
        {"id": "completed", "words": {"zh": "已完成", "en": "done"}, "appointment": "none", "proposed": True},
        {"id": "call_back", "words": {"zh": "另约", "en": "later"}, "appointment": "must", "proposed": False},
    ],
}


def shown(what: RenderableType, width: int = 100) -> str:
    console = Console(width=width, highlight=False, markup=False, force_terminal=False)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def test_who_why_before_and_what_to_say() -> None:
    text = shown(screen.whole(CARD, ZH))
    for words in (
        "通话中",
        "休眠账户回访",
        "第2次",
        "约定回电",
        "王伟",
        "黄金",
        "浦东营业部",
        "李敏",
        "暂不方便",
        "20261101",
        "上次回答：您满意吗？ → 是",
        "请说：您还打算继续使用吗？",
        "不承诺收益",
        "2 销户",
        "可直接回车跳过",
    ):
        assert words in text, words
    assert "\x1b" not in text
    assert "[bold]" in text, "no text is taken for markup"


def test_in_preview_nothing_was_dialled_yet() -> None:
    assert ":accept" in shown(screen.whole({**CARD, "mode": "preview", "attempt_state": "leased"}, ZH))
    assert ":accept" not in shown(screen.whole({**CARD, "mode": "preview", "attempt_state": "talking"}, ZH))


def test_in_english() -> None:
    text = shown(screen.whole(CARD, EN))
    for words in ("talking", "Dormant accounts", "Wang Wei", "Pudong branch", "no time now"):
        assert words in text, words


def test_a_caller_who_is_recognised_is_not_proven() -> None:
    caller = {**CARD, "kind": "inbound", "line": "95500", "script": None}
    assert "未经身份验证" in shown(screen.whole(caller, ZH))
    unknown = {**caller, "customer": None}
    assert "未知来电者" in shown(screen.whole(unknown, ZH))


def test_dispositions_and_the_end_of_the_script() -> None:
    text = shown(screen.dispositions(CARD, ZH))
    assert "1 已完成（建议）" in text
    assert "2 另约（须约时间）" in text
    ended = {**CARD, "script": {**CARD["script"], "question": None, "end": "completed"}}
    assert "话术结束，建议结果：已完成" in shown(screen.step(ended, ZH))


def test_nobody_on_the_line() -> None:
    idle = {"agent": "803", "state": "logged_out", "seat": "", "since": None, "kind": "none"}
    assert "*11" in shown(screen.whole(idle, ZH))


def test_every_kind_of_question_says_how_it_is_answered() -> None:
    for kind, told in (("yes_no", "y 是"), ("mark", "1 到 5"), ("number", "1..8"), ("date", "2026"), ("text", "文字")):
        question = {**CARD["script"]["question"], "kind": kind, "options": [], "least": "1", "most": "8"}
        assert told in shown(screen.step({**CARD, "script": {**CARD["script"], "question": question}}, ZH)), kind
