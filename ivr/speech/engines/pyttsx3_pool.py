"""pyttsx3 behind the engine interface: a few worker processes, each with one pyttsx3 engine.

pyttsx3 may not run in this process: it blocks the event loop, hangs when two threads use it, and can take the process
down with it. How it is used stands in ``ivr.speech.engines.pyttsx3_worker``.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from ivr.speech.engines.engine import RENDER_SECONDS, identity_of
from ivr.speech.engines.worker_pool import START_SECONDS, Program, WorkerPool

MODULE = "ivr.speech.engines.pyttsx3_worker"
PROGRAM = Program(
    "pyttsx3", MODULE, remedy=f"Install the packages espeak-ng and libespeak-ng1, then try: python -m {MODULE}."
)


class Pyttsx3Pool(WorkerPool):
    """Speech by pyttsx3 in worker processes."""

    def __init__(
        self, workers: int, render_seconds: float = RENDER_SECONDS, start_seconds: float = START_SECONDS
    ) -> None:
        """``workers`` processes; each text has ``render_seconds`` on one."""
        super().__init__(PROGRAM, identity_of("pyttsx3", _release()), workers, render_seconds, start_seconds)


def _release() -> str:
    try:
        return version("pyttsx3")
    except PackageNotFoundError:
        return "unknown"
