"""What every turn of an engine uses alike. One object per engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from db.events import EventSink
from ivr.flow.prompts import Prompts
from ivr.flow.proof import Seal
from ivr.flow.service import Service
from ivr.flow.waiting import WaitingRoom


@dataclass(frozen=True, slots=True)
class Studio:
    """Where callers' words are recorded: a directory that Asterisk can write to, and the beep that opens a recording
    (a sound's path without extension)."""

    directory: str
    beep: str


@dataclass(frozen=True, slots=True)
class Kit:
    """The words, the services, the journal, the seal of proofs, the studio and the queue; ``music`` is the class of
    music that Asterisk plays to who waits."""

    prompts: Prompts
    services: Mapping[str, Service]
    journal: EventSink
    seal: Seal
    studio: Studio
    waiting: WaitingRoom
    music: str
