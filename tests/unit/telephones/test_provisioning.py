"""Asterisk is told of the seats' accounts when, and only when, they changed. On both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.agent import Seat
from db.seat_passwords import SeatPasswords, digest_of
from db.seats import Seats
from db.store import Store
from ivr.asterisk.errors import AsteriskFailed
from ivr.asterisk.layout import Layout
from ivr.contract import ENDPOINT_SOFTPHONE, SIP_REALM
from ivr.telephones.accounts_file import digests_in
from ivr.telephones.provisioning import RELOAD, NotTakenOver, Provisioning, registrations, write_accounts

DESK = Seat("S1", "softphone", endpoint="801")
PAGE = Seat("S2", "browser", endpoint="802")
MOBILE = Seat("M1", "mobile", trunk="carrier", number="+8613800138000", accept_key=True)
REGISTERED = """
/registrar/contact/801;@dbd7ab: {"uri":"sip:801@192.0.2.1:5060"}
/registrar/contact/802;@3ce98c: {"uri":"sip:802@192.0.2.2:5060"}
/registrar/contact/8010;@aaaaaa: {"uri":"sip:8010@192.0.2.3:5060"}
3 results found.
"""


class FakeAsterisk:
    """Its command line, and what its accounts file held at each reload."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.commands: list[str] = []
        self.read: list[dict[str, str]] = []
        self.deaf = False
        self.fails = False
        layout.control_socket.touch()

    def __call__(self, command: str) -> str:
        if self.deaf:
            raise AsteriskFailed("It does not answer.", remedy="Start it.")
        self.commands.append(command)
        if command != RELOAD:
            return REGISTERED if "show" in command else "Database entry removed."
        if self.fails:
            return "The previous reload command didn't finish yet"
        self.read.append(digests_in(self.layout.seats_file.read_text("utf-8")))
        return "Module 'res_pjsip.so' reloaded successfully."


@pytest.fixture
def asterisk(tmp_path: Path) -> FakeAsterisk:
    layout = Layout(tmp_path / "run")
    layout.create()
    return FakeAsterisk(layout)


@pytest.fixture
async def following(store: Store, asterisk: FakeAsterisk) -> Provisioning:
    await Seats(store).put([DESK, PAGE, MOBILE], actor="boss")
    await password(store, "S1", "one")
    await password(store, "S2", "two")
    return Provisioning(store, asterisk.layout, asterisk)


async def password(store: Store, seat: str, password: str) -> None:
    await SeatPasswords(store).put(seat, password, realm=SIP_REALM, actor="boss")


def digest(endpoint: str, password: str) -> str:
    return digest_of(endpoint, SIP_REALM, password)


async def test_asterisk_is_told_once(following: Provisioning, asterisk: FakeAsterisk) -> None:
    assert await following.look()
    assert asterisk.read == [{"801": digest("801", "one"), "802": digest("802", "two")}]
    assert not await following.look()
    assert asterisk.commands == [RELOAD]
    text = asterisk.layout.seats_file.read_text("utf-8")
    assert "[801](softphone)" in text
    assert "[802](browser)" in text
    assert asterisk.layout.seats_file.stat().st_mode & 0o777 == 0o600


async def test_a_seat_without_password_has_no_account(
    store: Store, following: Provisioning, asterisk: FakeAsterisk
) -> None:
    await Seats(store).put([Seat("S3", "softphone", endpoint="803")], actor="boss")
    await SeatPasswords(store).remove("S2", actor="boss")
    await following.look()
    assert set(asterisk.read[-1]) == {"801"}


async def test_who_goes_is_forgotten_and_nobody_else(
    store: Store, following: Provisioning, asterisk: FakeAsterisk
) -> None:
    await following.look()
    await password(store, "S1", "other")
    asterisk.commands.clear()
    await following.look()
    assert asterisk.commands == [
        RELOAD,
        "database show registrar/contact",
        "database del registrar/contact 801;@dbd7ab",
        RELOAD,
    ]
    assert asterisk.read[-2] == {"802": digest("802", "two")}, "out for a moment, so that it is forgotten entirely"
    assert asterisk.read[-1] == {"801": digest("801", "other"), "802": digest("802", "two")}
    await Seats(store).remove("S2", actor="boss")
    await following.look()
    assert set(asterisk.read[-1]) == {"801"}


async def test_a_deaf_asterisk_is_told_again_until_it_has_heard(
    store: Store, following: Provisioning, asterisk: FakeAsterisk
) -> None:
    await following.look()
    await Seats(store).remove("S1", actor="boss")
    asterisk.deaf = True
    with pytest.raises(AsteriskFailed):
        await following.look()
    asterisk.deaf = False
    asterisk.fails = True
    with pytest.raises(NotTakenOver, match="didn't finish"):
        await following.look()
    asterisk.fails = False
    assert await following.look()
    assert "database del registrar/contact 801;@dbd7ab" in asterisk.commands, "it is forgotten all the same"


async def test_an_asterisk_that_is_down_finds_the_accounts_when_it_starts(
    store: Store, following: Provisioning, asterisk: FakeAsterisk
) -> None:
    asterisk.layout.control_socket.unlink()
    assert not await following.look()
    assert asterisk.commands == []
    assert set(digests_in(asterisk.layout.seats_file.read_text("utf-8"))) == {"801", "802"}
    asterisk.layout.control_socket.touch()
    assert await following.look()


async def test_no_seat_takes_the_place_of_an_account_of_goldlines_own(store: Store, asterisk: FakeAsterisk) -> None:
    strange = [Seat("S1", "softphone", endpoint=ENDPOINT_SOFTPHONE), Seat("S2", "softphone", endpoint="8]02")]
    await Seats(store).put([*strange, Seat("S3", "softphone", endpoint="803")], actor="boss")
    for seat in ("S1", "S2", "S3"):
        await password(store, seat, "one")
    await write_accounts(store, asterisk.layout)
    assert set(digests_in(asterisk.layout.seats_file.read_text("utf-8"))) == {"803"}


def test_only_the_seats_own_registrations_are_forgotten() -> None:
    assert registrations(REGISTERED, {"801"}) == ["801;@dbd7ab"]
    assert registrations("0 results found.\n", {"801"}) == []
