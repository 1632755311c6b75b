"""The journal's waiting room on disk: lines go in at once, are read back in order, and are let go once they are stored.

A spool is a directory of numbered segments, one JSON line per event. A line is in the kernel's hands when ``append``
returns, so the end of the process loses nothing; a power cut may lose what the kernel had not written yet. One process
holds the spool at a time. Synchronous, knows no database and no asyncio. Errors of the disk are kept inside and
counted, for a full disk must not cost a call.
"""

from __future__ import annotations

import datetime
import errno
import fcntl
import json
import logging
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from db.errors import SpoolError, SpoolHeld
from db.events import Event
from db.storable import storable, storable_json

log = logging.getLogger("goldline.spool")

SEGMENT_BYTES: Final = 1024 * 1024  # about 4,000 events: what is read again at most after a crash
READ_BYTES: Final = 256 * 1024  # longer than any line of ours (db.storable.MOST_JSON)
MOST_HELD: Final = 20_000  # lines kept in memory while the disk is full: about 5 MB
LOUD_SECONDS: Final = 30.0  # between two complaints about the same disk
# The file is gone, or the disk under it: what is behind it must not wait for ever. Anything else may pass.
_UNREADABLE: Final = {errno.ENOENT, errno.EIO, errno.ESTALE}
_SEGMENT_NAME: Final = re.compile(r"events-(\d{8})\.jsonl")


def encode(event: Event) -> bytes:
    """An event as one line. Whatever its texts and data hold, the line is good and storable."""
    at = event.at.astimezone(datetime.UTC) if event.at.tzinfo else event.at.replace(tzinfo=datetime.UTC)
    head = storable_json([storable(event.id, 64), storable(event.call_id), storable(event.kind), at.isoformat()])
    return f"{head[:-1]},{storable_json(event.data)}]\n".encode("ascii")


def decode(line: bytes) -> Event | None:
    """The event of a line, or None for a line that is damaged."""
    try:
        event_id, call_id, kind, at, data = json.loads(line)
        moment = datetime.datetime.fromisoformat(at)
    except (ValueError, TypeError, RecursionError):
        return None
    if not (isinstance(event_id, str) and isinstance(call_id, str) and isinstance(kind, str)) or not moment.tzinfo:
        return None
    return Event(call_id, kind, data if isinstance(data, dict) else {"value": data}, moment, event_id)


class _Segment:
    """One file of the spool. Its descriptor is open while it is written or is the next to be read."""

    def __init__(self, number: int, path: Path) -> None:
        self.number = number
        self.path = path
        self.size = 0  # bytes of whole lines; counted while it is written
        self.fd = -1
        self.readable = True

    def open_to_read(self) -> int:
        if self.fd < 0:
            self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return self.fd

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


@dataclass(frozen=True, slots=True)
class Batch:
    """Events read from the spool, and where reading goes on once they are stored."""

    events: tuple[Event, ...]
    lines: int  # on disk, damaged ones included
    damaged: int
    segment: int
    offset: int
    held_until: int  # lines ever held in memory: how many of them are behind us with this batch


