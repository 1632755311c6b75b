"""The time at which a customer wants to be called, as agents type it."""

from __future__ import annotations

import datetime

import pytest

from outbound.appointment import BadAppointment, read_moment

ZONE = datetime.timezone(datetime.timedelta(hours=8))
NOW = datetime.datetime(2026, 11, 20, 10, 0, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("15:30", "2026-11-20 15:30"),
        ("09:30", "2026-11-21 09:30"),
        ("１５：３０", "2026-11-20 15:30"),
        ("12-01 09:00", "2026-12-01 09:00"),
        ("2026-12-01 09:00", "2026-12-01 09:00"),
        ("1-05 09:00", "2027-01-05 09:00"),
        ("+2h", "2026-11-20 12:00"),
        ("+3d", "2026-11-23 10:00"),
        ("+45m", "2026-11-20 10:45"),
    ],
)
def test_moments(typed: str, at: str) -> None:
    assert f"{read_moment(typed, NOW, ZONE).astimezone(ZONE):%Y-%m-%d %H:%M}" == at


@pytest.mark.parametrize(
    "typed", ["", "soon", "25:00", "2026-02-30 09:00", "2026-11-20 09:00", "2027-06-01 09:00", "+99d", "10-20 09:00"]
)
def test_what_is_no_time_to_come(typed: str) -> None:
    with pytest.raises(BadAppointment) as raised:
        read_moment(typed, NOW, ZONE)
    assert raised.value.remedy
