"""A whole hotline of one's own for a benchmark: real Asterisk, the real controller in its own process, SQLite.

It stands in a temporary run directory on free ports and takes nothing from the checkout's settings but the cache of
rendered speech. Measures nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ivr import config
from ivr.asterisk import locate, render, secrets_file
from ivr.asterisk.layout import Layout
from ivr.asterisk.process import Asterisk
from ivr.lines.load import FILE_NAME
from ivr.preparation import steps
from ivr.supervise.children import ControllerChild

HOST = "127.0.0.1"
CONTROL_PORTS = (14000, 19000)  # below the range from which clients get theirs (32768 on)
RTP_STARTS = (26000, 28000)
RTP_PORTS_PER_CALL = 4  # RTP and RTCP, and as much again: a port is not given out twice in a row

# One line for all of them: the desk is passed as on any hotline, and turns nobody away.
LINES = """\
trunk_groups:
  all: {{lines: {callers}}}
lines:
  main: {{name: Bench, numbers: {numbers}, trunks: all, flow: main}}
"""


class BenchError(Exception):
    """The benchmark could not be run: its figures would mean nothing."""


@dataclass(frozen=True)
class Hotline:
    """One that runs."""

    settings: config.Settings
    secrets: secrets_file.Secrets
    run_dir: Path
    controller: int  # process ids
    asterisk: int
    controller_log: Path
    asterisk_log: Path
    cli: Callable[[str], str]  # Asterisk's command line


Files = Callable[[Path], Path]  # puts files into a folder that is not there yet, and gives it back
Prepared = Callable[[str], Awaitable[None]]


@contextlib.asynccontextmanager
async def running(
    callers: int,
    *,
    flow: str = "",
    numbers: Sequence[str] = ("95500",),
    templates: Files | None = None,
    routing: Files | None = None,
    prepared: Prepared | None = None,
    sip: Mapping[str, int] = MappingProxyType({}),
) -> AsyncIterator[Hotline]:
    """A hotline for so many callers at once. At the end nothing of it is left running, and its directory is removed.

    ``flow`` takes the place of all flows; ``templates`` and ``routing`` make Asterisk's templates and the routing
    files; ``prepared(database)`` fills the store further; ``sip`` are settings.
    """
    # Not a longer path: a control socket's may have 107 bytes.
    run_dir = Path(tempfile.mkdtemp(prefix="goldline-lines-"))
    stop = contextlib.AsyncExitStack()
    try:
        file = run_dir / "goldline.toml"
        routing_dir = routing(run_dir / "routing") if routing else None
        _write_settings(file, run_dir, callers, flow, numbers, routing_dir, sip)
        settings = config.load(file, environment={})
        Layout(run_dir).create()
        for step in steps(settings):
            await step.action()
        if prepared:
            await prepared(settings.database_url)
            for step in steps(settings):  # the seats' telephones among them
                await step.action()
        installation = locate.find(settings.cache_dir)
        secrets = secrets_file.load_or_create(Layout(run_dir).secrets_file)
        files = templates(run_dir / "templates") if templates else render.TEMPLATES
        layout = render.prepare(settings, secrets, installation, files)
        asterisk = Asterisk(installation, layout, [settings.prompts])
        asterisk.launch()
        stop.push_async_callback(asyncio.to_thread, asterisk.stop)
        await asyncio.to_thread(asterisk.wait_until_booted)
        log = run_dir / "controller.log"
        controller = ControllerChild(
            # By way of a shell's redirection: the child class leaves the streams to us.
            ("sh", "-c", f'exec "$0" -m ivr serve 2> "{log}"', sys.executable),
            settings.ports.at("http"),
            _environment(file),
        )
        stop.push_async_callback(controller.stop)
        await controller.start()
        yield Hotline(
            settings=settings,
            secrets=secrets,
            run_dir=run_dir,
            controller=_descendant(os.getpid(), "-m\0ivr\0serve"),
            asterisk=_descendant(asterisk.pid, str(layout.main_file)),
            controller_log=log,
            asterisk_log=layout.messages_log,
            cli=asterisk.cli,
        )
    finally:
        # The controller first, while Asterisk still answers it: every caller has hung up by now.
        await stop.aclose()
        shutil.rmtree(run_dir, ignore_errors=True)


def _environment(file: Path) -> dict[str, str]:
    """Ours, but for the settings: the checkout's own play no part."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GOLDLINE_")}
    return {**kept, "GOLDLINE_CONFIG": str(file)}


def _write_settings(
    file: Path,
    run_dir: Path,
    callers: int,
    flow: str,
    numbers: Sequence[str],
    routing: Path | None,
    sip_settings: Mapping[str, int],
) -> None:
    sip, agi, ami, http = _free_ports(4)
    rtp = random.randrange(*RTP_STARTS, 2)
    dialplans = run_dir / "dialplans"
    shutil.copytree(config.CHECKOUT / "dialplans", dialplans)
    if flow:
        for other in dialplans.glob("*.yaml"):
            other.unlink()
        (dialplans / "main.yaml").write_text(flow)
    (dialplans / FILE_NAME).write_text(LINES.format(callers=callers, numbers=json.dumps(list(numbers))))
    routing_line = f'routing = "{routing}"' if routing else ""
    more = "\n".join(f"{name} = {value}" for name, value in sip_settings.items())
    file.write_text(
        f"""
run_dir = "{run_dir}"
dialplans = "{dialplans}"
{routing_line}
[ports]
sip = {sip}
agi = {agi}
ami = {ami}
http = {http}
rtp_first = {rtp}
rtp_last = {rtp + max(callers, 50) * RTP_PORTS_PER_CALL - 1}
[sip]
trunk_hosts = ["{HOST}"]
{more}
[limits]
live_calls = {callers + 20}
"""
    )


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in random.sample(range(*CONTROL_PORTS), 1000):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind((HOST, port))
                udp.bind((HOST, port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise BenchError("No free ports.")


def _descendant(ancestor: int, words: str) -> int:
    """The process under ``ancestor`` (or itself) whose command line holds ``words``: the sandbox and setpriv stand
    between us and what we measure."""
    for pid in _below(ancestor):
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_text()
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if words in line and name not in {"bwrap", "setpriv", "sh"}:
                return pid
    raise BenchError(f"No process runs {words.replace(chr(0), ' ')}.")


def _below(ancestor: int) -> Iterator[int]:
    yield ancestor
    children: list[int] = []
    for task in Path(f"/proc/{ancestor}/task").iterdir():
        with contextlib.suppress(OSError):
            children += [int(word) for word in (task / "children").read_text().split()]
    for child in children:
        yield from _below(child)


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    try:
        return list(_below(pid))
    except OSError:
        return [pid]
