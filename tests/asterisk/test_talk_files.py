"""Files that a real Asterisk records: while it writes they can be told from those that it has closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from conftest import RunningAsterisk

from ivr import contract
from ivr.ami import AmiClient
from ivr.recordings.folder import Folder, Look, new_name

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

PATIENCE = 20.0
SECONDS = 30  # of sound; the call is ended long before
TONE = bytes([0x55, 0x2A]) * (4000 * SECONDS)  # A-law, 8,000 a second


async def seen(folder: Folder, name: str, wanted: Callable[[Look], bool]) -> Look:
    """The file once it is as wanted: nobody tells us of a file, so it is looked at again and again."""
    async with asyncio.timeout(PATIENCE):
        while not wanted(look := await asyncio.to_thread(folder.look, name)):
            await asyncio.sleep(0.05)
    return look


async def test_a_recording_is_finished_when_asterisk_has_closed_it_and_not_before(asterisk: RunningAsterisk) -> None:
    folder = Folder(asterisk.layout.var_dir)  # CONTEXT_SELF records there, under the channel's id
    name, caller = new_name(), f"talk-{new_name()}"
    sound = asterisk.layout.run_dir / "sounds" / f"tone-{name}.alaw"
    await asyncio.to_thread(sound.write_bytes, TONE)
    actions = AmiClient(
        host="127.0.0.1",
        port=asterisk.port("ami"),
        username=contract.AMI_ACTIONS,
        secret=asterisk.secrets.ami_actions,
        deadline=PATIENCE,
    )
    await actions.start()
    try:
        await actions.wait_connected(PATIENCE)
        await actions.action(
            "Originate",
            {
                "Channel": f"Local/s@{contract.CONTEXT_SELF}/n",
                "ChannelId": caller,
                "OtherChannelId": name,
                "Application": "Playback",
                "Data": str(sound.with_suffix("")),
                "Async": "true",
            },
        )
        growing = await seen(folder, name, lambda look: look.seconds > 1)
        assert growing.fault == "unfinished"
        await actions.action("Hangup", {"Channel": caller})
        closed = await seen(folder, name, lambda look: not look.fault)
        assert growing.seconds <= closed.seconds < SECONDS
        assert closed.bytes == folder.file(name).stat().st_size
    finally:
        await actions.stop()
        sound.unlink()