class Spool:
    """The spool in ``directory``: make it with ``open``. Not for two threads."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self.waiting = 0  # lines not yet let go; an estimate while damaged segments are read
        self.damaged = 0  # lines that could not be read back
        self.lost = 0  # events that found no room on disk or in memory
        self._lock = lock
        self._segments: deque[_Segment] = deque()  # not wholly stored, oldest first; the last may be active
        self._stored: deque[_Segment] = deque()  # wholly stored, their files not yet removed
        self._active: _Segment | None = None
        self._offset = 0  # in the oldest segment: where reading goes on
        self._held: deque[bytes] = deque()  # lines that the disk did not take, in order
        self._held_gone = 0  # how many lines have left ``_held`` since the start
        self._next_number = 1
        self._loud_at = float("-inf")

    @classmethod
    def open(cls, directory: Path) -> Spool:
        """Take the spool, with all that a dead process left in it.

        Raises SpoolHeld when a living process holds it, SpoolError when the directory cannot be used.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            spool = cls(directory, _lock(directory / "lock"))
            try:
                spool._take_over()
            except OSError:
                spool.close()
                raise
        except OSError as error:
            raise SpoolError(
                f"The spool {directory} cannot be used: {error.strerror}.",
                remedy="Make it a directory that Goldline may write to.",
            ) from error
        return spool

    @property
    def disk_refuses(self) -> bool:
        """The disk did not take the last lines; memory holds them."""
        return bool(self._held)

    def append(self, line: bytes) -> None:
        """Keep one line (as ``encode`` makes it). Never raises."""
        self.waiting += 1
        if not self._held and self._put(line):
            return
        self._held.append(line)
        self._flush()
        if len(self._held) > MOST_HELD:
            self._held.pop()
            self.waiting -= 1
            self.lost += 1
            self._say("takes nothing and memory is full: events are being lost")

    def read(self, most: int) -> Batch | None:
        """The next events, at most ``most``; None when there are none. The same again until ``let_go``.

        A damaged line is left out and said. Raises OSError when a file cannot be opened.
        """
        self._flush()
        events: list[Event] = []
        lines = damaged = 0
        number, offset = (self._segments[0].number, self._offset) if self._segments else (0, 0)
        for segment in self._segments:
            if segment.number != number:
                number, offset = segment.number, 0
            for line, end in self._lines(segment, offset, most - lines):
                offset = end
                lines += 1
                event = decode(line)
                if event:
                    events.append(event)
                else:
                    damaged += 1
                    log.error("%s: a damaged line before byte %d is skipped: %r", segment.path, end, line[:200])
            if lines >= most:
                break
        held = list(islice(self._held, most - lines))
        events += filter(None, map(decode, held))
        if not lines and not held:
            self.waiting = 0
            return None
        return Batch(tuple(events), lines, damaged, number, offset, self._held_gone + len(held))

    def let_go(self, batch: Batch) -> None:
        """The batch is stored: reading goes on behind it."""
        while self._segments and self._segments[0].number < batch.segment:
            self._stored.append(self._segments.popleft())
        self._offset = batch.offset
        self.damaged += batch.damaged
        done = batch.lines
        while self._held and self._held_gone < batch.held_until:  # unless they have found room on disk meanwhile
            self._held.popleft()
            self._held_gone += 1
            done += 1
        self.waiting = max(0, self.waiting - done)

    @property
    def removable(self) -> bool:
        """Some segments are wholly stored: make the store outlive a power cut, then ``remove_stored``."""
        return bool(self._stored)

    def remove_stored(self) -> None:
        """Remove the files of the segments that are wholly stored; an unreadable one is renamed and stays."""
        while self._stored:
            segment = self._stored.popleft()
            segment.close()
            try:
                if segment.readable:
                    segment.path.unlink(missing_ok=True)
                elif segment.path.exists():
                    segment.path.rename(segment.path.with_suffix(".unreadable"))
            except OSError as error:
                self._say(f"does not let {segment.path.name} be removed ({error.strerror})")

    def retire(self) -> None:
        """End the segments that are wholly stored, the active one included. Call it when ``read`` found nothing."""
        self._stored.extend(self._segments)
        self._segments.clear()
        self._active = None
        self._offset = 0

    def close(self) -> None:
        """Give the spool back. What is not removed is taken over by the next process."""
        for segment in (*self._segments, *self._stored):
            segment.close()
        self._segments.clear()
        self._stored.clear()
        self._active = None
        os.close(self._lock)

    def set_aside(self, event: Event) -> None:
        """Keep an event that the database refuses for good in ``refused.jsonl``, for a person to look at."""
        try:
            with (self.directory / "refused.jsonl").open("ab") as file:
                file.write(encode(event))
        except OSError as error:
            self._say(f"does not take a refused event either ({error.strerror})")

    def _take_over(self) -> None:
        found = sorted((int(match[1]), path) for path in self.directory.iterdir() if (match := _is_segment(path)))
        for number, path in found:
            self._segments.append(_Segment(number, path))
            self.waiting += _count_lines(path)
            self._next_number = number + 1

    def _put(self, line: bytes) -> bool:
        try:
            active = self._active
            if active is None or active.size >= SEGMENT_BYTES:
                active = self._new_segment()
            written = os.write(active.fd, line)
        except OSError as error:
            self._say(f"does not take a line ({error.strerror}): memory holds it for now")
            return False
        if written == len(line):
            active.size += written
            return True
        self._say("took half a line: memory holds it for now")
        try:
            os.ftruncate(active.fd, active.size)
        except OSError:
            self._active = None  # the half line stays at the end of this segment; the next line opens another
        return False

    def _flush(self) -> None:
        while self._held and self._put(self._held[0]):
            self._held.popleft()
            self._held_gone += 1

    def _new_segment(self) -> _Segment:
        self.directory.mkdir(parents=True, exist_ok=True)
        segment = _Segment(self._next_number, self.directory / f"events-{self._next_number:08d}.jsonl")
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        segment.fd = os.open(segment.path, flags, 0o600)
        self._next_number += 1
        if self._active and self._active is not self._segments[0]:
            self._active.close()  # a database away for a day leaves thousands of segments: no descriptor for each
        if not self._segments:
            self._offset = 0
        self._segments.append(segment)
        self._active = segment
        return segment

    def _lines(self, segment: _Segment, offset: int, most: int) -> Iterator[tuple[bytes, int]]:
        """Lines and where each ends. The tail of a segment that is no longer written counts as a (damaged) line."""
        while most > 0:
            try:
                chunk = os.pread(segment.open_to_read(), READ_BYTES, offset)
            except OSError as error:
                if error.errno not in _UNREADABLE:
                    raise
                segment.readable = False
                log.error(
                    "%s cannot be read from byte %d on (%s) and is skipped.", segment.path, offset, error.strerror
                )
                return
            whole = chunk.rfind(b"\n") + 1
            if not chunk or (not whole and segment is self._active):
                return
            for line in chunk[:whole].split(b"\n")[:-1][:most] if whole else [chunk]:
                offset += len(line) + bool(whole)
                most -= 1
                yield line, offset

    def _say(self, what: str) -> None:
        now = time.monotonic()
        if now - self._loud_at >= LOUD_SECONDS:
            self._loud_at = now
            log.error("The spool %s %s. Make room on its disk, and mend it.", self.directory, what)


def _is_segment(path: Path) -> re.Match[str] | None:
    return _SEGMENT_NAME.fullmatch(path.name)


def _count_lines(path: Path) -> int:
    count = 0
    with path.open("rb") as file:
        last = b"\n"
        while chunk := file.read(READ_BYTES):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _lock(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(fd, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise SpoolHeld(
            f"The spool {path.parent} is held by process {holder}.",
            remedy="Stop that process, or give this one another run directory.",
        ) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd
