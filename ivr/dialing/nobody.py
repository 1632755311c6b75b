"""Who answered our call and found no controller: Asterisk's own record says it (CONTEXT_OUTBOUND, nobody). Pure but for
``read``.

Such a customer was told who called, and let go. Nobody of ours has seen the answer, and it counts all the same: as an
abandoned call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ivr.contract import OUTBOUND_NOBODY, QUEUE_OUTBOUND

LATEST: Final = 2 * 2**20  # bytes of the record that are looked at: many thousands of lines


def told_who_called(lines: Iterable[str]) -> dict[str, float]:
    """By call, when the message began: seconds since 1970."""
    found: dict[str, float] = {}
    for line in lines:
        at, call, queue, _, what, *_ = (line.rstrip("\n") + "||||").split("|")
        if queue == QUEUE_OUTBOUND and what == OUTBOUND_NOBODY and at.isascii() and at.isdigit():
            found.setdefault(call, float(at))
    return found


def read(queue_log: Path) -> Mapping[str, float]:
    """The same of Asterisk's record (``queue_log``), as far back as it matters. No record, nobody."""
    try:
        with queue_log.open("rb") as record:
            record.seek(0, 2)
            record.seek(max(record.tell() - LATEST, 0))
            text = record.read().decode("utf-8", "replace")
    except OSError:
        return {}
    return told_who_called(text.splitlines())
