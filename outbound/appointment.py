"""The time at which a customer wants to be called, as an agent types it. Pure."""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import ClassVar, Final

from ivr.errors import GoldlineError

FARTHEST: Final = datetime.timedelta(days=60)
_MOMENT: Final = re.compile(r"(?:(?:(\d{4})-)?(\d{1,2})-(\d{1,2})[ T]+)?(\d{1,2}):(\d{2})")
_AFTER: Final = re.compile(r"\+(\d{1,3})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


class BadAppointment(GoldlineError):
    """That is no time at which the customer could be called."""

    error_id: ClassVar[str] = "bad-appointment"


def read_moment(typed: str, now: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """``15:30`` (the next one), ``12-01 15:30``, ``2026-12-01 15:30``, ``+2h``; in ``zone``. Raises BadAppointment."""
    text = unicodedata.normalize("NFKC", typed[:40]).strip().lower()
    try:
        at = _moment(text, now.astimezone(zone), zone)
    except ValueError:
        raise BadAppointment(
            "That is no time.", remedy="Write 15:30, 12-01 15:30, 2026-12-01 15:30, or +2h from now."
        ) from None
    if at <= now:
        raise BadAppointment("That time is over.", remedy="Give one that is to come.")
    if at > now + FARTHEST:
        raise BadAppointment("That is too far ahead.", remedy=f"At most {FARTHEST.days} days.")
    return at


def _moment(text: str, local: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    if after := _AFTER.fullmatch(text):
        return (local + datetime.timedelta(**{_UNITS[after[2]]: int(after[1])})).astimezone(datetime.UTC)
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute = found.groups()
    clock = datetime.time(int(hour), int(minute))
    if month is None:
        at = datetime.datetime.combine(local.date(), clock, zone)
        if at <= local:
            at = datetime.datetime.combine(local.date() + datetime.timedelta(days=1), clock, zone)
    elif year is None:
        at = datetime.datetime.combine(datetime.date(local.year, int(month), int(day)), clock, zone)
        if at <= local - datetime.timedelta(days=180):  # in December for January
            at = datetime.datetime.combine(datetime.date(local.year + 1, int(month), int(day)), clock, zone)
    else:
        at = datetime.datetime.combine(datetime.date(int(year), int(month), int(day)), clock, zone)
    return at.astimezone(datetime.UTC)
