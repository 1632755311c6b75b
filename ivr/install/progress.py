"""What a person sees while something slow happens: a line per step, its time, and what went wrong.

On a terminal the line moves; elsewhere (a log file) there is one line at the beginning and one at the end.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TextIO

from ivr.install.errors import InstallError

TAIL_LINES = 15  # of a failed command's output
TICK_SECONDS = 0.5
WIDTH = 100  # a moving line must not wrap


class Progress:
    """Prints steps to ``out``."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out = out
        self._moves = out.isatty()
        self._latest = ""

    def note(self, text: str) -> None:
        """A line of its own."""
        self._out.write(f"  {text}\n")
        self._out.flush()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show ``title`` as long as the body runs, then how long it took."""
        began = time.monotonic()
        done = threading.Event()
        self._latest = ""

        def show() -> None:
            while not done.wait(TICK_SECONDS):
                line = f"… {title} {time.monotonic() - began:.0f} s  {self._latest}"
                self._out.write(f"\r\x1b[K{line[:WIDTH]}")
                self._out.flush()

        mover = threading.Thread(target=show, daemon=True)
        if self._moves:
            mover.start()
        else:
            self._out.write(f"… {title}\n")
            self._out.flush()
        mark = "✗"
        try:
            yield
            mark = "✓"
        finally:
            done.set()
            if self._moves:
                mover.join()
                self._out.write("\r\x1b[K")
            self._out.write(f"{mark} {title} ({time.monotonic() - began:.1f} s)\n")
            self._out.flush()

    def run(
        self,
        words: Sequence[str],
        *,
        remedy: str,
        environment: Mapping[str, str] | None = None,
        seconds: float = 1800.0,
    ) -> str:
        """Run a command, its last line shown as it comes. Returns what it printed.

        Raises InstallError with the end of its output when it fails or takes longer than ``seconds``.
        """
        try:
            process = subprocess.Popen(
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(environment) if environment is not None else None,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise InstallError(f"{words[0]} cannot be run: {error}.", remedy=remedy) from error
        assert process.stdout is not None
        late = threading.Event()

        def cut() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, cut)
        timer.start()
        lines: deque[str] = deque(maxlen=2000)
        try:
            with process.stdout:
                for line in process.stdout:
                    lines.append(line)
                    self._latest = line.strip()
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
        if code != 0:
            tail = "".join(f"    {line}" for line in list(lines)[-TAIL_LINES:])
            why = f"took longer than {seconds:.0f} s" if late.is_set() else f"ended with {code}"
            raise InstallError(f"`{' '.join(words)}` {why}:\n{tail}", remedy=remedy)
        return "".join(lines)


Runner = Callable[..., str]  # Progress.run, or a stand-in in tests
