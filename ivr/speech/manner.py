"""How speech is made: by which engine, with or without the natural voice, within which limits. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EngineName = Literal["pyttsx3", "espeak"]


@dataclass(frozen=True, slots=True)
class Manner:
    """How speech is made. ``natural``: by the natural voice where it was rendered ahead, and not by the plain engine
    alone; ``learns``: what it lacks is rendered in the background (needs the extra ``voice``). Limits in bytes."""

    engine: EngineName = "pyttsx3"
    workers: int = 1
    natural: bool = False
    learns: bool = False
    sounds_bytes: int = 512 << 20
    clips_bytes: int = 2 << 30


PLAIN = Manner()
