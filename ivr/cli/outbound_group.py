"""The group ``ivr outbound``: its errors end the command with the exit codes of sysexits.h, which cron and monitoring
understand, whichever of its commands they happen in.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import click

from ivr.errors import GoldlineError

DONE: Final = os.EX_OK  # 0
USAGE: Final = os.EX_USAGE  # 64: no such campaign, wrong words
BAD_DATA: Final = os.EX_DATAERR  # 65: a campaign or a list with faults
UNAVAILABLE: Final = os.EX_UNAVAILABLE  # 69: the database is away; no controller, no trunk, no seats
BUSY: Final = os.EX_TEMPFAIL  # 75: another does it just now
BAD_SETTINGS: Final = os.EX_CONFIG  # 78

EXIT_CODES: Final = """\b
Exit codes: 0 done; 64 wrong usage, or no such campaign; 65 a campaign or
a list with faults; 69 the database is away, or there is no controller, no
trunk, no seat; 75 another process does it just now; 78 wrong settings."""

# By what the errors say of themselves: the rooms that raise them are not imported for it.
_CODES: Final = {
    "no-such-campaign": USAGE,
    "list-needed": USAGE,
    "bad-target-list": BAD_DATA,
    "bad-customer-file": BAD_DATA,
    "campaign-invalid": BAD_DATA,
    "outbound-rules-invalid": BAD_DATA,
    "store-away": UNAVAILABLE,
    "already-at-work": BUSY,
    "bad-store-url": BAD_SETTINGS,
    "schema-mismatch": BAD_SETTINGS,
    "config-error": BAD_SETTINGS,
}


class OutboundGroup(click.Group):
    """Commands that cron runs."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what we foresaw ends in one message and its exit code."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            sys.exit(USAGE)
        except GoldlineError as error:
            code = _CODES.get(error.error_id)
            if code is None:
                raise
            click.echo(str(error), err=True)
            sys.exit(code)
