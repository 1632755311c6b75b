"""An agent's telephone: registers with its account, rings, is answered, talks, holds, hangs up, or drops off the net.

A small SIP user agent over UDP (RFC 3261, digest of RFC 2617) with an RTP socket of its own. Many of them live in one
event loop, and a test tells each what to do at the moment it wants it done.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

LOOPBACK = "127.0.0.1"
PATIENCE = 20.0
ALAW_SILENCE = b"\xd5" * 160
PACKET_SECONDS = 0.02
KEY_SECONDS = 0.2


@dataclass
class Ring:
    """One call that rang this telephone."""

    phone: SeatPhone
    invite: str  # the INVITE's text
    call_id: str
    rang_at: float
    over: asyncio.Event = field(default_factory=asyncio.Event)
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)  # the ACK has come
    tag: str = field(default_factory=lambda: secrets.token_hex(4))
    answered_at: float = 0.0
    cancelled: bool = False
    media: tuple[str, int] | None = None
    held: bool = False  # by the telephone's own key: it says nothing meanwhile

    @property
    def display(self) -> str:
        """What the display shows: the name in From."""
        found = re.search(r'(?mi)^From:\s*"([^"]*)"', self.invite)
        return found[1] if found else ""

    @property
    def dialled(self) -> str:
        """The number that was dialled."""
        found = re.match(r"INVITE sip:([^@]+)@", self.invite)
        return found[1] if found else ""

    @property
    def number(self) -> str:
        """The caller's number on the display."""
        found = re.search(r"(?mi)^From:[^<]*<sip:([^@>]+)@", self.invite)
        return found[1] if found else ""

    def answer(self) -> None:
        """Pick up."""
        self.answered_at = time.monotonic()
        self.phone.respond(self, 200, "OK", with_sound=True)

    def refuse(self, status: int = 486, reason: str = "Busy Here") -> None:
        """Press "reject"."""
        self.phone.respond(self, status, reason)

    def hang_up(self) -> None:
        """Put the receiver down."""
        self.phone.bye(self)

    def press(self, keys: str) -> None:
        """Keys, as SIP INFO requests."""
        for key in keys:
            self.phone.info(self, f"Signal={key}\r\nDuration=100\r\n")

    async def type(self, keys: str) -> None:
        """The same at the pace of a fast person."""
        for key in keys:
            self.press(key)
            await asyncio.sleep(KEY_SECONDS)

    def hold(self) -> None:
        """The telephone's own hold key: a new offer, in which nothing is received (RFC 3264 section 8.4)."""
        self.held = True
        self.phone.offer_anew(self, "sendonly")

    def resume(self) -> None:
        """… and back."""
        self.held = False
        self.phone.offer_anew(self, "sendrecv")

    async def ended(self) -> None:
        """Until the other side hung up, or gave up."""
        async with asyncio.timeout(PATIENCE):
            await self.over.wait()

    async def talks(self) -> None:
        """Until the answer is confirmed."""
        async with asyncio.timeout(PATIENCE):
            await self.confirmed.wait()


