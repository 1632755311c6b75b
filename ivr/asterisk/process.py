"""One running Asterisk: start it, wait until it takes calls, ask it, stop it.

Blocking on purpose (each call is short and has a deadline): an event loop runs these in a thread, except ``launch``.
It must not know the supervisor's policy: when to restart is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ivr.asterisk import sandbox
from ivr.asterisk.errors import AsteriskFailed
from ivr.asterisk.layout import Layout
from ivr.asterisk.locate import Installation

BOOT_SECONDS = 30.0  # 1 s when the machine is idle; a loaded one gets its time
STOP_SECONDS = 8.0  # `core stop now` takes under 1 s
COMMAND_SECONDS = 15.0
POLL_SECONDS = 0.05  # there is no event for "the socket exists": look again
OPEN_FILES = 65536  # a call holds about six descriptors; 600 calls pass the usual 1,024
LOG_BYTES = 50 * 2**20  # of one log file at a start: about a year of a healthy hotline
TAIL_LINES = 12  # of its log, shown when it does not start


class Asterisk:
    """One instance in one run directory. ``launch`` it from the main thread: it is bound to the life of that thread
    (prctl(2), PR_SET_PDEATHSIG)."""

    def __init__(self, installation: Installation, layout: Layout, read_only: Sequence[Path] = ()) -> None:
        self.installation = installation
        self.layout = layout
        self._read_only = tuple(read_only)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process to wait for: the sandbox's, or Asterisk's own. Raises AsteriskFailed before ``launch``."""
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._running().poll()

    def launch(self) -> None:
        """Start it and return at once. Raises AsteriskFailed when the program cannot be run."""
        raise_file_limit()
        sandbox.write_system_files(self.layout)
        with contextlib.suppress(FileNotFoundError):
            self.layout.control_socket.unlink()  # left by one that was killed; it would look like a live one
        for log in (self.layout.messages_log, self.layout.security_log):
            set_aside(log)
        words = sandbox.command(self.installation, self.layout, ["-f"], self._read_only)
        try:
            with open(self.layout.console_log, "wb", opener=_for_the_owner) as console:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # a Ctrl-C at the terminal is for us: we stop it in order
                    env=sandbox.environment(),
                    umask=0o077,
                )
        except OSError as error:
            raise AsteriskFailed(f"{words[0]} cannot be run: {error}.", remedy="Run `make run` again.") from error

    def wait_until_booted(self, seconds: float = BOOT_SECONDS) -> None:
        """Return when it takes calls. Raises AsteriskFailed with the end of its log when it ends or is too late."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.exit_code is not None:
                raise self._failed(f"Asterisk ended at once with code {self.exit_code}")
            if self.layout.control_socket.exists():
                done = self._ask("core waitfullybooted", max(deadline - time.monotonic(), 1.0))
                if done is not None and "fully booted" in done:
                    return
            time.sleep(POLL_SECONDS)
        raise self._failed(f"Asterisk was not up after {seconds:.0f} s")

    def cli(self, command: str, seconds: float = COMMAND_SECONDS) -> str:
        """What Asterisk's command line answers. Raises AsteriskFailed when it does not."""
        answer = self._ask(command, seconds)
        if answer is None:
            raise AsteriskFailed(
                f"Asterisk did not answer {command!r}.", remedy=f"Read {self.layout.messages_log}, or restart it."
            )
        return answer

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End it: politely, then by force. Returns when it is gone; harmless when it is gone already."""
        if self._process is None:
            return
        deadline = time.monotonic() + seconds
        if self._process.poll() is None:
            with contextlib.suppress(AsteriskFailed):
                self.cli("core stop now", min(3.0, seconds))
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(deadline - time.monotonic(), 0.1))
        self.kill()

    def kill(self) -> None:
        """End it now. The sandbox's processes go with it."""
        if self._process is None:
            return
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AsteriskFailed("Asterisk was not started.", remedy="Call launch() first.")
        return self._process

    def _ask(self, command: str, seconds: float) -> str | None:
        words = sandbox.command(self.installation, self.layout, ["-rx", command])
        try:
            done = subprocess.run(
                words,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
                env=sandbox.environment(),
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    def _failed(self, what: str) -> AsteriskFailed:
        lines = [*_tail(self.layout.console_log), *_tail(self.layout.messages_log)]
        said = "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"
        return AsteriskFailed(
            f"{what}. The end of its log:\n{said}\n",
            remedy=f"Read {self.layout.messages_log}; `ivr doctor` checks ports and permissions.",
        )


def connect(installation: Installation, layout: Layout) -> Asterisk:
    """A handle on an instance that another process started: good for ``cli`` only."""
    return Asterisk(installation, layout)


def raise_file_limit(wanted: int = OPEN_FILES) -> None:
    """Let this process and its children open as many files as ``wanted``, or as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def set_aside(log: Path, limit: int = LOG_BYTES) -> None:
    """Begin a log anew when it has grown over ``limit`` bytes; the one before is kept beside it."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit:
            log.replace(log.with_name(f"{log.name}.1"))


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _tail(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:]
    except OSError:
        return []
