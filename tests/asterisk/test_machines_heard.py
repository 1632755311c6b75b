"""Machines that answer an automatic call, by real calls, where the campaign wants them to be known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from carrier import Behaviour, number
from dial_house import DialHouse, announcements, ended, running
from hotline import CallOf, Hotline, Journal, Together, Voice

from ivr.speech.audio import alaw
from outbound.announcements import references

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

SPEECH = (references.REFERENCES / "out_of_reach" / "mobile.alaw").read_bytes()[
    8_000:17_000
]  # a second: little that a busy machine could tear
NOTICE = "event_invitation"


def greeting() -> bytes:
    """Speech, a pause, and a beep."""
    beep = np.sin(2 * np.pi * 1000 * np.arange(4_000) / 8_000) * 8_000
    return SPEECH + bytes([alaw.SILENCE]) * 2_400 + alaw.encode(beep.astype(np.int16))


house = DialHouse({**announcements(), "greeting": greeting()})
together = Together()
told = together.fixture()

MACHINE, FAX, PERSON = number(Behaviour.MACHINE, 1), number(Behaviour.FAX, 1), number(Behaviour.PRESSES_1, 1)
WANTED = house.campaign([MACHINE, FAX, PERSON], script=NOTICE, call="notice, machines: yes")


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    with house.joined() as asterisk, house.hotline(asterisk, "machines") as one:
        yield one


@together
async def test_a_machine_and_a_fax_are_hung_up_on_and_a_person_is_not(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with running(hotline, WANTED):
        for dialled, outcome, why in [(FAX, "fax", "fax_tone"), (MACHINE, "machine", "beep")]:
            over = await ended(hotline, WANTED, dialled)
            assert over.last.outcome == outcome
            await CallOf(journal, over.last.call).until("outbound.machine", who=outcome, why=why)
        heard = await ended(hotline, WANTED, PERSON)
        assert heard.last.outcome == "reached"
        assert heard.last.disposition == "acknowledged"
    assert not list((hotline.settings.run_dir / "early").iterdir())
