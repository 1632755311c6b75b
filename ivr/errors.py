"""The root of every error Goldline raises on purpose.

    GoldlineError
    ├── ConfigError          a setting is unknown or wrong                  (ivr.config)
    ├── StoreError           the database refused or is away                (db.errors)
    ├── AgiError             a command to a channel failed                  (ivr.agi.errors)
    │   ├── CallerHungUp     the caller is gone: an ordinary end
    │   └── …
    ├── AmiError             the manager connection failed                  (ivr.ami.errors)
    ├── SpeechError          a text cannot be said                          (ivr.speech.errors)
    └── FlowError            a flow cannot be loaded or went wrong          (ivr.flow.errors)

Each says in one sentence what is wrong and in a second what to do about it (the remedy). ``error_id`` is for machines
and never changes once published.
"""

from __future__ import annotations

from typing import ClassVar


class GoldlineError(Exception):
    """Something Goldline was asked to do cannot be done."""

    error_id: ClassVar[str] = "goldline-error"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
