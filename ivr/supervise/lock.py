"""One run per run directory: a lock that goes with the process, however that ends (flock(2))."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ivr.supervise.errors import AlreadyRunning

FILE_NAME = "goldline.lock"


@contextlib.contextmanager
def held(run_dir: Path) -> Iterator[None]:
    """Hold the run directory. Raises AlreadyRunning, with the other's process id."""
    file = run_dir / FILE_NAME
    # Append, so that a second process does not wipe the id that it is to report.
    with file.open("a+", encoding="ascii") as handle:
        file.chmod(0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            pid = handle.read().strip() or "unknown"
            raise AlreadyRunning(
                f"Goldline already runs in {run_dir} (process {pid}).",
                remedy=f"Stop it with `kill {pid}`, or run a second one beside it: "
                "GOLDLINE_RUN_DIR=/other/path GOLDLINE_PORTS__OFFSET=100.",
            ) from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


def holder(run_dir: Path) -> int | None:
    """The process that holds the run directory; None when nobody does."""
    try:
        with (run_dir / FILE_NAME).open("r", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = handle.read().strip()
                return int(text) if text.isdigit() else None
    except FileNotFoundError:
        return None
    return None
