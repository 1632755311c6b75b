"""Taking a recording out of the house, and deleting those that need be kept no more. Both leave their trail."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from db.audit import Audit, AuditEntry
from db.recording import Recording
from db.recordings import Recordings
from db.store import Store
from ivr.recordings.errors import ExportFailed, RecordingChanged, RecordingGone
from ivr.recordings.folder import OWNER_ONLY_FILE, Folder

_AT_ONCE: Final = 100
_CHUNK: Final = 1 << 20


async def export(store: Store, folder: Folder, name: str, to: Path, *, actor: str, why: str) -> Recording:
    """Copy the file of this recording to ``to``, for its owner alone, with an entry in the audit trail.

    The copy appears only when it is whole, is what was recorded, and the entry is written. Raises NoSuchRecording,
    RecordingGone, RecordingChanged, ExportFailed, StoreError.
    """
    recording = await Recordings(store).get(name)
    if recording.state != "kept":
        raise RecordingGone(f"Recording {name} is {recording.state}.", remedy="There is no file to take out.")
    if to.exists():
        raise _there_already(to)
    unfinished = to.with_name(f".{to.name}.{secrets.token_hex(4)}")
    try:
        digest = await asyncio.to_thread(_copied, folder.file(name), unfinished)
        if digest != recording.sha256:
            raise RecordingChanged(
                f"The file of recording {name} is not the one that was written.",
                remedy="`ivr recordings verify` shows all such; bring the file from the backup.",
            )
        data = {"recording": name, "call": recording.call, "to": str(to), "why": why}
        await Audit(store).append(AuditEntry(actor, "recording.exported", data=data))
        await asyncio.to_thread(_appear, unfinished, to)
    finally:
        await asyncio.to_thread(unfinished.unlink, missing_ok=True)
    return recording


async def purge(
    store: Store, folder: Folder, *, actor: str, now: datetime.datetime
) -> AsyncIterator[tuple[Recording, str]]:
    """Delete what need be kept no more; each with "" or why its file could not be deleted. The rows stay.

    First the file, then the row: broken off in between, the next run finishes it. Raises StoreError.
    """
    recordings = Recordings(store)
    failed: set[str] = set()
    while page := [one for one in await recordings.due(now, _AT_ONCE + len(failed)) if one.name not in failed]:
        for one in page:
            try:
                await asyncio.to_thread(folder.delete, one.name)
            except OSError as error:
                failed.add(one.name)
                yield one, error.strerror or type(error).__name__
                continue
            await recordings.purged(one.name, actor=actor, at=now)
            yield one, ""


def _copied(source: Path, to: Path) -> str:
    found = hashlib.sha256()
    try:
        with source.open("rb") as reading:
            descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
            with open(descriptor, "wb") as writing:  # noqa: PTH123 - a descriptor
                while chunk := reading.read(_CHUNK):
                    found.update(chunk)
                    writing.write(chunk)
    except FileNotFoundError as error:
        if not source.exists():
            raise RecordingGone(
                f"The file of recording {source.stem} is gone.", remedy="Look for it in the backup."
            ) from error
        raise _failed(to, error) from error
    except OSError as error:
        raise _failed(to, error) from error
    return found.hexdigest()


def _appear(unfinished: Path, to: Path) -> None:
    try:
        os.link(unfinished, to)  # unlike a rename, never in the place of another file
    except FileExistsError:
        raise _there_already(to) from None
    except OSError:  # a memory stick may know no links
        if to.exists():
            raise _there_already(to) from None
        try:
            unfinished.rename(to)
        except OSError as error:
            raise _failed(to, error) from error


def _there_already(to: Path) -> ExportFailed:
    return ExportFailed(f"{to} is there already.", remedy="Choose another name.")


def _failed(to: Path, error: OSError) -> ExportFailed:
    return ExportFailed(
        f"{to} cannot be written: {error.strerror}.", remedy="Check the directory, its rights and its room."
    )
