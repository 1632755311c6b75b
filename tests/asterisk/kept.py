"""What is kept of a call."""

from __future__ import annotations

import asyncio
import time

from callback_house import PATIENCE
from hotline import LOOK_SECONDS, CallOf, Hotline
from queue_house import opened

from db.recording import Recording
from db.recordings import Recordings


async def kept(hotline: Hotline, call: CallOf) -> Recording:
    """The row of the call's recording, once there is one."""
    deadline = time.monotonic() + PATIENCE
    async with opened(hotline) as store:
        while not (rows := await Recordings(store).listed(call=call.id)):
            assert time.monotonic() < deadline, "no recording"
            await asyncio.sleep(LOOK_SECONDS)
    assert len(rows) == 1
    return rows[0]
