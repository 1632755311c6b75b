"""Why Goldline cannot be started. Pure."""

from __future__ import annotations

from typing import ClassVar

from ivr.errors import GoldlineError


class SuperviseError(GoldlineError):
    """The two children cannot be started."""

    error_id: ClassVar[str] = "supervise-error"


class AlreadyRunning(SuperviseError):
    """Another process runs this checkout."""

    error_id: ClassVar[str] = "already-running"


class PortTaken(SuperviseError):
    """Somebody else holds a port that we need."""

    error_id: ClassVar[str] = "port-taken"
