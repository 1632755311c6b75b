"""A caller's telephone for tests: SIPp speaks SIP, this module listens and presses keys.

Between SIPp and Asterisk stands a relay of a few lines: it lets the test see every message at the moment it passes,
and tell SIPp to go on (``caller.xml``). The sound comes to a socket of our own, so that a test knows what the caller
heard, byte by byte; keys leave it as telephone events (RFC 4733) among the silence that a real telephone sends.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import random
import re
import secrets
import socket
import struct
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ivr.speech.audio import alaw

SCENARIO = Path(__file__).with_name("caller.xml")
LOOPBACK = "127.0.0.1"
PATIENCE = 40.0  # seconds; a loaded machine is slow, and nothing here waits that long when all is well

LAST_SECONDS = 3.0  # for hanging up after a test that failed

ALAW, EVENTS = 8, 96  # payload types; 96 is what SIPp's own telephone events use, too
PACKET_SECONDS = 0.02
PACKET_SAMPLES = 160  # at 8 kHz
SILENT_PACKET = bytes([alaw.SILENCE]) * PACKET_SAMPLES
TONE_PACKETS = 4  # 80 ms; a receiver must recognise 40 (ITU-T Q.24)
PAUSE_PACKETS = 3  # 60 ms: a fast person
EVENT_CODES = {key: code for code, key in enumerate("0123456789*#")}  # RFC 4733 section 3.2
AUDIBLE_RMS = 300  # of 32,767; line noise is below 50, speech at the hotline's level above 2,000

_numbers = itertools.count(secrets.randbelow(10**6) * 1000)


def fresh_number() -> str:
    """A caller's number that no other call of this run has."""
    return f"139{next(_numbers) % 10**9:09d}"


class Ear:
    """All that came to a caller's ear, A-law, and when. Twenty callers may listen to minutes at once in one process:
    whoever waits for a sound looks only at what is new, or the telephones would fall behind what they hear."""

    def __init__(self) -> None:
        self.sound = bytearray()
        self._at: list[float] = []  # time.monotonic() of each packet …
        self._begins: list[int] = []  # … and where it begins

    def take(self, sound: bytes) -> None:
        """A packet has come."""
        self._at.append(time.monotonic())
        self._begins.append(len(self.sound))
        self.sound += sound

    def between(self, since: float, until: float) -> bytes:
        """What came in that time."""
        return bytes(self.sound[self._place(since) : self._place(until)])

    def _place(self, at: float) -> int:
        packet = bisect.bisect_left(self._at, at)
        return self._begins[packet] if packet < len(self._begins) else len(self.sound)


class _Relay(asyncio.DatagramProtocol):
    """Hands on what SIPp says to Asterisk and the other way round."""

    def __init__(self, phone: Phone, sipp: tuple[str, int], asterisk: tuple[str, int]) -> None:
        self.phone, self.sipp, self.asterisk = phone, sipp, asterisk
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        if address[1] == self.asterisk[1]:
            self.phone.passed(data.decode("utf-8", "replace"))
            self.transport.sendto(data, self.sipp)
        else:
            self.transport.sendto(data, self.asterisk)


