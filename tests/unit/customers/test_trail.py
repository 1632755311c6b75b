"""The trail that an auditor reads: what matters is there, in order and in words; what does not is not."""

from __future__ import annotations

import datetime

from db.audit import AuditEntry
from db.events import Event
from ivr.customers.trail import Step, steps_of_account, steps_of_call

NINE = datetime.datetime(2026, 11, 20, 1, 0, tzinfo=datetime.UTC)
CALL = "goldline-1.7"


def at(seconds: int) -> datetime.datetime:
    return NINE + datetime.timedelta(seconds=seconds)


EVENTS = [
    Event(CALL, "call.started", {"caller": "13900000001", "line": "95500", "language": "zh"}, at(0)),
    Event(CALL, "call.answered", {}, at(0)),
    Event(CALL, "said", {"path": "account/pin", "text": "请输入密码。", "prompts": ["enter_pin"]}, at(1)),
    Event(CALL, "keyed", {"path": "account/pin", "keys": "(secret)"}, at(5)),
    Event(CALL, "service", {"path": "account/prove", "name": "identity.prove", "exit": "proven", "ms": 30.0}, at(6)),
    Event(CALL, "proven", {"path": "account/prove", "customer": 7, "how": "pin"}, at(6)),
    Event(CALL, "step", {"path": "account/prove/proven", "to": "account/menu"}, at(6)),
    Event(CALL, "call.ended", {"how": "caller", "node": "account/menu", "seconds": 9.0}, at(9)),
]
ENTRIES = [AuditEntry(CALL, "watch_list.added", "900000000001", {"code": "600519"}, at(8))]


def test_a_call_tells_who_was_proven_how_what_was_asked_and_what_was_said() -> None:
    steps = [(step.what, step.text) for step in steps_of_call(EVENTS, ENTRIES)]
    assert steps == [
        ("began", "line 95500, caller ID 13900000001 (a hint, no proof), zh"),
        ("said", "请输入密码。"),
        ("keyed", "(secret) at account/pin"),
        ("asked", "identity.prove: proven"),
        ("PROVEN", "customer 7 by PIN"),
        ("watch_list.added", "code 600519"),
        ("ended", "by the caller at account/menu"),
    ]


def test_a_withheld_number_a_silence_and_a_failed_service_are_told_as_such() -> None:
    events = [
        Event(CALL, "call.started", {"caller": "", "line": "95500"}, at(0)),
        Event(CALL, "keyed", {"path": "main/menu", "keys": ""}, at(1)),
        Event(CALL, "service", {"path": "main/code", "name": "quotes.look_up", "error": "TimeoutError"}, at(2)),
    ]
    texts = [step.text for step in steps_of_call(events, [])]
    assert "withheld" in texts[0]
    assert texts[1:] == ["nothing at main/menu", "quotes.look_up failed: TimeoutError"]


def test_an_account_tells_who_did_what_the_oldest_first() -> None:
    newest_first = [
        AuditEntry("li.si", "account.unlocked", "900000000001", {"why": "came to the branch"}, at(60)),
        AuditEntry(CALL, "account.locked", "900000000001", {"how": "call"}, at(8)),
    ]
    assert steps_of_account(newest_first) == [
        Step(at(8), "account.locked", "how call", CALL),
        Step(at(60), "account.unlocked", "why came to the branch", "li.si"),
    ]
