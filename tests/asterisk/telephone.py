"""A telephone with an account, on any road into Asterisk: UDP, TCP, TLS, WebSocket, WebSocket over TLS.

It registers, dials, presses keys and is rung. A small SIP user agent (RFC 3261, digests of RFC 7616 section 3.4 with
MD5, WebSocket of RFC 7118) that knows nothing of Goldline: what it is refused, any telephone is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiohttp
from sipp import ALAW, EVENTS, LOOPBACK, PACKET_SAMPLES, PACKET_SECONDS, PATIENCE, SILENT_PACKET

Road = Literal["udp", "tcp", "tls", "ws", "wss"]
# Of an SRTP key as SDES writes it (RFC 4568): 30 bytes in base64.
CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"

CLOSE_SECONDS = 0.5  # for the other side's goodbye on a WebSocket


class _Line:
    """Whole SIP messages, to Asterisk and from it."""

    def __init__(self, road: Road, heard: Callable[[str], None]) -> None:
        self.road = road
        self.heard = heard
        self.port = 0  # ours
        self.send: Callable[[str], None]
        self._end = contextlib.AsyncExitStack()
        self._reading: asyncio.Task[None] | None = None

    async def open(self, port: int, certificate: Path | None) -> None:
        tls = ssl.create_default_context(cafile=certificate) if certificate else None
        if self.road == "udp":
            await self._open_udp(port)
        elif self.road in ("tcp", "tls"):
            reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=tls)
            self._end.callback(writer.transport.abort)  # Asterisk does not answer TLS's goodbye: no use in waiting
            self.port = writer.get_extra_info("sockname")[1]
            self.send = lambda text: writer.write(text.encode())
            self._reading = asyncio.create_task(self._read(reader))
        else:
            http = await self._end.enter_async_context(aiohttp.ClientSession())
            url = f"{self.road}://{LOOPBACK}:{port}/ws"
            farewell = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)
            opened = http.ws_connect(url, protocols=["sip"], ssl=tls or True, timeout=farewell)
            socket = await self._end.enter_async_context(opened)
            sent: set[asyncio.Task[None]] = set()

            def send(text: str) -> None:
                task = asyncio.ensure_future(socket.send_str(text))
                sent.add(task)
                task.add_done_callback(sent.discard)

            self.send = send
            self._reading = asyncio.create_task(self._read_frames(socket))

    async def close(self) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._end.aclose()

    async def _open_udp(self, port: int) -> None:
        line = self

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, address: Any) -> None:
                line.heard(data.decode("utf-8", "replace"))

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Datagrams, local_addr=(LOOPBACK, 0), remote_addr=(LOOPBACK, port)
        )
        self._end.callback(transport.close)
        self.port = transport.get_extra_info("sockname")[1]
        self.send = lambda text: transport.sendto(text.encode())

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lstrip("\r\n")  # blank lines keep a connection alive
            if head:
                body = await reader.readexactly(int(header(head, "Content-Length") or 0))
                self.heard(head + body.decode())

    async def _read_frames(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            self.heard(frame.data if isinstance(frame.data, str) else frame.data.decode())


@dataclass
class Dialled:
    """One call that this telephone made."""

    phone: Telephone
    number: str
    id: str
    tag: str
    status: asyncio.Future[int]  # the final answer
    over: asyncio.Event
    answer: str = ""  # the text of the 200
    bye: str = ""  # of the other side's goodbye
    sequence: int = 1

    async def answered(self) -> str:
        """Until somebody picks up; the text of the answer."""
        async with asyncio.timeout(PATIENCE):
            assert await self.status == 200
        return self.answer

    async def ended(self) -> None:
        """Until the other side hangs up."""
        async with asyncio.timeout(PATIENCE):
            await self.over.wait()

    def press(self, keys: str) -> None:
        """Keys, at the pace of a fast person."""
        for key in keys:
            self.phone.keys.put_nowait(key)

    async def hears(self, sound: bytes) -> None:
        """Until all of this was heard (but for silence at its end), after what was heard before."""
        sound = sound.rstrip(SILENT_PACKET[:1])
        deadline = time.monotonic() + PATIENCE
        while (place := self.phone.ear.find(sound)) < 0:
            assert time.monotonic() < deadline, (
                f"not heard: {len(sound) / 8000:.1f} s in {len(self.phone.ear) / 8000} s"
            )
            await asyncio.sleep(0.05)
        del self.phone.ear[: place + len(sound)]

    def hang_up(self) -> None:
        """Put the receiver down."""
        self.phone._end_call(self)


class Telephone:
    """One telephone. Made by ``telephone``."""

    def __init__(self, road: Road, user: str, password: str) -> None:
        self.user = user
        self.ear = bytearray()  # A-law, or whatever came
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.invited: asyncio.Queue[str] = asyncio.Queue()  # INVITEs that rang it
        self._password = password
        self._line = _Line(road, self._heard)
        self._register_id = secrets.token_hex(8)
        self._waiting: dict[tuple[str, int], asyncio.Future[str]] = {}  # final answers, by Call-ID and CSeq
        self._calls: dict[str, Dialled] = {}
        self._sequence = 0
        self._rtp: asyncio.DatagramTransport
        self._media: tuple[str, int] | None = None

    async def register(self, expires: int = 120) -> int:
        """Register; the final status."""
        return await self._asked("REGISTER", f"sip:{LOOPBACK}", self._register_id, f"Expires: {expires}\r\n")

    async def dial(self, number: str, *, encrypted: bool = False, user: str = "") -> Dialled:
        """Dial. ``encrypted``: with SRTP or not at all. ``user`` is what it claims to be in From."""
        call = Dialled(
            self,
            number,
            secrets.token_hex(8),
            secrets.token_hex(4),
            asyncio.get_running_loop().create_future(),
            asyncio.Event(),
        )
        self._calls[call.id] = call
        profile, crypto = ("RTP/SAVP", CRYPTO) if encrypted else ("RTP/AVP", "")
        body = self._offer(profile, crypto)
        extra = "Content-Type: application/sdp\r\n"
        status = await self._asked("INVITE", f"sip:{number}@{LOOPBACK}", call.id, extra, body, call, user)
        call.status.set_result(status)
        return call

    def fall_silent(self) -> None:
        """Send no more sound: the line has dropped."""
        self._media = None

    # SIP

    async def _asked(
        self,
        method: str,
        uri: str,
        call_id: str,
        extra: str,
        body: str = "",
        call: Dialled | None = None,
        user: str = "",
    ) -> int:
        """Ask, answer the challenge once, and give the final status."""
        authorization = ""
        for _ in range(2):
            self._sequence += 1
            number = self._sequence
            answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._waiting[call_id, number] = answer
            tag = call.tag if call else self._register_id
            self._line.send(self._request(method, uri, call_id, number, tag, extra + authorization, body, user))
            async with asyncio.timeout(PATIENCE):
                text = await answer
            status = _status(text)
            if method == "INVITE":
                self._acknowledge(uri, call_id, number, text, tag)
                if status == 200 and call:
                    call.answer, call.sequence = text, number
            if status != 401 or authorization:
                return status
            authorization = self._authorization(method, uri, header(text, "WWW-Authenticate"))
        return status

    def _request(
        self,
        method: str,
        uri: str,
        call_id: str,
        number: int,
        tag: str,
        extra: str,
        body: str,
        user: str = "",
        to: str = "",
    ) -> str:
        aor = f"sip:{user or self.user}@{LOOPBACK}"
        to = to or f"<{aor if method == 'REGISTER' else uri}>"
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self._line.road.upper()} {self._host};branch=z9hG4bK{secrets.token_hex(8)};rport\r\n"
            f"From: <{aor}>;tag={tag}\r\nTo: {to}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:{self.user}@{self._host};transport={self._line.road}>\r\nMax-Forwards: 70\r\n"
            f"{extra}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    @property
    def _host(self) -> str:
        # A browser knows no address of its own (RFC 7118, section 5).
        return f"{LOOPBACK}:{self._line.port}" if self._line.port else "telephone.invalid"

    def _acknowledge(self, uri: str, call_id: str, number: int, answer: str, tag: str) -> None:
        self._line.send(self._request("ACK", uri, call_id, number, tag, "", "", to=header(answer, "To")))

    def _end_call(self, call: Dialled) -> None:
        self._sequence += 1
        uri = f"sip:{call.number}@{LOOPBACK}"
        if contact := re.search(r"<([^>]+)>", header(call.answer, "Contact")):
            uri = contact[1]
        to = header(call.answer, "To")
        self._line.send(self._request("BYE", uri, call.id, self._sequence, call.tag, "", "", to=to))
        call.over.set()

    def _authorization(self, method: str, uri: str, challenge: str) -> str:
        realm, nonce, opaque = (_quoted(challenge, name) for name in ("realm", "nonce", "opaque"))
        one, two = _md5(f"{self.user}:{realm}:{self._password}"), _md5(f"{method}:{uri}")
        client = secrets.token_hex(4)
        response = _md5(f"{one}:{nonce}:00000001:{client}:auth:{two}")
        return (
            f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="{client}", opaque="{opaque}"\r\n'
        )

    def _heard(self, text: str) -> None:
        if text.startswith("SIP/2.0 "):
            number = int(header(text, "CSeq").split()[0])
            waiting = self._waiting.get((header(text, "Call-ID"), number))
            if _status(text) == 200 and (media := re.search(r"m=audio (\d+)", text)):
                self._media = (LOOPBACK, int(media[1]))  # now: sound may be right behind
            if _status(text) >= 200 and waiting and not waiting.done():
                waiting.set_result(text)
            return
        method = text.split()[0]
        if method == "ACK":
            return
        if method == "INVITE":
            self.invited.put_nowait(text)
            self._reply(text, "486 Busy Here")
            return
        self._reply(text, "200 OK")
        if method == "BYE" and (call := self._calls.get(header(text, "Call-ID"))):
            call.bye = text
            call.over.set()

    def _reply(self, request: str, status: str) -> None:
        vias = "".join(f"{via.strip()}\r\n" for via in re.findall(r"(?mi)^Via:.*$", request))
        to = header(request, "To")
        to += "" if "tag=" in to else f";tag={secrets.token_hex(4)}"
        self._line.send(
            f"SIP/2.0 {status}\r\n{vias}From: {header(request, 'From')}\r\nTo: {to}\r\n"
            f"Call-ID: {header(request, 'Call-ID')}\r\nCSeq: {header(request, 'CSeq')}\r\nContent-Length: 0\r\n\r\n"
        )

    # Sound

    def _offer(self, profile: str, crypto: str) -> str:
        port = self._rtp.get_extra_info("sockname")[1]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {LOOPBACK}\r\ns=-\r\nc=IN IP4 {LOOPBACK}\r\nt=0 0\r\n"
            f"m=audio {port} {profile} {ALAW} {EVENTS}\r\na=rtpmap:{ALAW} PCMA/8000\r\n"
            f"a=rtpmap:{EVENTS} telephone-event/8000\r\n{crypto}a=sendrecv\r\n"
        )

    async def _speak(self) -> None:
        sequence, stamp, source = 0, 0, secrets.randbits(32)
        tick = time.monotonic()

        async def send(kind: int, stamp: int, payload: bytes) -> None:
            nonlocal sequence, tick
            if self._media:
                head = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, stamp & 0xFFFFFFFF, source)
                self._rtp.sendto(head + payload, self._media)
            sequence += 1
            tick = max(tick + PACKET_SECONDS, time.monotonic())
            await asyncio.sleep(max(0.0, tick - time.monotonic()))

        while True:
            if self._media and not self.keys.empty():
                key = "0123456789*#".index(self.keys.get_nowait())
                for done in range(1, 6):  # 80 ms, and the end twice
                    last = done >= 4
                    event = struct.pack("!BBH", key, 10 | (0x80 if last else 0), min(done, 4) * PACKET_SAMPLES)
                    await send(EVENTS | (0x80 if done == 1 else 0), stamp, event)
                stamp += 5 * PACKET_SAMPLES
            for _ in range(4):
                await send(ALAW, stamp, SILENT_PACKET)
                stamp += PACKET_SAMPLES


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, phone: Telephone) -> None:
        self._phone = phone

    def datagram_received(self, data: bytes, address: Any) -> None:
        # What still comes of the call before is not this one's.
        if len(data) > 12 and data[1] & 0x7F == ALAW and address == self._phone._media:
            self._phone.ear += data[12:]


@asynccontextmanager
async def telephone(
    user: str, password: str, port: int, *, road: Road = "udp", certificate: Path | None = None
) -> AsyncIterator[Telephone]:
    """A telephone with this account at the Asterisk on this port. It has not registered."""
    phone = Telephone(road, user, password)
    phone._rtp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Ear(phone), local_addr=(LOOPBACK, 0)
    )
    await phone._line.open(port, certificate)
    speaking = asyncio.create_task(phone._speak())
    try:
        yield phone
    finally:
        for call in phone._calls.values():
            if call.answer and not call.over.is_set():
                call.hang_up()
        await asyncio.sleep(0)  # what is to be sent over a WebSocket is on its way
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        await phone._line.close()
        phone._rtp.close()


def header(text: str, name: str) -> str:
    """A header of a SIP message; empty when it has none."""
    found = re.search(rf"(?mi)^{name}:[ \t]*(.*?)[ \t]*\r?$", text)
    return found[1] if found else ""


def _status(text: str) -> int:
    return int(text.split(" ", 2)[1])


def _quoted(text: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', text)
    return found[1] if found else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
