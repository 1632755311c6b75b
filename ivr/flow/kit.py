"""What every turn of an engine uses alike. One object per engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from db.events import EventSink
from ivr.flow.prompts import Prompts
from ivr.flow.proof import Seal
from ivr.flow.service import Service


@dataclass(frozen=True, slots=True)
class Studio:
    """Where callers' words are recorded: a directory that Asterisk can write to, and the beep that opens a recording
    (a sound's path without extension)."""

    directory: str
    beep: str


@dataclass(frozen=True, slots=True)
class Kit:
    """The words, the services, the journal, the seal of proofs and the studio."""

    prompts: Prompts
    services: Mapping[str, Service]
    journal: EventSink
    seal: Seal
    studio: Studio