class SeatPhone(asyncio.DatagramProtocol):
    """One telephone. Made by ``seat_phone``."""

    def __init__(self, account: str, password: str, port: int) -> None:
        self.account = account
        self._password = password
        self._asterisk = (LOOPBACK, port)
        self._transport: asyncio.DatagramTransport
        self._rtp: asyncio.DatagramTransport
        self._registered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._register_id = secrets.token_hex(8)
        self._sequence = 0
        self.rings: asyncio.Queue[Ring] = asyncio.Queue()
        self.calls: dict[str, Ring] = {}
        self.on_ring: Callable[[Ring], None] | None = None  # instead of the queue
        self.heard = bytearray()  # A-law, of all calls
        self.packets: deque[tuple[float, bytes]] = deque(maxlen=500)  # the latest ten seconds of it
        self.voice = ALAW_SILENCE * 50  # a second that is said over and over
        self.dead = False  # off the net: hears and says nothing more
        self._speaking: asyncio.Task[None] | None = None

    # What a test does

    async def rung(self) -> Ring:
        """The next call that rings."""
        async with asyncio.timeout(PATIENCE):
            return await self.rings.get()

    async def register(self, expires: int = 600) -> int:
        """Log the telephone in at the registrar; the final status."""
        self._registered = asyncio.get_running_loop().create_future()
        self._sequence += 1
        self._send(self._register(expires))
        async with asyncio.timeout(PATIENCE):
            return await self._registered

    def vanish(self) -> None:
        """The line drops: from now on nothing is heard or said."""
        self.dead = True

    def come_back(self) -> None:
        """The line is there again."""
        self.dead = False

    def hum(self, sound: bytes) -> None:
        """Say this second over and over."""
        self.voice = sound

    def sound_since(self, at: float) -> bytes:
        """What came to the ear since then."""
        return b"".join(sound for heard_at, sound in self.packets if heard_at >= at)

    # SIP

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @property
    def _address(self) -> str:
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if self.dead:
            return
        text = data.decode("utf-8", "replace")
        first = text.split("\r\n", 1)[0]
        if first.startswith("SIP/2.0"):
            self._response(int(first.split()[1]), text)
            return
        method = first.split()[0]
        ring = self.calls.get(_header(text, "Call-ID"))
        if method == "INVITE":
            self._invited(text, ring)
        elif method == "ACK":
            if ring is not None and ring.answered_at:
                ring.confirmed.set()
        elif method in ("BYE", "CANCEL"):
            self._reply(text, 200, "OK", ring.tag if ring else "")
            if ring is not None:
                if method == "CANCEL":
                    ring.cancelled = True
                    self.respond(ring, 487, "Request Terminated")
                ring.over.set()
        else:  # OPTIONS (is it there?), INFO, UPDATE, NOTIFY
            self._reply(text, 200, "OK", secrets.token_hex(4))

    def _invited(self, text: str, ring: Ring | None) -> None:
        if ring is not None and ring.answered_at:  # a new offer within the talk
            ring.invite = text
            self.respond(ring, 200, "OK", with_sound=True)
            return
        if ring is not None:
            return  # said again, because the first answer was slow
        ring = Ring(self, text, _header(text, "Call-ID"), time.monotonic())
        body = text.partition("\r\n\r\n")[2]
        if media := re.search(r"m=audio (\d+)", body):
            ring.media = (LOOPBACK, int(media[1]))
        self.calls[ring.call_id] = ring
        self.respond(ring, 180, "Ringing")
        if self.on_ring:
            self.on_ring(ring)
        else:
            self.rings.put_nowait(ring)

    def respond(self, ring: Ring, status: int, reason: str, with_sound: bool = False) -> None:
        """Answer the INVITE of this call."""
        body = self._sound_offer() if with_sound else ""
        self._reply(ring.invite, status, reason, ring.tag, body)
        if with_sound and self._speaking is None:
            self._speaking = asyncio.get_running_loop().create_task(self._speak())

    def bye(self, ring: Ring) -> None:
        """End this call."""
        self._within(ring, "BYE", "", "")
        ring.over.set()

    def info(self, ring: Ring, body: str) -> None:
        """A key within this call."""
        self._within(ring, "INFO", "application/dtmf-relay", body)

    def offer_anew(self, ring: Ring, way: str) -> None:
        """Another offer within this call."""
        self._within(ring, "INVITE", "application/sdp", self._sound_offer().replace("sendrecv", way))

    def _within(self, ring: Ring, method: str, kind: str, body: str) -> None:
        self._sequence += 1
        target = re.search(r"<([^>]+)>", _header(ring.invite, "Contact"))
        to, me = _header(ring.invite, "From"), _header(ring.invite, "To")
        lines = [
            f"{method} {target[1] if target else f'sip:{LOOPBACK}'} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._address};branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: {me};tag={ring.tag}",
            f"To: {to}",
            f"Call-ID: {ring.call_id}",
            f"CSeq: {self._sequence} {method}",
            f"Contact: <sip:{self.account}@{self._address}>",
            "Max-Forwards: 70",
            *([f"Content-Type: {kind}"] if kind else []),
            f"Content-Length: {len(body)}",
        ]
        self._send("\r\n".join(lines) + "\r\n\r\n" + body)

    def _reply(self, request: str, status: int, reason: str, tag: str, body: str = "") -> None:
        vias = re.findall(r"(?mi)^Via:.*$", request)
        to = _header(request, "To")
        if tag and "tag=" not in to:
            to = f"{to};tag={tag}"
        lines = [
            f"SIP/2.0 {status} {reason}",
            *(via.strip() for via in vias),
            f"From: {_header(request, 'From')}",
            f"To: {to}",
            f"Call-ID: {_header(request, 'Call-ID')}",
            f"CSeq: {_header(request, 'CSeq')}",
            f"Contact: <sip:{self.account}@{self._address}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._send("\r\n".join(lines) + "\r\n\r\n" + body)

    def _sound_offer(self) -> str:
        port = self._rtp.get_extra_info("sockname")[1]
        return (
            f"v=0\r\no=seat 1 1 IN IP4 {LOOPBACK}\r\ns=-\r\nc=IN IP4 {LOOPBACK}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )

    def _register(self, expires: int, authorization: str = "") -> str:
        lines = [
            f"REGISTER sip:{LOOPBACK} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._address};branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: <sip:{self.account}@{LOOPBACK}>;tag={self._register_id}",
            f"To: <sip:{self.account}@{LOOPBACK}>",
            f"Call-ID: {self._register_id}",
            f"CSeq: {self._sequence} REGISTER",
            f"Contact: <sip:{self.account}@{self._address}>",
            f"Expires: {expires}",
            "Max-Forwards: 70",
            *([f"Authorization: {authorization}"] if authorization else []),
            "Content-Length: 0",
        ]
        return "\r\n".join(lines) + "\r\n\r\n"

    def _response(self, status: int, text: str) -> None:
        sequence = _header(text, "CSeq")
        if sequence.endswith("INVITE") and status >= 200:
            self._acknowledge(text)
        if "REGISTER" not in sequence:
            return
        if status == 401 and self._sequence % 2:
            self._sequence += 1
            challenge = _header(text, "WWW-Authenticate")
            realm, nonce = _quoted(challenge, "realm"), _quoted(challenge, "nonce")
            uri = f"sip:{LOOPBACK}"
            one = _md5(f"{self.account}:{realm}:{self._password}")
            two = _md5(f"REGISTER:{uri}")
            count, client = "00000001", secrets.token_hex(4)
            response = _md5(f"{one}:{nonce}:{count}:{client}:auth:{two}")
            self._send(
                self._register(
                    600,
                    f'Digest username="{self.account}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
                    f'response="{response}", algorithm=MD5, qop=auth, nc={count}, cnonce="{client}"',
                )
            )
        elif status >= 200 and not self._registered.done():
            self._sequence += self._sequence % 2  # the next one begins odd
            self._registered.set_result(status)

    def _acknowledge(self, answer: str) -> None:
        number = _header(answer, "CSeq").split()[0]
        lines = [
            f"ACK sip:{LOOPBACK} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._address};branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: {_header(answer, 'From')}",
            f"To: {_header(answer, 'To')}",
            f"Call-ID: {_header(answer, 'Call-ID')}",
            f"CSeq: {number} ACK",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        self._send("\r\n".join(lines) + "\r\n\r\n")

    def _send(self, text: str) -> None:
        if not self.dead:
            self._transport.sendto(text.encode(), self._asterisk)

    # Sound

    async def _speak(self) -> None:
        sequence, stamp, source = 0, 0, secrets.randbits(32)
        tick = time.monotonic()
        while True:
            place = sequence % 50 * len(ALAW_SILENCE)
            said = self.voice[place : place + len(ALAW_SILENCE)]
            for ring in list(self.calls.values()):
                talks = ring.answered_at and not ring.over.is_set() and not ring.held
                if talks and ring.media and not self.dead:
                    header = struct.pack("!BBHII", 0x80, 8, sequence & 0xFFFF, stamp & 0xFFFFFFFF, source)
                    self._rtp.sendto(header + said, ring.media)
            sequence, stamp = sequence + 1, stamp + 160
            tick += PACKET_SECONDS
            await asyncio.sleep(max(0.0, tick - time.monotonic()))


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, phone: SeatPhone) -> None:
        self._phone = phone

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if len(data) > 12 and data[1] & 0x7F == 8 and not self._phone.dead:
            self._phone.heard += data[12:]
            self._phone.packets.append((time.monotonic(), data[12:]))


@asynccontextmanager
async def seat_phone(
    account: str, password: str, port: int, register: bool = True, own_port: int = 0
) -> AsyncIterator[SeatPhone]:
    """A telephone with this account at the Asterisk on this port, registered. ``own_port``: where it is reached."""
    loop = asyncio.get_running_loop()
    _, phone = await loop.create_datagram_endpoint(
        lambda: SeatPhone(account, password, port), local_addr=(LOOPBACK, own_port)
    )
    phone._rtp, _ = await loop.create_datagram_endpoint(lambda: _Ear(phone), local_addr=(LOOPBACK, 0))
    try:
        if register:
            assert await phone.register() == 200, f"{account} cannot register"
        yield phone
    finally:
        phone.come_back()
        for ring in phone.calls.values():
            if ring.answered_at and not ring.over.is_set():
                ring.hang_up()
        if phone._speaking is not None:
            phone._speaking.cancel()
            await asyncio.gather(phone._speaking, return_exceptions=True)
        phone._transport.close()
        phone._rtp.close()


def _header(text: str, name: str) -> str:
    found = re.search(rf"(?mi)^{name}:\s*(.*?)\s*$", text)
    return found[1] if found else ""


def _quoted(text: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', text)
    return found[1] if found else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
