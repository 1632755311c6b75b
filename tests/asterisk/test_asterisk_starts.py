"""A real Asterisk starts with our configuration: quiet log, intended rights, intended ports, no orphans."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from conftest import RunningAsterisk, lives, settings_for, start_asterisk

from ivr import contract
from ivr.asterisk import sandbox

pytestmark = pytest.mark.asterisk

# Lines that Asterisk writes at every healthy start, and why each is none of our business.
HARMLESS: list[str] = []


class Manager:
    """The smallest AMI client: independent of our own, so that it can judge the rights alone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, **headers: str) -> None:
        self.writer.write(("".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode())
        await self.writer.drain()

    async def block(self) -> dict[str, str]:
        async with asyncio.timeout(10):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        return dict(line.split(": ", 1) for line in text.split("\r\n") if ": " in line)

    async def ask(self, **headers: str) -> dict[str, str]:
        await self.send(**headers, ActionID="mine")
        while (answer := await self.block()).get("ActionID") != "mine" or "Response" not in answer:
            pass
        return answer

    async def event(self, name: str) -> dict[str, str]:
        while (answer := await self.block()).get("Event") != name:
            pass
        return answer


@contextlib.asynccontextmanager
async def logged_in(asterisk: RunningAsterisk, account: str) -> AsyncIterator[Manager]:
    secret = {
        contract.AMI_EVENTS: asterisk.secrets.ami_events,
        contract.AMI_ACTIONS: asterisk.secrets.ami_actions,
        contract.AMI_MONITOR: asterisk.secrets.ami_monitor,
    }[account]
    reader, writer = await asyncio.open_connection("127.0.0.1", asterisk.port("ami"))
    try:
        assert (await reader.readline()).startswith(b"Asterisk Call Manager/")
        manager = Manager(reader, writer)
        assert (await manager.ask(Action="Login", Username=account, Secret=secret))["Response"] == "Success"
        yield manager
    finally:
        writer.close()
        await writer.wait_closed()


def test_the_log_of_a_start_holds_no_warning(asterisk: RunningAsterisk) -> None:
    lines = asterisk.log.read_text("utf-8").splitlines()
    booted = [
        line for line in lines if re.search(r"\b(WARNING|ERROR)\[\d+\] (loader|config|pbx_config|res_pjsip)", line)
    ]
    assert [line for line in booted if not any(re.search(one, line) for one in HARMLESS)] == []


def test_every_module_we_load_runs(asterisk: RunningAsterisk) -> None:
    table = asterisk.cli("module show")
    wanted = re.findall(r"^load = (\S+)", (asterisk.layout.etc_dir / "modules.conf").read_text(), re.MULTILINE)
    running = {line.split()[0] for line in table.splitlines() if " Running " in line and " Not Running " not in line}
    assert set(wanted) - running == set()


def test_only_the_intended_ports_listen_and_only_on_loopback(asterisk: RunningAsterisk) -> None:
    def listening(kind: str, state: str) -> set[tuple[str, int]]:
        # The network is shared, so the sockets are told apart by whose file descriptors hold them.
        held = {str(fd.readlink()) for pid in family(asterisk.process.pid) for fd in descriptors(pid)}
        found = set()
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in held and words[3] == state:
                address, port = words[1].split(":")
                found.add((address, int(port, 16)))
        return found

    loopback = "0100007F"
    ports = {name: asterisk.port(name) for name in ("sip", "sips", "ws", "wss", "ami")}
    assert listening("tcp", "0A") == {(loopback, port) for port in ports.values()}
    # PJSIP keeps one socket per address family for its questions to DNS servers (config_system.c);
    # it takes answers to those only.
    clients_begin_at = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    udp = listening("udp", "07")
    assert {one for one in udp if one[1] < clients_begin_at} == {(loopback, ports["sip"])}
    assert len(udp) <= 2
    assert listening("tcp6", "0A") == set()
    assert [one for one in listening("udp6", "07") if one[1] < clients_begin_at] == []


def family(pid: int) -> set[int]:
    """The process and all below it."""
    found, fresh = {pid}, {pid}
    while fresh:
        children = set()
        for one in fresh:
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{one}/task").iterdir():
                    children |= {int(word) for word in (task / "children").read_text().split()}
        fresh = children - found
        found |= fresh
    return found


def descriptors(pid: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                fd.readlink()
                yield fd


FORBIDDEN = [
    (contract.AMI_EVENTS, {"Action": "Command", "Command": "core show version"}),
    (contract.AMI_EVENTS, {"Action": "Originate", "Channel": "Local/s@goldline-self", "Application": "Wait"}),
    (contract.AMI_EVENTS, {"Action": "Hangup", "Channel": "all"}),
    (contract.AMI_EVENTS, {"Action": "Setvar", "Variable": "X", "Value": "1"}),
    (contract.AMI_ACTIONS, {"Action": "Command", "Command": "core stop now"}),
    (contract.AMI_ACTIONS, {"Action": "UpdateConfig", "SrcFilename": "manager.conf", "DstFilename": "manager.conf"}),
    (contract.AMI_ACTIONS, {"Action": "ModuleLoad", "LoadType": "reload"}),
    (contract.AMI_ACTIONS, {"Action": "DBPut", "Family": "x", "Key": "y", "Val": "z"}),
    (contract.AMI_MONITOR, {"Action": "Command", "Command": "core show version"}),
    (contract.AMI_MONITOR, {"Action": "Originate", "Channel": "Local/s@goldline-self", "Application": "Wait"}),
    (contract.AMI_MONITOR, {"Action": "Hangup", "Channel": "all"}),
    (contract.AMI_MONITOR, {"Action": "Setvar", "Variable": "ENTITYID", "Value": "x"}),
    (contract.AMI_MONITOR, {"Action": "UserEvent", "UserEvent": "x"}),
    (contract.AMI_MONITOR, {"Action": "Redirect", "Channel": "all", "Context": "x", "Exten": "s", "Priority": "1"}),
]


@pytest.mark.parametrize(
    ("account", "action"), FORBIDDEN, ids=lambda one: one if isinstance(one, str) else one["Action"]
)
async def test_what_an_account_may_not_do(asterisk: RunningAsterisk, account: str, action: dict[str, str]) -> None:
    async with logged_in(asterisk, account) as manager:
        answer = await manager.ask(**action)
    assert (answer["Response"], answer["Message"]) == ("Error", "Permission denied")


@pytest.mark.parametrize(
    ("account", "action"),
    [
        (contract.AMI_EVENTS, "CoreShowChannels"),
        (contract.AMI_EVENTS, "DeviceStateList"),
        (contract.AMI_ACTIONS, "CoreStatus"),
        (contract.AMI_MONITOR, "Ping"),
    ],
)
async def test_what_an_account_may_do(asterisk: RunningAsterisk, account: str, action: str) -> None:
    async with logged_in(asterisk, account) as manager:
        assert (await manager.ask(Action=action))["Response"] == "Success"


async def test_a_system_application_cannot_be_originated(asterisk: RunningAsterisk) -> None:
    async with logged_in(asterisk, contract.AMI_ACTIONS) as manager:
        answer = await manager.ask(
            Action="Originate", Channel="Local/s@goldline-self", Application="System", Data="true", Async="true"
        )
    assert answer["Response"] == "Error"


async def test_a_wrong_secret_is_refused_and_stands_in_the_security_log(asterisk: RunningAsterisk) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", asterisk.port("ami"))
    await reader.readline()
    manager = Manager(reader, writer)
    answer = await manager.ask(Action="Login", Username=contract.AMI_MONITOR, Secret="guess")
    writer.close()
    await writer.wait_closed()
    assert answer["Response"] == "Error"
    async with asyncio.timeout(10):
        while contract.AMI_MONITOR not in asterisk.layout.security_log.read_text("utf-8"):
            await asyncio.sleep(0.05)


async def test_each_account_hears_what_it_needs_and_no_key_that_was_pressed(asterisk: RunningAsterisk) -> None:
    number = asterisk.settings.sip.number
    async with (
        logged_in(asterisk, contract.AMI_EVENTS) as events,
        logged_in(asterisk, contract.AMI_ACTIONS) as actions,
        logged_in(asterisk, contract.AMI_MONITOR) as monitor,
    ):
        answer = await actions.ask(
            Action="Originate",
            Channel=f"PJSIP/{number}@{contract.ENDPOINT_SELF}",
            Context=contract.CONTEXT_SELF,
            Exten="s",
            Priority="1",
            ChannelId="rights-1",
            CallerID="13800138000",
            Async="true",
            Timeout="15000",
        )
        assert answer["Response"] == "Success"
        heard: list[dict[str, str]] = []
        while True:  # nobody serves AGI here: the dialplan answers and plays music
            heard.append(await events.block())
            if heard[-1].get("Event") == "MusicOnHoldStart":
                break
        # The hotline's side sees the caller ID that the try was given.
        assert any(one.get("CallerIDNum") == "13800138000" and one.get("Exten") == number for one in heard)
        response = await actions.event("OriginateResponse")
        assert (response["Uniqueid"], response["Response"]) == ("rights-1", "Success")
        assert (await actions.ask(Action="PlayDTMF", Channel="rights-1", Digit="6"))["Response"] == "Success"
        assert (await actions.ask(Action="Hangup", Channel="rights-1"))["Response"] == "Success"
        hung_up = 0
        while hung_up < 2:
            heard.append(await events.block())
            hung_up += heard[-1].get("Event") == "Hangup"
        assert (await monitor.event("Hangup"))["Event"] == "Hangup"
    names = {one.get("Event") for one in heard}
    assert {"Newchannel", "Hangup", "MusicOnHoldStart"} <= names
    assert not any(name and re.match(r"DTMF|AGIExec|VarSet|RTCP|Newexten", name) for name in names)
    assert all(
        one["Uniqueid"].startswith((asterisk.secrets.system_name, "rights-1")) for one in heard if "Uniqueid" in one
    )


def test_files_are_for_the_owner_only(asterisk: RunningAsterisk) -> None:
    for path in [asterisk.layout.run_dir, *asterisk.layout.run_dir.rglob("*")]:
        if path.exists() and asterisk.layout.run_dir / "sounds" not in path.parents:  # anybody may hear those
            assert path.stat().st_mode & 0o077 == 0, path


LAUNCHER = """
import sys, time
sys.path[:0] = [{tests!r}, {root!r}]
from pathlib import Path
from conftest import settings_for, start_asterisk
running = start_asterisk(settings_for(Path({run_dir!r})))
print(running.process.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_parent_leaves_nothing(asterisk: RunningAsterisk) -> None:
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="goldline-") as run_dir:
        code = LAUNCHER.format(tests=str(here), root=str(here.parents[1]), run_dir=run_dir)
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        pids = family(int(parent.stdout.readline()))
        assert len(pids) >= 1
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        wait_until_gone(pids)


def test_it_stops_in_order_and_can_be_started_again(asterisk: RunningAsterisk) -> None:
    with tempfile.TemporaryDirectory(prefix="goldline-") as run_dir:
        running = start_asterisk(settings_for(Path(run_dir)))
        pids = family(running.process.pid)
        running.process.stop()
        assert running.process.exit_code == 0
        wait_until_gone(pids)
        running.process.launch()
        running.process.wait_until_booted()
        assert "Asterisk" in running.cli("core show version")
        running.process.stop()


def test_where_no_sandbox_is_allowed_it_runs_plainly_and_without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "is_possible", lambda: False)
    with tempfile.TemporaryDirectory(prefix="goldline-") as run_dir:
        running = start_asterisk(settings_for(Path(run_dir)))
        status = Path(f"/proc/{running.process.pid}/status").read_text("utf-8")
        assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE) or os.geteuid() != 0
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        assert "chan_pjsip.so" in running.cli("module show like chan_pjsip")
        pids = family(running.process.pid)
        running.process.stop()
        assert running.process.exit_code == 0
        wait_until_gone(pids)


def test_in_the_sandbox_it_sees_nothing_of_the_machine(asterisk: RunningAsterisk) -> None:
    if not sandbox.is_possible():
        pytest.fail("no sandbox here: install bubblewrap and allow user namespaces", pytrace=False)
    asterisk_pid = next(
        pid for pid in family(asterisk.process.pid) if Path(f"/proc/{pid}/comm").read_text() == "asterisk\n"
    )
    status = Path(f"/proc/{asterisk_pid}/status").read_text("utf-8")
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert re.search(rf"^{name}:\s+0+$", status, re.MULTILINE)
    root = Path(f"/proc/{asterisk_pid}/root")
    if os.geteuid() == 0:  # only root may look through that door
        assert {path.name for path in (root / "etc").iterdir()} <= {*sandbox.ETC_FILES, *SANDBOX_ETC}
        assert not (root / "home").exists()
        assert not (root / "etc/shadow").exists()


SANDBOX_ETC = {"resolv.conf", "localtime", "ld.so.cache", "alternatives"}


def wait_until_gone(pids: set[int], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while any(lives(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {pids}"
        time.sleep(0.02)
