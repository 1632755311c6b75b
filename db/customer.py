"""A customer as the rest of Goldline sees one: frozen records and the words they are made of. Pure, knows no table."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Tier = Literal["platinum", "gold", "silver", "normal"]
Status = Literal["new", "active", "dormant", "closed", "lost"]
Stage = Literal["", "onboarding", "growing", "mature", "declining", "winning_back"]  # of the life cycle; "": not said
PhoneState = Literal["good", "unallocated", "stopped", "switched_off", "wrong_person"]
Language = Literal["zh", "en"]
Dialect = Literal["", "cmn", "yue", "wuu", "nan", "hak", "hsn", "gan", "cjy", "cdo"]  # ISO 639-3; "": not said

TIERS: Final[tuple[Tier, ...]] = ("platinum", "gold", "silver", "normal")  # from the highest down
STATUSES: Final[tuple[Status, ...]] = ("new", "active", "dormant", "closed", "lost")
STAGES: Final[tuple[Stage, ...]] = ("", "onboarding", "growing", "mature", "declining", "winning_back")
PHONE_STATES: Final[tuple[PhoneState, ...]] = ("good", "unallocated", "stopped", "switched_off", "wrong_person")
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
DIALECTS: Final[tuple[Dialect, ...]] = ("", "cmn", "yue", "wuu", "nan", "hak", "hsn", "gan", "cjy", "cdo")

# The brokerage's days begin and end at Shanghai's midnight, wherever the machine stands. No summer time since 1991.
BROKERAGE_TIME: Final = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")


def brokerage_day(moment: datetime.datetime) -> datetime.date:
    """The brokerage's date at this (aware) moment."""
    return moment.astimezone(BROKERAGE_TIME).date()


@dataclass(frozen=True, slots=True)
class Phone:
    """One telephone of a customer. ``number`` as ``db.phone_numbers.stored_form`` writes it."""

    number: str
    state: PhoneState = "good"
    confirmed_on: datetime.date | None = None  # when somebody last made sure that it is the customer's


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. Amounts are yuan. Never holds a PIN nor its hash: those stay in ``db.pins``."""

    account: str
    name_zh: str = ""
    name_en: str = ""
    tier: Tier = "normal"
    phones: tuple[Phone, ...] = ()  # the one to try first comes first
    status: Status = "new"
    stage: Stage = ""
    branch: str = ""  # its code; "": no branch
    languages: tuple[Language, ...] = ("zh",)  # the preferred one comes first
    dialect: Dialect = ""
    manager: str = ""  # the dedicated manager's agent id; "": none
    backups: tuple[str, ...] = ()  # agents who stand in, in their order
    do_not_call: bool = False
    quiet_from: datetime.time | None = None  # both or none, brokerage time; may go over midnight
    quiet_until: datetime.time | None = None
    recording_refused: bool = False
    email: str = ""
    address: str = ""
    assets: Decimal | None = None  # None: not known
    commission: Decimal | None = None  # over the last twelve months
    points: int | None = None
    opened_on: datetime.date | None = None

    @property
    def language(self) -> Language:
        """The language to begin with."""
        return self.languages[0] if self.languages else "zh"

    def name(self, language: str) -> str:
        """The name in this language, or the one there is."""
        return (self.name_en or self.name_zh) if language == "en" else (self.name_zh or self.name_en)

    def quiet_at(self, moment: datetime.datetime) -> bool:
        """Whether the customer wishes not to be called at this (aware) moment; the end of the hours is outside."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        now = moment.astimezone(BROKERAGE_TIME).time()
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= now < self.quiet_until
        return now >= self.quiet_from or now < self.quiet_until


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch (营业部)."""

    code: str
    name_zh: str
    name_en: str
    number: str = ""  # its own telephone, in stored form
    address: str = ""
