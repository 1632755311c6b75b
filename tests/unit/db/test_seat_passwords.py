"""Passwords of seats' telephones, on both databases."""

from __future__ import annotations

import hashlib

import pytest

from db.agent import Seat
from db.audit import Audit
from db.seat_passwords import NoTelephoneOfOurs, SeatAccount, SeatPasswords
from db.seats import NoSuchSeat, Seats
from db.store import Store

DESK = Seat("S1", "softphone", endpoint="801")
MOBILE = Seat("M1", "mobile", trunk="carrier", number="+8613800138000", accept_key=True)


@pytest.fixture
async def passwords(store: Store) -> SeatPasswords:
    await Seats(store).put([DESK, MOBILE], actor="boss")
    return SeatPasswords(store)


async def test_what_a_telephone_proves_is_kept_and_no_password(store: Store, passwords: SeatPasswords) -> None:
    assert await passwords.put("S1", "secret", realm="goldline", actor="boss") == "801"
    ha1 = hashlib.md5(b"801:goldline:secret", usedforsecurity=False).hexdigest()
    (account,) = await passwords.accounts()
    assert account == SeatAccount("S1", "softphone", "801", ha1)
    assert ha1 not in repr(account)
    (entry,) = [one for one in await Audit(store).latest() if one.what == "seat.password_set"]
    assert (entry.actor, dict(entry.data)) == ("boss", {"seat": "S1"})


async def test_only_our_own_telephones_have_one(passwords: SeatPasswords) -> None:
    with pytest.raises(NoTelephoneOfOurs, match="rung by its number"):
        await passwords.put("M1", "secret", realm="goldline", actor="boss")
    for work in (passwords.put("S9", "secret", realm="goldline", actor="boss"), passwords.remove("S9", actor="boss")):
        with pytest.raises(NoSuchSeat):
            await work


async def test_it_goes_with_the_seat_and_does_not_come_back(store: Store, passwords: SeatPasswords) -> None:
    await passwords.put("S1", "secret", realm="goldline", actor="boss")
    await Seats(store).remove("S1", actor="boss")
    assert await passwords.accounts() == ()
    await Seats(store).put([DESK], actor="boss")
    assert await passwords.accounts() == ()


async def test_it_is_changed_and_taken_away(passwords: SeatPasswords) -> None:
    await passwords.put("S1", "secret", realm="goldline", actor="boss")
    (before,) = await passwords.accounts()
    await passwords.put("S1", "other", realm="goldline", actor="boss")
    (after,) = await passwords.accounts()
    assert before.ha1 != after.ha1
    await passwords.remove("S1", actor="boss")
    assert await passwords.accounts() == ()


async def test_another_endpoint_needs_another_password(store: Store, passwords: SeatPasswords) -> None:
    await passwords.put("S1", "secret", realm="goldline", actor="boss")
    await Seats(store).put([Seat("S1", "softphone", endpoint="899")], actor="boss")
    assert await passwords.accounts() == ()


async def test_seats_are_found_by_their_endpoint(store: Store, passwords: SeatPasswords) -> None:
    assert await Seats(store).of_endpoint("801") == DESK
    assert await Seats(store).of_endpoint("goldline-trunk") is None
    assert await Seats(store).agent_at("S1") == ""
