"""A recorded talk as the rest of Goldline sees it. Pure, knows no table and no file."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final, Literal

Consent = Literal["announced", "refused"]
RecordingState = Literal["kept", "refused", "lost", "purged"]
Fault = Literal["", "missing", "empty", "unfinished", "unreadable"]

CONSENTS: Final[tuple[Consent, ...]] = ("announced", "refused")
RECORDING_STATES: Final[tuple[RecordingState, ...]] = ("kept", "refused", "lost", "purged")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording. ``name`` is random: it tells nothing of whom, whose and when.

    ``kept``: the file is there. ``refused``: the caller did not want to be recorded, and was not. ``lost``: there
    should be a file and is none (the disk was full, the folder gone). ``purged``: kept as long as the rules ask, then
    deleted. ``fault`` says what was wrong with the file when the talk ended.
    """

    name: str
    call: str
    agent: str
    seat: str
    began: datetime.datetime
    seconds: float
    bytes: int
    sha256: str  # in hex; empty without a file
    consent: Consent
    state: RecordingState
    fault: Fault
    kept_until: datetime.datetime
    purged_at: datetime.datetime | None = None
