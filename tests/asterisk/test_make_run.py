"""What a newcomer does, from clone to hearing a quote: ``make run`` in a terminal, ``ivr dial``, Ctrl-C, and again.

The clone stands in a scratch directory with ports of its own; pip's cache and Goldline's are the machine's.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from conftest import settings_for
from sipp import AUDIBLE_RMS

from ivr.config import CHECKOUT, Settings
from ivr.speech.audio import alaw
from ivr.speech.catalogue import Catalogue
from ivr.speech.voice_pack import VoicePack
from ivr.supervise import ports

pytestmark = pytest.mark.asterisk

INSTALL_SECONDS = 600.0  # packages are unpacked on a machine that does other things as well
START_SECONDS = 5.0  # promised for every start but the first
LOAD_SECONDS = 10.0  # what a loaded test machine may add
DIAL_SECONDS = 120.0
STOP_SECONDS = 30.0
ALIKE = 0.9  # two sounds that differ by a codec
READY = "Goldline is ready"
CTRL_C = b"\x03"
STOPPED = {0, -signal.SIGINT}  # make, when its program has ended, gives itself the signal that it got


class Terminal:
    """A program in a terminal of its own: what it prints, and the keys that a person presses there."""

    def __init__(self, words: list[str], directory: Path, environment: dict[str, str]) -> None:
        self.printed = ""
        self._keys, screen = os.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *words],  # Ctrl-C goes to whoever has the terminal, as it does for a person
            stdin=screen,
            stdout=screen,
            stderr=screen,
            cwd=directory,
            env=environment,
        )
        os.close(screen)

    def until(self, text: str, seconds: float) -> None:
        """Until it has printed that."""
        deadline = time.monotonic() + seconds
        while text not in self.printed:
            assert self._read(deadline), f"never printed: {text}\n{self.printed}"

    def press(self, keys: bytes) -> None:
        """Keys."""
        os.write(self._keys, keys)

    def ended(self, seconds: float) -> int:
        """Until it has ended: its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self.process.wait(max(1.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Whatever still runs in it is ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._keys)

    def _read(self, deadline: float) -> bool:
        """More of what is printed; False when there will be no more, or not in time."""
        ready, _, _ = select.select([self._keys], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            said = os.read(self._keys, 65536)
        except OSError:  # the other side of a terminal that nobody holds any more (EIO)
            return False
        self.printed += said.decode("utf-8", "replace")
        return bool(said)


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """A fresh clone of what is committed here."""
    place = Path(tempfile.mkdtemp(prefix="goldline-clone-"))
    try:
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(CHECKOUT), str(place / "goldline")], check=True)
        yield place / "goldline"
    finally:
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def settings(clone: Path) -> Settings:
    """The clone's settings, with ports that are free."""
    return settings_for(clone / ".run")


@pytest.fixture(scope="module")
def environment(settings: Settings) -> dict[str, str]:
    """What the newcomer's shell has: no virtual environment, and the free ports."""
    ours = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    kept = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("GOLDLINE_")}
    numbers = {f"GOLDLINE_PORTS__{name.upper()}": str(value) for name, value in settings.ports.model_dump().items()}
    return {
        **kept,
        **numbers,
        "GOLDLINE_CACHE_DIR": str(settings.cache_dir),
        "PYTHON": sys._base_executable,
    }


def left_running(place: Path) -> dict[int, str]:
    """Processes that have to do with a directory: by what they run, where they stand or what they hold open."""
    found: dict[int, str] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            held = [str(link.readlink()) for link in [process / "cwd", process / "exe", *(process / "fd").iterdir()]]
            if any(str(place) in one for one in [words, *held]):
                found[int(process.name)] = words
    return found


def test_from_clone_to_a_quote_and_back_to_nothing(
    clone: Path, settings: Settings, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    terminal = Terminal(["make", "run"], clone, environment)
    try:
        terminal.until(READY, INSTALL_SECONDS)
        terminal.until("ivr doctor", 10)
        first = time.monotonic() - began
        for wanted in ("95500", "1001", f"port {settings.ports.sip}", '.venv/bin/ivr dial 95500 --keys "1 600519#"'):
            assert wanted in terminal.printed
        dial(clone, environment)
        terminal.press(CTRL_C)
        assert terminal.ended(STOP_SECONDS) in STOPPED, terminal.printed
        assert "Stopped." in terminal.printed
    finally:
        terminal.close()
    assert nothing_left(clone, settings)
    # The second start has everything.
    began = time.monotonic()
    terminal = Terminal(["make", "run"], clone, environment)
    try:
        terminal.until(READY, START_SECONDS + LOAD_SECONDS)
        second = time.monotonic() - began
        terminal.press(CTRL_C)
        assert terminal.ended(STOP_SECONDS) in STOPPED, terminal.printed
        assert "Stopped." in terminal.printed
    finally:
        terminal.close()
    assert nothing_left(clone, settings)
    with capsys.disabled():
        sys.stderr.write(f"\nmake run: first start {first:.1f} s, second start {second:.1f} s\n")


def dial(clone: Path, environment: dict[str, str]) -> None:
    """A call with no telephone: what was said is printed, what was heard is kept."""
    began = time.monotonic()
    done = subprocess.run(
        [".venv/bin/ivr", "dial", "95500", "--keys", "1 600519#"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DIAL_SECONDS,
        check=False,
    )
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    for wanted in ("欢迎致电", "演示数据", "> 1", "> 600519", "贵州茅台", "ended by the caller"):
        assert wanted in done.stdout, done.stdout
    with wave.open(str(clone / "call-95500.wav")) as file:
        rate, frames = file.getframerate(), file.getnframes()
        samples = np.frombuffer(file.readframes(frames), dtype="<i2").astype(np.float64)
    assert 0.5 * took < frames / rate < took
    assert np.sqrt(np.mean(samples**2)) > AUDIBLE_RMS
    assert likeness(samples, natural_greeting()) > ALIKE, "the greeting was not the natural voice's"


def natural_greeting() -> npt.NDArray[np.float64]:
    """The greeting as the voice pack has it, 8 kHz."""
    prompts = CHECKOUT / "prompts"
    (piece,) = Catalogue.load(prompts).say("greeting", "zh").pieces
    packed = VoicePack.load(prompts).find("zh", piece.words)
    assert packed is not None
    return alaw.decode(packed.load().alaw).astype(np.float64)


def likeness(heard: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> float:
    """The best match of a sound with any part of what was heard: 1 is the same, other speech is far below a half."""
    length = len(heard) + len(wanted)
    match = np.fft.irfft(np.fft.rfft(heard, length) * np.fft.rfft(wanted[::-1], length), length)
    match = match[len(wanted) - 1 : len(heard)]
    sums = np.concatenate([[0.0], np.cumsum(heard**2)])
    energy = sums[len(wanted) :] - sums[: len(heard) - len(wanted) + 1]
    return float(np.max(match / np.sqrt(np.maximum(energy, 1.0) * np.sum(wanted**2))))


def nothing_left(clone: Path, settings: Settings) -> bool:
    """No process, no port. Dead ones may take a moment to go."""
    deadline = time.monotonic() + STOP_SECONDS
    while left_running(clone.parent):
        assert time.monotonic() < deadline, f"left running: {left_running(clone.parent)}"
        time.sleep(0.05)
    ports.check(settings)  # raises PortTaken
    return True
