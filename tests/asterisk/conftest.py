"""A real Asterisk with our own rendered configuration, once per test session.

``asterisk`` is what every test in this directory uses: settings, secrets, ports and the command line of a running
instance. Without an Asterisk these tests fail (they are not skipped): a suite that did not place a call has not passed.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from ivr.asterisk import locate, render, secrets_file
from ivr.asterisk.errors import AsteriskError
from ivr.asterisk.layout import Layout
from ivr.asterisk.process import Asterisk
from ivr.asterisk.secrets_file import Secrets
from ivr.cli.hotline import CONTROLLER_NICE
from ivr.config import Settings, load

RTP_PORTS = 2000  # a test may hold a few hundred calls, two ports each
RTP_STARTS = (24000, 30000)
CONTROL_PORTS = (20000, 24000)


@dataclass(frozen=True)
class RunningAsterisk:
    """A live instance. Trunk calls come from 127.0.0.1 (SIPp); ``settings.ports.at("agi")`` is where it looks for a
    controller: nobody listens there until a test does."""

    settings: Settings
    secrets: Secrets
    layout: Layout
    process: Asterisk

    @property
    def log(self) -> Path:
        """Notices, warnings and errors."""
        return self.layout.messages_log

    def port(self, name: str) -> int:
        """The port in use for ``sip``, ``agi``, ``ami``, …"""
        return self.settings.ports.at(name)  # type: ignore[arg-type]

    def cli(self, command: str) -> str:
        """What Asterisk's command line answers."""
        return self.process.cli(command)


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds now, for TCP and UDP alike, below the range from which clients get theirs (32768 on).

    The search begins anywhere, so that suites running side by side do not go for the same ones.
    """
    found: list[int] = []
    for port in random.sample(range(*CONTROL_PORTS), 1000):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free ports")


def settings_for(run_dir: Path, **overrides: object) -> Settings:
    """Settings for one instance of its own, read from nothing but these arguments."""
    sip, sips, ws, wss, agi, ami, http = free_ports(7)
    rtp = random.randrange(*RTP_STARTS, 2)  # ranges may overlap: Asterisk takes another port when one is held
    return load(
        environment={},
        file=run_dir / "goldline.toml",
        overrides={
            "run_dir": run_dir,
            "ports.sip": sip,
            "ports.sips": sips,
            "ports.ws": ws,
            "ports.wss": wss,
            "ports.agi": agi,
            "ports.ami": ami,
            "ports.http": http,
            "ports.rtp_first": rtp,
            "ports.rtp_last": rtp + RTP_PORTS - 1,
            "sip.trunk_hosts": ["127.0.0.1"],
            # What is heard is compared byte for byte: by the plain voice, which says everything by itself.
            "speech.natural": False,
            **overrides,
        },
    )


def start_asterisk(settings: Settings) -> RunningAsterisk:
    """Render and start one. The caller stops it: ``.process.stop()``."""
    # From now on this process plays telephones, which in the world have a processor each: whatever else the machine
    # does (all other tests, for one), they answer, listen and press keys in time. Asterisk and SIPp inherit it.
    with suppress(PermissionError):  # without it the machine should have a core to spare, as for the controller
        os.setpriority(os.PRIO_PROCESS, 0, CONTROLLER_NICE)
    try:
        installation = locate.find(settings.cache_dir)
    except AsteriskError as error:
        pytest.fail(f"{error}", pytrace=False)
    layout = Layout(settings.run_dir)
    layout.create()
    secrets = secrets_file.load_or_create(layout.secrets_file)
    render.prepare(settings, secrets, installation)
    process = Asterisk(installation, layout, [settings.prompts])
    process.launch()
    try:
        process.wait_until_booted()
    except AsteriskError:
        process.kill()
        raise
    return RunningAsterisk(settings, secrets, layout, process)


def lives(pid: int) -> bool:
    """True unless it is gone, or dead and only not yet fetched by whatever plays init on this machine."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


@pytest.fixture(scope="session")
def asterisk() -> Iterator[RunningAsterisk]:
    """The session's Asterisk."""
    # Not pytest's tmp_path: a control socket's path may have 107 bytes.
    run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))
    running = start_asterisk(settings_for(run_dir))
    yield running
    running.process.stop()
    shutil.rmtree(run_dir)
