"""The clip cache: rendered words on disk, the ones in use in memory too. Knows nothing of what is in a clip.

A clip's name is a hash of everything that shapes its sound, so nothing in the cache is ever out of date. The directory
may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections import OrderedDict
from pathlib import Path

from ivr.speech.audio.clip import Clip
from ivr.speech.clip_files import ALAW, delete_clip, read_clip, write_clip

MEMORY_BYTES = 96 << 20  # all number words of two languages (25 MB) and some thousand names
DISK_BYTES = 2 << 30  # notices come and go; this is half a day of speech


def rendered_name(identity: str, language: str, words: str) -> str:
    """The name of a clip that an engine renders: ``identity`` is the engine's."""
    return hashed(f"{identity}\x1f{language}\x1f{words}")


def hashed(body: str) -> str:
    """All that shapes a sound, as a name."""
    return hashlib.sha256(body.encode()).hexdigest()[:32]


class Clips:
    """Clips by name."""

    def __init__(self, directory: Path, memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES) -> None:
        """``directory`` is made when it is not there."""
        self._directory = directory
        self._memory_bytes = memory_bytes
        self._disk_bytes = disk_bytes
        self._in_memory: OrderedDict[str, Clip] = OrderedDict()
        self._held_bytes = 0
        self._kept = 0  # clips written since the last look at the disk

    @property
    def grown(self) -> bool:
        """Whether anything was written since ``prune``."""
        return self._kept > 0

    def get(self, name: str) -> Clip | None:
        """The clip, from memory or disk; None when it has to be rendered. Reads at most two small files."""
        clip = self._in_memory.get(name)
        if clip is not None:
            self._in_memory.move_to_end(name)
            return clip
        base = self._base(name)
        clip = read_clip(base)
        if clip is not None:
            with contextlib.suppress(OSError):  # marks it as used, for ``prune``
                os.utime(base.with_name(base.name + ALAW))
            self.hold(name, clip)
        return clip

    def keep(self, name: str, clip: Clip) -> None:
        """Remember a clip for good."""
        base = self._base(name)
        base.parent.mkdir(parents=True, exist_ok=True)
        write_clip(base, clip)
        self._kept += 1
        self.hold(name, clip)

    def hold(self, name: str, clip: Clip) -> None:
        """Remember a clip in memory only, as long as there is room."""
        replaced = self._in_memory.pop(name, None)
        self._held_bytes += clip.size - (replaced.size if replaced else 0)
        self._in_memory[name] = clip
        while self._held_bytes > self._memory_bytes and len(self._in_memory) > 1:
            _, forgotten = self._in_memory.popitem(last=False)
            self._held_bytes -= forgotten.size

    def prune(self) -> int:
        """Delete the clips on disk not used for longest until the rest fit; returns how many. Slow: not on the loop.

        Those in memory are in use, whatever the disk says of when they were read.
        """
        self._kept = 0
        now = time.time()
        in_use = {name: now + place for place, name in enumerate(list(self._in_memory))}  # the one used last comes last
        found: list[tuple[float, int, Path]] = []
        for file in self._directory.glob(f"*/*{ALAW}"):
            with contextlib.suppress(FileNotFoundError):
                status = file.stat()
                used = in_use.get(file.stem, status.st_mtime)
                found.append((used, status.st_size * 5, file.with_suffix("")))
        found.sort(reverse=True)
        total = deleted = 0
        for _, size, base in found:
            total += size
            if total > self._disk_bytes:
                delete_clip(base)
                deleted += 1
        return deleted

    def _base(self, name: str) -> Path:
        return self._directory / name[:2] / name
