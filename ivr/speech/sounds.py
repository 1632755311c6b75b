"""The store of composed sounds: a directory that Asterisk reads, kept within a limit.

Asterisk is given a path without extension and takes ``.alaw`` or ``.sln16``, whichever costs it less. A file that
exists is complete. What was not asked for longest is forgotten first, but never what may be playing.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ivr.speech.audio.clip import ALAW_RATE, Clip
from ivr.speech.clip_files import ALAW, SLN16, TEMPORARY, delete_clip, sizes_agree, write_clip
from ivr.speech.utterance import Sound

LIMIT_BYTES = 512 << 20  # three and a half hours of sound: some 1,300 quotes of ten seconds
# A sound may be played for this long after it was last handed out, beyond its own length: a caller hears a menu more
# than once, and Asterisk opens the file only when it plays it. (A file that is open stays readable when deleted.)
IN_USE_SECONDS = 60.0


@dataclass(slots=True)
class _Entry:
    sound: Sound
    size: int
    used_at: float


class Sounds:
    """Composed sounds by name."""

    def __init__(
        self, directory: Path, limit_bytes: int = LIMIT_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` counts seconds. The directory is read by ``open``."""
        self._directory = directory.absolute()
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the one used last comes last
        self.total_bytes = 0

    def open(self) -> None:
        """Make the directory, or learn what is in it; delete what is not complete."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._entries.clear()
        self.total_bytes = 0
        sizes: dict[str, dict[str, int]] = {}
        used: dict[str, float] = {}
        for file in self._directory.iterdir():
            if file.suffix == TEMPORARY:
                file.unlink(missing_ok=True)
            elif file.suffix in (ALAW, SLN16) and file.is_file():
                status = file.stat()
                sizes.setdefault(file.stem, {})[file.suffix] = status.st_size
                used[file.stem] = max(used.get(file.stem, 0.0), status.st_mtime)
        now = self._clock()
        for name in sorted(sizes, key=used.__getitem__):
            alaw, sln16 = (sizes[name].get(suffix, 0) for suffix in (ALAW, SLN16))
            if sizes_agree(alaw, sln16):
                # A call may have been handed it by the process before us: it counts as just used.
                self._remember(name, alaw, now)
            else:
                delete_clip(self._directory / name)

    def find(self, name: str) -> Sound | None:
        """The sound of that name, if it is there. It counts as used now."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        entry.used_at = self._clock()
        self._entries.move_to_end(name)
        return entry.sound

    def write(self, name: str, clip: Clip) -> None:
        """Write the files of a sound. Touches nothing but the disk: a long one may be written in a thread."""
        write_clip(self._directory / name, clip)

    def add(self, name: str, clip: Clip) -> Sound:
        """Enter a sound that was written, and forget others if there are too many."""
        if name not in self._entries:
            self._remember(name, len(clip.alaw), self._clock())
            self._forget_the_oldest(name)
        sound = self.find(name)
        assert sound is not None
        return sound

    def __len__(self) -> int:
        return len(self._entries)

    def _remember(self, name: str, alaw_bytes: int, now: float) -> None:
        size = alaw_bytes * 5  # both files
        sound = Sound(str(self._directory / name), alaw_bytes / ALAW_RATE)
        self._entries[name] = _Entry(sound, size, now)
        self.total_bytes += size

    def _forget_the_oldest(self, newest: str) -> None:
        now = self._clock()
        while self.total_bytes > self._limit_bytes:
            name, entry = next(iter(self._entries.items()))
            if name == newest or now - entry.used_at < IN_USE_SECONDS + entry.sound.seconds:
                return  # over the limit for a while rather than a caller in silence
            del self._entries[name]
            self.total_bytes -= entry.size
            delete_clip(self._directory / name)