class _Ear(asyncio.DatagramProtocol):
    """Where the sound comes in."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        if len(data) > 12 and data[1] & 0x7F == ALAW:
            self.phone.ear.take(data[12:])


class Phone:
    """One caller. Made by ``dialled``."""

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.ear = Ear()
        self.trying = asyncio.Event()  # Asterisk works on the call, nobody has answered yet
        self.answered = asyncio.Event()
        self.hung_up_on = asyncio.Event()  # the hotline ended the call
        self.status = 0  # the final answer to the call
        self.answered_at = 0.0
        self._cid = f"call-{secrets.token_hex(8)}"
        self._relay: _Relay
        self._socket: _Ear
        self._media: tuple[str, int] | None = None
        self._voice: deque[bytes] = deque()
        self._hum = [SILENT_PACKET]
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._speaking: asyncio.Task[None] | None = None
        self._sipp: asyncio.subprocess.Process

    def passed(self, message: str) -> None:
        """A SIP message came from Asterisk."""
        first, _, rest = message.partition("\r\n")
        if first.startswith("SIP/2.0 ") and re.search(r"(?mi)^CSeq: *1 INVITE", rest):
            status = int(first.split()[1])
            if status == 100:
                self.trying.set()
            elif status >= 200:
                self.status = status
                if status == 200 and (media := re.search(r"m=audio (\d+)", rest)):
                    self._media = (LOOPBACK, int(media[1]))
                    self.answered_at = self.answered_at or time.monotonic()
                    self.answered.set()
        elif first.startswith("BYE "):
            self.hung_up_on.set()

    def hang_up(self) -> None:
        """Put the receiver down; before the answer that is a CANCEL."""
        self._tell("HANGUP")

    def press_by_info(self, key: str) -> None:
        """A key as a SIP INFO request."""
        self._tell("PRESS", f"Signal={key}\r\n")

    def press(self, keys: str) -> None:
        """Keys as telephone events, one after the other at the pace of a fast person. Returns at once."""
        for key in keys:
            self._keys.put_nowait(key)

    async def pressed(self) -> None:
        """Until all keys are out."""
        await self._keys.join()

    async def over(self) -> int:
        """Until the telephone is back on the hook: SIPp's exit code, 0 when the call went by the book."""
        async with asyncio.timeout(PATIENCE):
            return await self._sipp.wait()

    def sound(self, since: float = 0.0, until: float = float("inf")) -> bytes:
        """What was heard in that time, A-law, without the pauses in which nothing came."""
        return self.ear.between(since, until)

    def speak(self, sound: bytes) -> None:
        """Send A-law sound of the caller's own instead of silence. Returns at once."""
        for at in range(0, len(sound), PACKET_SAMPLES):
            self._voice.append(sound[at : at + PACKET_SAMPLES].ljust(PACKET_SAMPLES, SILENT_PACKET[:1]))

    def hum(self, sound: bytes) -> None:
        """Say this second over and over."""
        self._hum = [sound[at : at + PACKET_SAMPLES] for at in range(0, len(sound), PACKET_SAMPLES)]

    def sound_since(self, at: float) -> bytes:
        """What came to the ear since then."""
        return self.ear.between(at, float("inf"))

    async def hears(self, sound: bytes, since: int = 0) -> int:
        """Until ``sound`` was heard, after so many bytes; where it ended."""
        deadline = time.monotonic() + PATIENCE
        heard = self.ear.sound
        while (place := heard.find(sound, since)) < 0:
            assert time.monotonic() < deadline, f"not heard: {seconds(sound):.1f} s of {seconds(heard):.1f} s"
            since = max(since, len(heard) - len(sound) + 1)  # it is not in what was there
            await asyncio.sleep(0.05)
        return place + len(sound)

    async def hears_more(self, more: float) -> None:
        """Until so many seconds more were heard."""
        deadline = time.monotonic() + PATIENCE
        wanted = len(self.ear.sound) + more * 8000
        while len(self.ear.sound) < wanted:
            assert time.monotonic() < deadline, "silence"
            await asyncio.sleep(0.05)

    def _tell(self, method: str, body: str = "") -> None:
        text = (
            f"{method} sip:caller@{LOOPBACK} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {LOOPBACK};branch=z9hG4bK{secrets.token_hex(8)}\r\n"
            f"From: <sip:test@{LOOPBACK}>\r\nTo: <sip:caller@{LOOPBACK}>\r\n"
            f"Call-ID: {self._cid}\r\nCSeq: 1 {method}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        self._relay.transport.sendto(text.encode(), self._relay.sipp)

    async def _speak(self) -> None:
        """A packet every 20 ms: silence, or the key that is pressed."""
        sequence, stamp, source = secrets.randbits(15), secrets.randbits(31), secrets.randbits(32)
        key, left = "", 0
        tick = time.monotonic()
        while True:
            if self._media:
                if not left and not key and not self._keys.empty():
                    key, left, began = self._keys.get_nowait(), TONE_PACKETS, stamp
                if key:
                    done = TONE_PACKETS - left + 1
                    last = done == TONE_PACKETS
                    event = struct.pack("!BBH", EVENT_CODES[key], 10 | (0x80 if last else 0), done * PACKET_SAMPLES)
                    for _ in range(3 if last else 1):  # the end is said three times (RFC 4733 section 2.5.1.4)
                        self._send(EVENTS | (0x80 if done == 1 else 0), sequence, began, source, event)
                        sequence += 1
                    left -= 1
                    if last:
                        key, left = "", -PAUSE_PACKETS
                        self._keys.task_done()
                else:
                    said = self._voice.popleft() if self._voice else self._hum[sequence % len(self._hum)]
                    self._send(ALAW, sequence, stamp, source, said)
                    sequence += 1
                    left = min(left + 1, 0)
            stamp += PACKET_SAMPLES
            # After a slow moment of ours it goes on at its pace: no telephone presses keys in a burst to catch up.
            tick = max(tick + PACKET_SECONDS, time.monotonic())
            await asyncio.sleep(max(0.0, tick - time.monotonic()))

    def _send(self, kind: int, sequence: int, stamp: int, source: int, payload: bytes) -> None:
        header = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, stamp & 0xFFFFFFFF, source)
        self._socket.transport.sendto(header + payload, self._media)

    async def _begin(self, number: str, port: int, from_header: bytes, events: bool, place: Path) -> None:
        loop = asyncio.get_running_loop()
        _, self._socket = await loop.create_datagram_endpoint(lambda: _Ear(self), local_addr=(LOOPBACK, 0))
        sipp = _free_port()
        _, self._relay = await loop.create_datagram_endpoint(
            lambda: _Relay(self, sipp, (LOOPBACK, port)), local_addr=(LOOPBACK, 0)
        )
        self._sipp = await asyncio.create_subprocess_exec(
            *("sipp", f"{LOOPBACK}:{self._relay.transport.get_extra_info('sockname')[1]}", "-sf", str(SCENARIO)),
            *("-s", number, "-i", LOOPBACK, "-p", str(sipp[1]), "-cid_str", self._cid, "-m", "1", "-nostdin"),
            *("-key", "sound_port", str(self._socket.transport.get_extra_info("sockname")[1])),
            *("-key", "payloads", f"{ALAW} {EVENTS}" if events else str(ALAW)),
            *("-key", "events", f"a=rtpmap:{EVENTS} telephone-event/8000" if events else "a=sendrecv"),
            *("-key", "from", from_header),
            *("-trace_err", "-error_file", str(place / f"{self._cid}.log"), "-timeout", "240s"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=place,
        )
        self._speaking = loop.create_task(self._speak())

    async def _end(self) -> None:
        if self._speaking:
            self._speaking.cancel()
            await asyncio.gather(self._speaking, return_exceptions=True)
        if self._sipp.returncode is None:
            self.hang_up()  # the test has failed; its call shall not disturb the next one's
            try:
                async with asyncio.timeout(LAST_SECONDS):
                    await self._sipp.wait()
            except TimeoutError:
                self._sipp.kill()
                await self._sipp.wait()
        for transport in (self._socket.transport, self._relay.transport):
            transport.close()


@asynccontextmanager
async def dialled(
    port: int, number: str = "95500", *, caller: str = "", from_header: bytes = b"", events: bool = True
) -> AsyncIterator[Phone]:
    """A call to ``number`` at Asterisk's SIP ``port``, as a trunk would bring it.

    ``from_header`` is used as it is. Without ``events`` the telephone knows no telephone events (keys then go by INFO).
    """
    caller = caller or fresh_number()
    phone = Phone(caller)
    with tempfile.TemporaryDirectory(prefix="sipp-") as place:
        header = from_header or f"<sip:{caller}@{LOOPBACK}>".encode()
        await phone._begin(number, port, header, events, Path(place))
        try:
            yield phone
        finally:
            await phone._end()


# Below the range from which the kernel gives ports to sockets that ask for any (32768 on), and below conftest's: many
# stories run at once, and between our look and SIPp's bind one of their sockets would now and then be given the port.
_PORTS = itertools.cycle(random.sample(range(12_000, 20_000), 8_000))


def _free_port() -> tuple[str, int]:
    """An address for SIPp that no other telephone of this process gets."""
    for port in _PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            try:
                one.bind((LOOPBACK, port))
            except OSError:
                continue
        return LOOPBACK, port
    raise AssertionError("endless")


def rms(sound: bytes) -> float:
    """How loud it is: 0 to 32,767."""
    samples = alaw.decode(sound).astype(np.float64)
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def seconds(sound: bytes | bytearray) -> float:
    """How long it is."""
    return len(sound) / 8000


def tones(keys: str) -> bytes:
    """Keys as tones in the sound itself (ITU-T Q.23), A-law, at the pace of ``Phone.press``."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    time_axis = np.arange(TONE_PACKETS * PACKET_SAMPLES) / 8000
    sound = b""
    for key in keys:
        row, column = divmod("123456789*0#".index(key), 3)
        wave = np.sin(2 * np.pi * rows[row] * time_axis) + np.sin(2 * np.pi * columns[column] * time_axis)
        sound += alaw.encode((wave * 7000).astype(np.int16)) + SILENT_PACKET * PAUSE_PACKETS
    return sound
