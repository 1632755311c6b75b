"""Are the recordings as they were when their talks ended? Reads everything, changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Literal

from db.recording import Recording
from db.recordings import Recordings
from db.store import Store
from ivr.recordings.folder import Folder

What = Literal["missing", "changed", "unreadable", "open_to_others", "not_purged", "not_to_be_there", "stray"]

REMEDIES: Final[dict[What, str]] = {
    "missing": "The file is gone: look for it in the backup.",
    "changed": "The file is not the one that was written: keep it as it is, and bring the right one from the backup.",
    "unreadable": "Check the rights of the file and the disk.",
    "open_to_others": "Take the rights from everybody but the owner: chmod 600.",
    "not_purged": "It was purged and is there again, perhaps from a backup: delete it.",
    "not_to_be_there": "This caller did not want to be recorded: report it, and delete the file.",
    "stray": "It has no row: the controller gives it one at its next start.",
}
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One recording that is not as it should be."""

    name: str
    what: What
    call: str = ""

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.what]


@dataclass
class Counts:
    """What was looked at."""

    rows: int = 0
    files: int = 0
    bytes: int = 0


async def verify(store: Store, folder: Folder, counts: Counts) -> AsyncIterator[Finding]:
    """Every fault, by name; ``counts`` is filled meanwhile. Reads each file once: hours of talk take seconds.

    Raises StoreError.
    """
    recordings = Recordings(store)
    name = ""
    while page := await recordings.after(name, _AT_ONCE):
        for one in page:
            counts.rows += 1
            what, size = await asyncio.to_thread(_look, one, folder)
            counts.files += size > 0
            counts.bytes += size
            if what is not None:
                yield Finding(one.name, what, one.call)
        name = page[-1].name
    names = sorted(await asyncio.to_thread(_names, folder))
    for at in range(0, len(names), _AT_ONCE):
        some = names[at : at + _AT_ONCE]
        known = await recordings.names(some)
        for stray in some:
            if stray not in known:
                yield Finding(stray, "stray")


def _look(one: Recording, folder: Folder) -> tuple[What | None, int]:
    """What is wrong with this one, and how many bytes were there to be read."""
    file = folder.file(one.name)
    if one.state != "kept":
        if not file.exists():
            return None, 0
        return ("not_purged" if one.state == "purged" else "not_to_be_there" if one.state == "refused" else None), 0
    try:
        size = file.stat().st_size
        if folder.digest(one.name) != one.sha256:
            return "changed", size
        return ("open_to_others" if folder.is_open_to_others(one.name) else None), size
    except FileNotFoundError:
        return "missing", 0
    except OSError:
        return "unreadable", 0


def _names(folder: Folder) -> list[str]:
    try:
        return list(folder.names())
    except OSError:
        return []
