"""Are our ports free? Asked before anything is started, so that the answer names the setting and not a log file."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from ivr.config import Settings
from ivr.supervise.errors import PortTaken

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that Goldline listens on."""

    setting: str
    address: str
    port: int
    kind: str  # tcp or udp


def listeners(settings: Settings) -> Iterator[Listener]:
    """All fixed ones. RTP takes any free pair of its range and needs no check."""
    for kind in ("udp", "tcp"):
        yield Listener("sip", settings.sip.bind, settings.ports.at("sip"), kind)
    yield Listener("sips", settings.sip.bind, settings.ports.at("sips"), "tcp")
    yield Listener("ws", settings.sip.browser_bind, settings.ports.at("ws"), "tcp")
    yield Listener("wss", settings.sip.browser_bind, settings.ports.at("wss"), "tcp")
    yield Listener("ami", LOOPBACK, settings.ports.at("ami"), "tcp")
    yield Listener("agi", LOOPBACK, settings.ports.at("agi"), "tcp")
    yield Listener("http", LOOPBACK, settings.ports.at("http"), "tcp")


def obstacle(one: Listener) -> str:
    """Why we cannot listen there; empty when we can."""
    kind = socket.SOCK_DGRAM if one.kind == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if one.kind == "tcp":  # connections of the run before, in TIME_WAIT, are no obstacle
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((one.address, one.port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def check(settings: Settings) -> None:
    """Raises PortTaken, naming every port that is held and the setting to change."""
    held = [(one, why) for one in listeners(settings) if (why := obstacle(one))]
    if not held:
        return
    lines = [f"  {one.address}:{one.port}/{one.kind} (ports.{one.setting}): {why}" for one, why in held]
    offset = settings.ports.offset + 100
    raise PortTaken(
        "Goldline cannot listen on:\n" + "\n".join(lines) + "\n",
        remedy="Stop the program that holds it (ss -lntup shows which), or move all ports: "
        f"GOLDLINE_PORTS__OFFSET={offset}; one port alone: GOLDLINE_PORTS__{held[0][0].setting.upper()}=…",
    )
