"""``ivr run`` with a real Asterisk and a stand-in controller: started, restarted, stopped, never orphaned."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import lives, settings_for

from ivr.config import Settings

pytestmark = pytest.mark.asterisk

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0  # seconds; a loaded machine is slow, and nothing here waits that long when all is well

# Answers at its health port with its process id. Told to hang, it answers no more and is deaf to TERM.
CONTROLLER = """
import http.server, os, signal, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.kill(os.getpid(), signal.SIGSTOP)
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""

SUPERVISOR = """
import asyncio, sys
sys.path[:0] = [{tests!r}, {root!r}]
from pathlib import Path
from ivr.config import Settings
from ivr.errors import GoldlineError
from ivr.supervise import Step, run
async def step(): pass
settings = Settings.model_validate_json({settings!r})
command = [sys.executable, "-c", {controller!r}, str(settings.ports.at("http"))]
try:
    sys.exit(asyncio.run(run(settings, [Step("A step of ours", step)], command)))
except GoldlineError as error:
    print(error)
    sys.exit(3)
"""


def until(happened: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


class Supervised:
    """One supervisor in a process of its own; what it prints is collected in a file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.printed = settings.run_dir.parent / f"{settings.run_dir.name}.printed"
        code = SUPERVISOR.format(
            tests=str(Path(__file__).parent),
            root=str(ROOT),
            settings=settings.model_dump_json(),
            controller=CONTROLLER,
        )
        with self.printed.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )

    def text(self) -> str:
        return self.printed.read_text("utf-8")

    def ready(self) -> None:
        until(lambda: "Goldline is ready" in self.text() or self.process.poll() is not None, "ready")
        assert "Goldline is ready" in self.text(), self.text()

    def controller(self) -> int:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.settings.ports.at('http')}/health"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return int(answer.read())
        return 0

    def asterisk_answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.settings.ports.at("ami")), 2) as s,
        ):
            s.settimeout(2)
            return s.recv(100).startswith(b"Asterisk")
        return False

    def children(self) -> dict[int, str]:
        """All processes below it, by id."""
        found: dict[int, str] = {}
        fresh = {self.process.pid}
        while fresh:
            below: set[int] = set()
            for pid in fresh:
                with contextlib.suppress(OSError):
                    for task in Path(f"/proc/{pid}/task").iterdir():
                        below |= {int(one) for one in (task / "children").read_text().split()}
            for pid in below:
                with contextlib.suppress(OSError):
                    found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
            fresh = below
        return found


@pytest.fixture
def supervised() -> Iterator[Supervised]:
    with tempfile.TemporaryDirectory(prefix="goldline-") as place:
        one = Supervised(settings_for(Path(place) / "run"))
        yield one
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


def all_gone(pids: dict[int, str]) -> Callable[[], bool]:
    return lambda: not any(lives(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: signal.Signals(one).name)
def test_it_says_how_to_call_and_a_signal_stops_everything(supervised: Supervised, number: signal.Signals) -> None:
    supervised.ready()
    text = supervised.text()
    secrets = (supervised.settings.run_dir / "secrets.toml").read_text()
    password = re.search(r'softphone = "(.+)"', secrets)
    assert password
    assert password[1] in text
    assert "A step of ours" in text
    assert '.venv/bin/ivr dial 95500 --keys "1 600519#"' in text
    pids = supervised.children()
    assert len(pids) >= 2
    supervised.process.send_signal(number)
    assert supervised.process.wait(PATIENCE) == 0
    assert "Stopped." in supervised.text()
    until(all_gone(pids), "nothing is left")


def test_killed_itself_it_leaves_nothing(supervised: Supervised) -> None:
    supervised.ready()
    pids = supervised.children()
    supervised.process.kill()
    supervised.process.wait()
    until(all_gone(pids), "the children ended with their parent")


def test_a_controller_that_dies_is_started_again(supervised: Supervised) -> None:
    supervised.ready()
    first = supervised.controller()
    os.kill(first, signal.SIGKILL)
    until(lambda: supervised.controller() not in {0, first}, "a new controller")
    until(lambda: "is back" in supervised.text(), "the good news")
    assert "it ended with signal SIGKILL" in supervised.text()
    assert supervised.asterisk_answers()


def test_a_controller_that_hangs_is_started_again(supervised: Supervised) -> None:
    supervised.ready()
    first = supervised.controller()
    os.kill(first, signal.SIGSTOP)
    until(lambda: supervised.controller() not in {0, first}, "a new controller")
    assert "it has not answered for 10 s" in supervised.text()


def test_an_asterisk_that_dies_is_started_again(supervised: Supervised) -> None:
    supervised.ready()
    before = supervised.controller()
    pid = next(pid for pid, name in supervised.children().items() if name in {"asterisk", "bwrap"})
    os.kill(pid, signal.SIGKILL)
    until(lambda: "Asterisk is back" in supervised.text(), "Asterisk again")
    assert supervised.asterisk_answers()
    assert supervised.controller() == before


def test_a_second_ctrl_c_does_not_wait(supervised: Supervised) -> None:
    supervised.ready()
    pids = supervised.children()
    os.kill(supervised.controller(), signal.SIGSTOP)  # deaf: it would take the whole deadline to stop
    began = time.monotonic()
    supervised.process.send_signal(signal.SIGINT)
    until(lambda: "Stopping" in supervised.text(), "the first signal was heard")
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 8.0
    until(all_gone(pids), "nothing is left")


def test_a_second_run_of_one_checkout_is_refused(supervised: Supervised) -> None:
    supervised.ready()
    second = Supervised(supervised.settings)
    assert second.process.wait(PATIENCE) == 3
    assert f"already runs in {supervised.settings.run_dir} (process {supervised.process.pid})" in second.text()
    assert "GOLDLINE_RUN_DIR" in second.text()


def test_a_taken_port_is_named_with_its_setting(supervised: Supervised) -> None:
    supervised.ready()
    ports = supervised.settings.ports
    with tempfile.TemporaryDirectory(prefix="goldline-") as place:
        other = supervised.settings.model_copy(update={"run_dir": Path(place) / "run"})
        second = Supervised(other)
        assert second.process.wait(PATIENCE) == 3
        assert f"127.0.0.1:{ports.at('sip')}/udp (ports.sip)" in second.text()
        assert "GOLDLINE_PORTS__OFFSET=100" in second.text()
        assert not list((Path(place) / "run" / "asterisk").glob("*.ctl"))


def test_a_start_that_is_interrupted_leaves_nothing(supervised: Supervised) -> None:
    until(lambda: supervised.children() or supervised.process.poll() is not None, "something has begun")
    pids = supervised.children()
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(PATIENCE) == 0
    until(all_gone(pids), "nothing is left")
