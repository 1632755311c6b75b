"""Complaints and suggestions: opened, asked after, worked on; numbers that nobody guesses."""

from __future__ import annotations

import re

import pytest

from db.audit import Audit
from db.check_digit import check_digit, is_checked
from db.ticket_numbers import is_ticket_number
from db.tickets import MOST_PER_CALL, NoSuchTicket, Tickets, WrongTicketState
from ivr.selfservice.tickets import MOST_ASKED
from ivr.selfservice.tries import Tries
from ivr.selfservice.words import STATES
from ivr.speech.values import Code
from tests.unit.selfservice.conftest import ACCOUNT, Hotline


def code(value: object) -> str:
    assert isinstance(value, Code)
    return value.digits


async def test_anybody_may_complain_and_the_ticket_names_the_recording(hotline: Hotline) -> None:
    opened = await hotline.call("tickets.open", None, kind="1")
    ticket = await Tickets(hotline.store).get(code(opened.values["ticket"]))
    assert re.fullmatch("[0-9]{20}", ticket.recording)
    assert ticket.recording == code(opened.values["recording"])
    assert (ticket.kind, ticket.state, ticket.account, ticket.caller) == ("complaint", "open", "", "13800138000")
    (entry,) = await Audit(hotline.store).latest()
    assert (entry.actor, entry.what, entry.data["ticket"]) == ("17.1", "ticket.opened", ticket.number)


async def test_a_proven_callers_ticket_knows_the_account(hotline: Hotline) -> None:
    opened = await hotline.ask("tickets.open", kind="2")
    ticket = await Tickets(hotline.store).get(code(opened.values["ticket"]))
    assert (ticket.kind, ticket.account) == ("suggestion", ACCOUNT)
    assert (await hotline.ask("tickets.open", kind="3")).exit == "wrong"


async def test_the_status_goes_with_the_work(hotline: Hotline) -> None:
    tickets = Tickets(hotline.store)
    number = code((await hotline.call("tickets.open", None, kind="1")).values["ticket"])
    heard = []
    for step in (
        lambda: tickets.take(number, actor="clerk7"),
        lambda: tickets.take(number, actor="clerk8"),
        lambda: tickets.answer(number, "We called back.", actor="clerk8"),
        lambda: tickets.close(number, actor="clerk8"),
    ):
        heard.append((await hotline.call("tickets.status", None, "17.2", ticket=number)).values["state"])
        await step()
    assert heard == [STATES["open"], STATES["in_hand"], STATES["in_hand"], STATES["answered"]]
    assert (await hotline.call("tickets.status", None, "17.3", ticket=number)).values["state"] == STATES["closed"]
    ticket = await tickets.get(number)
    assert (ticket.clerk, ticket.answer) == ("clerk8", "We called back.")
    for late in (
        tickets.take(number, actor="x"),
        tickets.answer(number, "y", actor="x"),
        tickets.close(number, actor="x"),
    ):
        with pytest.raises(WrongTicketState, match="is closed"):
            await late
    with pytest.raises(NoSuchTicket):
        await tickets.take("12345678", actor="x")


async def test_a_typing_error_is_unknown_and_never_somebody_elses(hotline: Hotline) -> None:
    number = code((await hotline.call("tickets.open", None, kind="1")).values["ticket"])
    wrong = [number[:at] + other + number[at + 1 :] for at in range(8) for other in "0123456789" if other != number[at]]
    wrong += [
        number[:at] + number[at + 1] + number[at] + number[at + 2 :] for at in range(7) if number[at] != number[at + 1]
    ]
    assert not any(is_ticket_number(one) for one in wrong)
    for one in (*wrong[:3], "", "*", number[1:], number + "0", "１２３４５６７８"):
        assert (await hotline.call("tickets.status", None, one, ticket=one)).exit == "unknown"


async def test_a_call_asks_five_times_and_no_more(hotline: Hotline) -> None:
    number = code((await hotline.call("tickets.open", None, kind="1")).values["ticket"])
    exits = [(await hotline.call("tickets.status", None, ticket="1")).exit for _ in range(MOST_ASKED)]
    assert exits == ["unknown"] * 5
    assert (await hotline.call("tickets.status", None, ticket=number)).exit == "too_many"
    assert (await hotline.call("tickets.status", None, "17.9", ticket=number)).exit == "state"


async def test_a_call_opens_five_tickets_and_no_more(hotline: Hotline) -> None:
    exits = [(await hotline.call("tickets.open", None, kind="1")).exit for _ in range(MOST_PER_CALL + 1)]
    assert exits == ["opened"] * 5 + ["too_many"]
    numbers = [ticket.number for ticket in await Tickets(hotline.store).listed(["open"], 10)]
    assert len(set(numbers)) == 5
    assert all(is_ticket_number(number) for number in numbers)


def test_the_check_digit_finds_every_wrong_digit_and_every_swap() -> None:
    assert check_digit("572") == "4", "the example in Damm's own work"
    for first in range(10):
        for second in range(10):
            pair = f"{first}{second}"
            assert is_checked(pair + check_digit(pair))
            assert first == second or check_digit(pair) != check_digit(pair[::-1])
    for digits in ("123456", "999999", "100000"):
        checks = {check_digit(digits[:3] + other + digits[4:]) for other in "0123456789"}
        assert len(checks) == 10


def test_tries_are_forgotten_for_the_oldest_call_first() -> None:
    tries = Tries(1, calls=2)
    assert [tries.may_try(call) for call in ("a", "a", "b", "c", "a")] == [True, False, True, True, True]
