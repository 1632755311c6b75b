"""What tests do with talks: over the controller's own HTTP, as the command line does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
from hotline import LOOK_SECONDS, LOOPBACK, CallOf, Hotline, Journal
from queue_house import Desk, Story, at_work, waiting
from seat_phone import PATIENCE, Ring
from sipp import Phone
from tones import CALLER, FIRST, hear, hum

from ivr.asterisk.layout import Layout
from ivr.recordings.folder import Folder
from ivr.speech.audio import alaw

WAV_HEADER = 44  # bytes, of format_wav.c


class Refused(Exception):
    """The controller would not do it: its words."""


async def done(hotline: Hotline, path: str, method: str = "POST", **body: Any) -> dict[str, Any]:
    """Have it done, with this body. Raises Refused."""
    url = f"http://{LOOPBACK}:{hotline.asterisk.port('http')}/{path}"
    headers = {"Authorization": f"Bearer {hotline.asterisk.secrets.http_token}"}
    async with aiohttp.ClientSession() as http, http.request(method, url, headers=headers, json=body) as answer:
        told = dict(await answer.json())
    if answer.status != 200:
        raise Refused(told["message"])
    return told


@dataclass
class Talking:
    """A caller and the story's first agent, who hear one another."""

    hotline: Hotline
    phone: Phone
    call: CallOf
    desk: Desk
    ring: Ring
    joined: str

    async def act(self, what: str, **body: Any) -> dict[str, Any]:
        """What the agent does with the talk."""
        return await done(self.hotline, f"talks/{self.desk.agent.id}/{what}", **body)

    async def stage(self) -> str:
        """Where the talk stands, as the controller sees it."""
        return str((await done(self.hotline, f"talks/{self.desk.agent.id}", method="GET"))["stage"])

    async def together(self) -> None:
        """Until caller and agent hear one another, and nobody else."""
        await hear(caller=(self.phone, {FIRST}), agent=(self.desk.phone, {CALLER}))


async def recorded(hotline: Hotline, talk: Talking) -> bytes:
    """What was recorded of the talk, A-law, once Asterisk has closed the file."""
    offer = next(one for one in talk.call._known() if one["kind"] == "offer.made")
    folder, name = Folder(Layout(hotline.settings.run_dir).talks_dir), offer["data"]["recording"]
    async with asyncio.timeout(PATIENCE):
        while (await asyncio.to_thread(folder.look, name)).fault:
            await asyncio.sleep(LOOK_SECONDS)
    sound = await asyncio.to_thread(folder.file(name).read_bytes)
    return alaw.encode(np.frombuffer(sound[WAV_HEADER:], np.int16))


@asynccontextmanager
async def talking(hotline: Hotline, journal: Journal, story: Story, caller: str = "") -> AsyncIterator[Talking]:
    """The story's caller in a talk with its first agent; both hum."""
    caller = caller or next(iter(story.customers), "")
    async with at_work(hotline, story) as desk, waiting(hotline, journal, story, caller) as (phone, call):
        phone.hum(hum(CALLER))
        desk.phone.hum(hum(FIRST))
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began", agent=desk.agent.id)
        await desk.until("talking")
        joined = next(one for one in call._known() if one["kind"] == "wait.joined")["data"]["joined"]
        talk = Talking(hotline, phone, call, desk, ring, joined)
        await talk.together()
        yield talk
