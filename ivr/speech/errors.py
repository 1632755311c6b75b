"""Everything that can go wrong between words and sound. Pure.

SpeechError
├── CatalogueInvalid    a prompts catalogue cannot be used: every problem at once
├── EngineFailed        a speech engine is missing, broken or too slow
└── RecordingInvalid    a recorded clip cannot be used
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ivr.datafile.problem import Problem
from ivr.errors import GoldlineError


class SpeechError(GoldlineError):
    """A text cannot be said."""

    error_id: ClassVar[str] = "speech-error"


class EngineFailed(SpeechError):
    """A speech engine is missing, broken or too slow."""

    error_id: ClassVar[str] = "speech-engine-failed"


class RecordingInvalid(SpeechError):
    """A recorded clip cannot be used."""

    error_id: ClassVar[str] = "recording-invalid"


class CatalogueInvalid(SpeechError):
    """A prompts catalogue cannot be used. ``problems`` holds all of them, in the order of the files."""

    error_id: ClassVar[str] = "catalogue-invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
