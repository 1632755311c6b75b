"""Customers that a test plants in a hotline's store, and how their telephones talk to the account menu.

A test module makes its ``KnownCustomers``, takes one of them for each story while it is being read, and has them put
into the store of a hotline of its own before the controller starts.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from conftest import RunningAsterisk
from hotline import LOOPBACK, CallOf, Happened, Hotline, Journal, Voice
from sipp import AUDIBLE_RMS, PATIENCE, Phone, rms

from db.audit import Audit, AuditEntry
from db.customers import Customer, Customers
from db.customers import Phone as Telephone
from db.pins import Pins
from db.store import Store
from ivr.config import Database
from ivr.identity.keys import pepper
from ivr.speech.audio import alaw

HEARD_SECONDS = 0.6  # of a prompt with values: enough to know that something is said
SPEECH_SECONDS = 2.0
SPOKEN_RMS = 300  # of a block of a recording: anything above is speech


@dataclass(frozen=True)
class Known:
    """A customer and what only the customer knows."""

    customer: Customer
    pin: str

    @property
    def account(self) -> str:
        """The account number."""
        return self.customer.account

    @property
    def mobile(self) -> str:
        """Where texts for this customer go."""
        return self.customer.phones[0].number


class KnownCustomers:
    """Those of one test module."""

    def __init__(self) -> None:
        self._known: list[Known] = []

    def one(self, *, pin: str = "", account: str = "", **more: Any) -> Known:
        """Another one, whom nobody else has: account, PIN and mobile are of no other."""
        account = account or f"66{secrets.randbelow(10**12):012d}"
        mobile = Telephone(f"+86136{secrets.randbelow(10**8):08d}")
        said = {"status": "active", "branch": "SZ01", "phones": (mobile,), **more}
        known = Known(Customer(account, **said), pin or strong_pin())
        self._known.append(known)
        return known

    async def plant(self, hotline: Hotline) -> None:
        """Put them into the hotline's store, with their PINs."""
        store = await Store.open(hotline.settings.database_url)
        pins = Pins(store, pepper(hotline.asterisk.secrets.identity_key.encode()))
        try:
            for known in self._known:
                await Customers(store).put(known.customer)
                await pins.set_pin(known.account, known.pin, actor="test")
        finally:
            pins.close()
            await store.close()


def strong_pin() -> str:
    """A PIN that the hotline takes (``db.pins.weakness``): six digits, all different, not in a row."""
    while True:
        pin = "".join(secrets.SystemRandom().sample("0123456789", 6))
        if pin not in "01234567890" and pin not in "09876543210":
            return pin


def own_hotline(asterisk: RunningAsterisk, name: str, **changed: Any) -> Hotline:
    """A controller with a database of its own, which nothing but this module fills."""
    place = asterisk.settings.run_dir / name
    place.mkdir()
    database = Database(url=f"sqlite+aiosqlite:///{place}/goldline.db")
    return Hotline(asterisk, asterisk.settings.model_copy(update={"database": database, **changed}))


@contextmanager
def running_with(hotline: Hotline, known: KnownCustomers) -> Iterator[Hotline]:
    """The controller, prepared, with these customers, and started; stopped at the end."""

    async def begin() -> None:
        await hotline.prepare()
        await known.plant(hotline)
        await hotline.start()

    try:
        asyncio.run(begin())
        yield hotline
    finally:
        hotline.stop()


class Conversation:
    """A telephone and what the journal says of its call: what is said must come to the caller's ear as well."""

    def __init__(self, phone: Phone, call: CallOf, voice: Voice) -> None:
        self.phone = phone
        self.call = call
        self._voice = voice
        self._place = 0

    @classmethod
    async def of(cls, phone: Phone, journal: Journal, voice: Voice) -> Conversation:
        """The one that this telephone has begun."""
        return cls(phone, await journal.call_of(phone), voice)

    async def hears(self, prompt: str) -> Happened:
        """Until the prompt is said *and* heard."""
        said = await self.call.until_said(prompt)
        speech = self._voice
        if said["data"]["prompts"][0] == prompt and speech.is_fixed(prompt):
            opening = await speech.opening(prompt, said["data"]["language"])
            self._place = await self.phone.hears(opening, self._place)
            return said
        before = len(self.phone.ear.sound)
        async with asyncio.timeout(PATIENCE):  # what was said before may have left the line quiet for a moment
            while True:
                await self.phone.hears_more(HEARD_SECONDS)
                if rms(bytes(self.phone.ear.sound[before:])) > AUDIBLE_RMS:
                    break
        self._place = before
        return said

    async def hears_and_presses(self, *answers: tuple[str, str]) -> None:
        """One question after the other: (prompt, keys)."""
        for prompt, keys in answers:
            await self.hears(prompt)
            self.phone.press(keys)

    async def gives_account_and_pin(self, account: str, pin: str) -> None:
        """At leisure, from the question for the account."""
        await self.hears_and_presses(("enter_account", f"{account}#"), ("prove_how", "1"), ("enter_pin", f"{pin}#"))

    async def proves(self, known: Known) -> None:
        """Into the account's menu, with keys typed ahead as soon as the greeting begins."""
        await self.phone.hears_more(0.1)
        self.phone.press(f"3{known.account}#1{known.pin}#")
        await self.hears("account_menu")

    async def hangs_up(self) -> None:
        """And the call is over, by the book."""
        self.phone.hang_up()
        assert await self.phone.over() == 0
        await self.call.until_ended("caller")


async def audited(journal: Journal, known: Known) -> list[AuditEntry]:
    """What the trail says of this customer, in its order, but for what the planting did."""
    told = await Audit(journal.store).of_account(known.account)
    return [entry for entry in reversed(told) if entry.actor not in ("test", "goldline")]


async def acts(journal: Journal, known: Known) -> list[tuple[str, str]]:
    """The same, as (actor, what)."""
    return [(entry.actor, entry.what) for entry in await audited(journal, known)]


class Texts:
    """A gateway for text messages: keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        texts = self

        class Gateway(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                texts.sent.append({**json.loads(body), "authorization": self.headers["Authorization"] or ""})
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Gateway)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/send"

    @contextmanager
    def taken(self) -> Iterator[Texts]:
        """While it listens."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def code_for(self, known: Known) -> str:
        """The code in the last text to this customer."""
        text = next(one["text"] for one in reversed(self.sent) if one["to"] == known.mobile)
        return "".join(char for char in text if char.isdigit())[:6]


def speech() -> bytes:
    """Two seconds that are as loud as somebody speaking, A-law."""
    time = np.arange(int(SPEECH_SECONDS * 8000)) / 8000
    wave_ = 6000 * np.sin(2 * np.pi * 300 * time) * (1 + np.sin(2 * np.pi * 3 * time)) / 2
    return alaw.encode(wave_.astype(np.int16))


def spoken_seconds(file: Path) -> float:
    """How long somebody speaks in this recording."""
    with wave.open(str(file)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(np.float64)
    blocks = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return float(np.count_nonzero(np.sqrt((blocks**2).mean(axis=1)) > SPOKEN_RMS)) / 50


async def until_spoken(file: Path) -> None:
    """Until half a second of the recording is there."""
    async with asyncio.timeout(PATIENCE):
        while not file.exists() or file.stat().st_size < 16_000:
            await asyncio.sleep(0.05)


async def until_there(file: Path) -> None:
    """Until Asterisk has begun to write it: the beep is over."""
    async with asyncio.timeout(PATIENCE):
        while not file.exists():
            await asyncio.sleep(0.05)
