"""What can go wrong when a recording is taken out. Pure."""

from __future__ import annotations

from typing import ClassVar

from ivr.errors import GoldlineError


class RecordingGone(GoldlineError):
    """There is no file of this recording."""

    error_id: ClassVar[str] = "recording-gone"


class RecordingChanged(GoldlineError):
    """The file is not the one that was written when the talk ended."""

    error_id: ClassVar[str] = "recording-changed"


class ExportFailed(GoldlineError):
    """The copy cannot be written."""

    error_id: ClassVar[str] = "export-failed"
