"""What can stop an installation. Pure."""

from __future__ import annotations

from typing import ClassVar

from ivr.errors import GoldlineError


class InstallError(GoldlineError):
    """A step of the installation cannot be done; the message says what a person can do."""

    error_id: ClassVar[str] = "install-error"
