"""What tests do with talks: over the controller's own HTTP, as the command line does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from hotline import LOOPBACK, CallOf, Hotline, Journal
from queue_house import Desk, Story, at_work, waiting
from seat_phone import Ring
from sipp import Phone
from tones import CALLER, FIRST, hear, hum


class Refused(Exception):
    """The controller would not do it: its words."""


async def done(hotline: Hotline, path: str, **body: Any) -> dict[str, Any]:
    """Have it done: POST with this body. Raises Refused."""
    url = f"http://{LOOPBACK}:{hotline.asterisk.port('http')}/{path}"
    headers = {"Authorization": f"Bearer {hotline.asterisk.secrets.http_token}"}
    async with aiohttp.ClientSession() as http, http.post(url, headers=headers, json=body) as answer:
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

    async def together(self) -> None:
        """Until caller and agent hear one another, and nobody else."""
        await hear(caller=(self.phone, {FIRST}), agent=(self.desk.phone, {CALLER}))


@asynccontextmanager
async def talking(hotline: Hotline, journal: Journal, story: Story, caller: str = "") -> AsyncIterator[Talking]:
    """The story's caller in a talk with its first agent; both hum."""
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
