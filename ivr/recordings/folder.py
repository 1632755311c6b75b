"""The folder in which Asterisk leaves recordings of talks: names, looks at files, digests.

Blocking: run it in a thread. Knows no rows. A name says nothing: it is random.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from db.recording import Fault

SUFFIX: Final = ".wav"  # 8 kHz, 16 bits, one channel (Asterisk's format_wav)
SUBFOLDER: Final = "talks"  # below the folder of all recordings
HEADER_BYTES: Final = 44
BYTES_PER_SECOND: Final = 16_000
OWNER_ONLY_FILE: Final = 0o600
OWNER_ONLY_FOLDER: Final = 0o700
OTHERS: Final = 0o077  # the rights of everybody but the owner
NAME_BYTES: Final = 16  # random ones; no two names are ever the same
_NAME: Final = re.compile(rf"[0-9a-f]{{{2 * NAME_BYTES}}}")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one file showed. ``modified`` in seconds since 1970."""

    bytes: int
    seconds: float
    fault: Fault
    modified: float = 0.0


MISSING: Final = Look(0, 0.0, "missing")


class Folder:
    """The folder of the talks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def below(cls, recordings: Path) -> Folder:
        """The talks' own folder below that of all recordings (``Layout.recordings_dir``)."""
        return cls(recordings / SUBFOLDER)

    def create(self) -> None:
        """Make the folder, for its owner alone. Raises OSError."""
        self.path.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        self.path.chmod(OWNER_ONLY_FOLDER)

    def file(self, name: str) -> Path:
        """Where the recording of this name is, or would be. Raises ValueError for what is no such name."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a recording")
        return self.path / f"{name}{SUFFIX}"

    def names(self) -> Iterator[str]:
        """The names of all recordings that are there, in no order. Raises OSError."""
        for file in self.path.iterdir():
            if file.suffix == SUFFIX and _NAME.fullmatch(file.stem):
                yield file.stem

    def look(self, name: str) -> Look:
        """How long the recording is, and whether Asterisk has closed it. Never raises for a file it cannot read."""
        file = self.file(name)
        try:
            status = file.stat()
            if status.st_size <= HEADER_BYTES:
                return Look(status.st_size, 0.0, "empty", status.st_mtime)
            told = _told_bytes(file)
        except FileNotFoundError:
            return MISSING
        except OSError:
            return Look(0, 0.0, "unreadable")
        sound = status.st_size - HEADER_BYTES
        # The header gets its length when the file is closed; an odd number of bytes is filled up to an even one.
        closed = 0 < told <= sound <= told + 1
        return Look(
            status.st_size,
            (told if closed else sound) / BYTES_PER_SECOND,
            "" if closed else "unfinished",
            status.st_mtime,
        )

    def digest(self, name: str) -> str:
        """The SHA-256 of the file, in hex. Raises OSError."""
        found = hashlib.sha256()
        with self.file(name).open("rb") as handle:
            while chunk := handle.read(_CHUNK):
                found.update(chunk)
        return found.hexdigest()

    def close_to_others(self, name: str) -> None:
        """Nobody but the owner reads the file from now on. Raises OSError."""
        self.file(name).chmod(OWNER_ONLY_FILE)

    def is_open_to_others(self, name: str) -> bool:
        """Whether somebody else may read the file. Raises OSError."""
        return bool(self.file(name).stat().st_mode & OTHERS)

    def delete(self, name: str) -> None:
        """Delete the file; one that is gone is deleted. Raises OSError."""
        self.file(name).unlink(missing_ok=True)


def new_name() -> str:
    """A name for a recording that begins: random."""
    return secrets.token_hex(NAME_BYTES)


def _told_bytes(file: Path) -> int:
    """The bytes of sound that the header tells of; 0 while Asterisk writes, or when it is no header."""
    try:
        with wave.open(str(file)) as sound:
            frames: int = sound.getnframes()
            return frames * int(sound.getsampwidth()) * int(sound.getnchannels())
    except (wave.Error, EOFError):
        return 0
