"""The callers' ears: one UDP socket per caller, where Asterisk sends its sound.

SIPp announces these ports and does not bind them. A few callers are listened to from beginning to end; the others'
sound fills the first seconds of a small buffer, and what comes after is dropped and counted by the kernel: nearly free,
and it still tells for every caller how much came and whether its beginning was sound. Knows no SIP.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PORT_STEP = 4  # SIPp's [auto_media_port] gives each call four ports (call.cpp)
SIPP_PORTS = 8  # what SIPp keeps for itself below the callers' ports; caller.xml adds it, too
PORTS = (22000, 24000)  # where the row of them may begin
BUFFER_BYTES = 64 * 1024  # about three seconds of sound
PACKET_SECONDS = 0.02
RTP_HEADER_BYTES = 12
PCMA = 8
LOUDEST_SILENCE = 0x20  # A-law: the two lowest of its eight segments are quieter than a line's own noise
LOUD = bytes(byte for byte in range(256) if ((byte ^ 0x55) & 0x7F) >= LOUDEST_SILENCE)
NO_AUDIO = 0.05  # a prompt whose samples are loud in less than this share is silence with a click in it


@dataclass(frozen=True, slots=True)
class Heard:
    """What one caller heard."""

    packets: int
    lost: int  # gaps in the sequence numbers; only for a caller who was listened to
    loud_share: float  # of the sound that was looked at
    looked_at: int  # packets

    @property
    def seconds(self) -> float:
        """Of sound."""
        return self.packets * PACKET_SECONDS

    @property
    def silent(self) -> bool:
        """Nothing came, or nothing that can be heard."""
        return self.loud_share < NO_AUDIO


class Ears:
    """As many as there are callers; caller ``n`` has port ``sipp_port + 8 + 4 n``."""

    def __init__(self, callers: int, listened: int) -> None:
        """The first and last callers and some between them, ``listened`` in all, are listened to."""
        self._first, self._sockets = _bound(callers)
        step = max(callers // listened, 1)
        self._full = set(range(0, callers, step))
        self._sound: dict[int, list[bytes]] = {index: [] for index in range(callers)}

    def listen(self) -> None:
        """Begin, on the running event loop."""
        loop = asyncio.get_running_loop()
        for index in self._full:
            loop.add_reader(self._sockets[index].fileno(), self._take, index)

    def close(self) -> None:
        """End."""
        loop = asyncio.get_running_loop()
        for index, ear in enumerate(self._sockets):
            if index in self._full:
                loop.remove_reader(ear.fileno())
            ear.close()

    def heard(self) -> dict[int, Heard]:
        """By caller. Call it when all have hung up, before ``close``."""
        dropped = _dropped()
        heard = {}
        for index in range(len(self._sockets)):
            self._take(index)
            packets = self._sound[index]
            unread = dropped.get(self._first + PORT_STEP * index, 0)
            sound = b"".join(packet[RTP_HEADER_BYTES:] for packet in packets)
            heard[index] = Heard(
                packets=len(packets) + unread,
                lost=lost(packets) if index in self._full else 0,
                loud_share=loud_share(sound),
                looked_at=len(packets),
            )
        return heard

    @property
    def sipp_port(self) -> int:
        """For SIPp's ``-mp``: it binds that one and the second after it, the callers' begin SIPP_PORTS above."""
        return self._first - SIPP_PORTS

    @property
    def listened(self) -> set[int]:
        """The callers who are listened to from beginning to end."""
        return self._full

    def _take(self, index: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self._sockets[index].recv(2048)
                if len(packet) > RTP_HEADER_BYTES and packet[1] & 0x7F == PCMA:
                    self._sound[index].append(packet)


def _bound(callers: int) -> tuple[int, list[socket.socket]]:
    for _ in range(50):
        first = random.randrange(*PORTS, 2)
        sockets: list[socket.socket] = []
        try:
            for index in range(callers):
                ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sockets.append(ear)
                ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
                ear.setblocking(False)
                ear.bind((HOST, first + PORT_STEP * index))
        except OSError:
            for ear in sockets:
                ear.close()
            continue
        return first, sockets
    raise OSError("no row of free ports for the callers' sound")


def _dropped() -> dict[int, int]:
    """Packets that found a full buffer, by local port (proc(5), net/udp: the last column)."""
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return {int(row[1].rpartition(":")[2], 16): int(row[-1]) for row in rows}


def loud_share(sound: bytes) -> float:
    """The share of A-law samples that can be heard."""
    return (len(sound) - len(sound.translate(None, LOUD))) / len(sound) if sound else 0.0


def lost(packets: list[bytes]) -> int:
    """Packets missing from a stream, by their sequence numbers."""
    numbers = [int.from_bytes(packet[2:4], "big") for packet in packets]
    # A marker begins a new stretch of sound, which may begin at any number.
    marked = [bool(packet[1] & 0x80) for packet in packets]
    return sum(
        (after - before - 1) % 65536
        for before, after, mark in zip(numbers, numbers[1:], marked[1:], strict=False)
        if not mark
    )
