"""How an attempt ended: every code that Asterisk knows, and what goes before codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.customer import PHONE_STATES
from ivr.cli import cli
from outbound import causes
from outbound.outcomes import (
    ANNOUNCED,
    FACTS,
    OUTCOMES,
    UNANSWERED,
    EndOfDial,
    Outcome,
    outcome_of,
    phone_state_after,
    sip_code,
)

TABLE = causes.read()

# SIP code → Q.850 cause as ast_sip_hangup_sip2cause (res_pjsip.c of Asterisk 22) has it, and what we make of both when
# a telephone rang before, and when none did.
PJSIP: list[tuple[int, int, Outcome, Outcome]] = [
    (401, 21, "network", "network"),
    (403, 21, "refused", "network"),
    (404, 1, "unallocated", "unallocated"),
    (405, 127, "network", "network"),
    (407, 21, "network", "network"),
    (408, 18, "no_answer", "network"),
    (409, 41, "network", "network"),
    (410, 22, "unallocated", "unallocated"),
    (411, 127, "network", "network"),
    (413, 127, "network", "network"),
    (414, 127, "network", "network"),
    (415, 127, "network", "network"),
    (420, 3, "network", "network"),
    (480, 19, "no_answer", "out_of_reach"),
    (481, 127, "network", "network"),
    (482, 127, "network", "network"),
    (483, 19, "network", "network"),
    (484, 28, "unallocated", "unallocated"),
    (485, 1, "unallocated", "unallocated"),
    (486, 17, "busy", "busy"),
    (487, 127, "no_answer", "no_answer"),
    (488, 58, "network", "network"),
    (491, 127, "network", "network"),
    (493, 127, "network", "network"),
    (500, 38, "network", "network"),
    (501, 29, "network", "network"),
    (502, 27, "network", "network"),
    (503, 34, "network", "network"),
    (504, 102, "network", "network"),
    (505, 127, "network", "network"),
    (600, 17, "busy", "busy"),
    (603, 21, "refused", "refused"),
    (604, 1, "unallocated", "unallocated"),
    (606, 58, "network", "network"),
    # What Asterisk gives to the rest of each class.
    (302, 16, "network", "network"),
    (402, 127, "network", "network"),
    (499, 127, "network", "network"),
    (513, 34, "network", "network"),
    (607, 127, "network", "network"),
]


@pytest.mark.parametrize(("sip", "cause", "rung", "unrung"), PJSIP)
def test_every_code_of_asterisk(sip: int, cause: int, rung: Outcome, unrung: Outcome) -> None:
    seen = EndOfDial(cause=cause, sip=sip, reason=0)
    assert outcome_of(replace(seen, rang=True), TABLE) == rung
    assert outcome_of(seen, TABLE) == unrung
    assert TABLE.sip.get(str(sip), TABLE.sip[f"{sip // 100}xx"]).cause == cause


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (1, "unallocated"),
        (17, "busy"),
        (18, "no_answer"),
        (19, "no_answer"),
        (20, "switched_off"),
        (21, "refused"),
        (22, "unallocated"),
        (27, "out_of_reach"),
        (28, "unallocated"),
        (34, "network"),
        (38, "network"),
        (41, "network"),
        (42, "network"),
        (16, "network"),  # it failed, and says that all is well
        (127, "network"),
        (126, "network"),  # no such cause
    ],
)
def test_a_cause_alone(cause: int, outcome: Outcome) -> None:
    assert outcome_of(EndOfDial(cause=cause, reason=0), TABLE) == outcome


@pytest.mark.parametrize(
    ("sip", "cause", "outcome"),
    [
        (480, 20, "switched_off"),  # 480 with Reason: Q.850;cause=20, as IMS networks send it
        (480, 1, "unallocated"),
        (503, 17, "busy"),
        (486, 21, "refused"),
        (404, 16, "unallocated"),  # a cause that says nothing leaves it to the code
        (480, 127, "out_of_reach"),
        (480, 0, "out_of_reach"),
    ],
)
def test_what_the_network_gives_as_its_reason_goes_before_the_code(sip: int, cause: int, outcome: Outcome) -> None:
    assert outcome_of(EndOfDial(sip=sip, cause=cause), TABLE) == outcome


def test_what_one_trunk_means_goes_first_and_only_there() -> None:
    text = causes.CAUSES_FILE.read_text("utf-8").replace(
        "trunks: {}", "trunks: {unicom: {sip: {403: refused, 480: none}, causes: {34: switched_off}}}"
    )
    table, problems = causes.load(text, "causes.yaml")
    assert table is not None
    assert not problems
    forbidden = EndOfDial(trunk="unicom", sip=403, cause=21)
    assert outcome_of(forbidden, table) == "refused"
    assert outcome_of(replace(forbidden, trunk="telecom"), table) == "network"
    assert outcome_of(EndOfDial(trunk="unicom", sip=503, cause=34), table) == "switched_off"
    assert outcome_of(EndOfDial(trunk="unicom", sip=480, cause=20), table) == "network"


END_OF_STOPPED = EndOfDial(sip=480, cause=19, reason=0, rang=True)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (replace(END_OF_STOPPED, heard="stopped"), "stopped"),
        # We hang up as soon as we are sure of what is said: that is no taking back.
        (replace(END_OF_STOPPED, heard="unallocated", cancelled=True), "unallocated"),
        (EndOfDial(heard="switched_off", lost=True), "switched_off"),
        (EndOfDial(heard="machine", sip=480, cause=19), "no_answer"),  # voicemail that nobody was put through to
        (EndOfDial(sip=487, cause=127, reason=0, rang=True, cancelled=True), "cancelled"),
        (EndOfDial(sip=487, cause=127, reason=3, rang=True), "no_answer"),
        (EndOfDial(reason=3), "no_answer"),
        (EndOfDial(reason=5), "busy"),
        (EndOfDial(reason=8), "network"),
        (EndOfDial(reason=0), "network"),
        (EndOfDial(cause=16, rang=True), "no_answer"),
        (EndOfDial(), "unknown"),
        (EndOfDial(lost=True), "unknown"),
        (EndOfDial(lost=True, rang=True), "unknown"),
        (EndOfDial(lost=True, sip=486, cause=17), "busy"),  # we died after its end
    ],
)
def test_what_goes_before_the_codes(seen: EndOfDial, outcome: Outcome) -> None:
    assert outcome_of(seen, TABLE) == outcome


@pytest.mark.parametrize(
    ("then", "for_agent", "seconds", "lost", "outcome"),
    [
        ("agent", True, 0.4, False, "reached"),
        ("agent", True, 0.4, True, "reached"),  # they were talking when we died
        ("notice", False, 20.0, False, "reached"),
        ("safe_harbour", True, 2.0, False, "abandoned"),
        ("machine", True, 3.0, False, "machine"),
        ("fax", True, 3.0, False, "fax"),
        ("announcement", True, 3.0, False, "stopped"),  # heard after the answer, this once
        ("", True, 1.9, False, "hung_up"),
        ("", True, 2.0, False, "hung_up"),
        ("", True, 2.1, False, "abandoned"),  # left on their own, but nobody had come in time
        ("", True, 0.1, True, "abandoned"),  # we died, and they heard nothing
        ("", False, 9.0, False, "hung_up"),  # an automatic call needs no agent
        ("", False, 9.0, True, "unknown"),
    ],
)
def test_after_the_answer(then: str, for_agent: bool, seconds: float, lost: bool, outcome: Outcome) -> None:
    seen = EndOfDial(
        # Codes and what was heard before say nothing about what came after.
        cause=17,
        sip=486,
        heard="stopped",
        answered=True,
        for_agent=for_agent,
        then=then,  # type: ignore[arg-type]
        answered_seconds=seconds,
        lost=lost,
    )
    assert outcome_of(seen, TABLE) == outcome


def test_every_outcome_has_its_facts() -> None:
    assert tuple(sorted(FACTS)) == tuple(sorted(OUTCOMES))
    assert {outcome for outcome, facts in FACTS.items() if facts.live} == {"reached", "abandoned", "hung_up"}
    assert all(facts.answered or not facts.live for facts in FACTS.values())
    assert {outcome for outcome, facts in FACTS.items() if not facts.attempt} == {"unallocated", "stopped", "network"}
    assert all(not FACTS[outcome].answered for outcome in UNANSWERED)
    assert set(ANNOUNCED) - {"machine"} < set(UNANSWERED)
    assert len({facts.zh for facts in FACTS.values()}) == len({facts.en for facts in FACTS.values()}) == len(OUTCOMES)


def test_the_number_is_marked_and_marked_back() -> None:
    assert phone_state_after("unallocated", "good") == "unallocated"
    assert phone_state_after("stopped", "switched_off") == "stopped"
    assert phone_state_after("busy", "stopped") == "good"
    for before in PHONE_STATES:
        assert phone_state_after("network", before) == before
        assert phone_state_after("no_answer", before) == before
    assert all(phone_state_after(outcome, "wrong_person") == "wrong_person" for outcome in OUTCOMES)


@pytest.mark.parametrize(
    ("said", "code"),
    [("404", 404), ("SIP 404 Not Found", 404), ("SIP 486", 486), ("", 0), ("SIP cause=20;text=x", 0), ("4040", 0)],
)
def test_the_sip_code_in_tech_cause(said: str, code: int) -> None:
    assert sip_code(said) == code


def test_a_bad_table_is_told_line_by_line() -> None:
    text = """
