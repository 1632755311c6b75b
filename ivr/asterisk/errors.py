"""What can go wrong with Asterisk as a program. Pure."""

from __future__ import annotations

from typing import ClassVar

from ivr.errors import GoldlineError


class AsteriskError(GoldlineError):
    """Asterisk cannot be found, configured, started or asked."""

    error_id: ClassVar[str] = "asterisk-error"


class AsteriskMissing(AsteriskError):
    """There is no Asterisk of a version we can work with."""

    error_id: ClassVar[str] = "asterisk-missing"


class TemplateFault(AsteriskError):
    """A template of ``asterisk-conf/`` cannot be rendered; what was rendered before is untouched."""

    error_id: ClassVar[str] = "asterisk-template"


class AsteriskFailed(AsteriskError):
    """Asterisk did not start, or does not answer."""

    error_id: ClassVar[str] = "asterisk-failed"