sip:
  404: {cause: 1, outcome: unalocated}
  abc: {cause: 1, outcome: busy}
  5xx: {cause: 200, outcome: network, extra: 1}
causes:
  200: busy
  17: reached
trunks:
  unicom: {sip: {99: busy}, more: 1}
"""
    _, problems = causes.load(text, "causes.yaml")
    told = "\n".join(str(problem) for problem in problems)
    for line, words in [
        (3, "Did you mean 'unallocated'?"),
        (4, "'abc' is no code from 300 to 699"),
        (5, "cause must be a whole number from 1 to 127"),
        (5, "unknown field 'extra'"),
        (7, "'200' is no code from 1 to 127"),
        (8, "there is no outcome 'reached'"),
        (10, "'99' is no code from 300 to 699"),
        (10, "unknown field 'more'"),
        (3, "3xx is missing"),
    ]:
        assert any(row.startswith(f"causes.yaml:{line}:") and words in row for row in told.splitlines()), (line, words)
    with pytest.raises(causes.CausesInvalid):
        causes.read(causes.CAUSES_FILE.with_name("nowhere.yaml"))


def test_what_a_code_means_is_told_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, ["outbound", "causes", *words])
        return f"{done.output}{done.exception or ''}"

    assert "out_of_reach (不在服务区): counts as an attempt; the number stays as it is." in run("480", "19")
    assert "no_answer" in run("480", "19", "--rang")
    told = json.loads(run("404", "1", "--json"))
    assert told == {"outcome": "unallocated", "attempt": False, "phone": "unallocated", "next_number": True}
    assert "switched_off" in run("0", "20")
    assert "SIP codes" in run()
    monkeypatch.setenv("GOLDLINE_OUTBOUND", str(tmp_path))
    (tmp_path / "causes.yaml").write_text("sip: {404: {cause: 1, outcome: gone}}\n")
    assert "there is no outcome 'gone'" in run("404")
