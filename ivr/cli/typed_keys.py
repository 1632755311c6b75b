"""Keys typed into this terminal while something else goes on: a line at a time, without blocking anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from ivr.datafile.fields import KEYS


@asynccontextmanager
async def typed_keys() -> AsyncIterator[Callable[[], Awaitable[str | None]]]:
    """A function that waits for the next typed line and gives its keys; None when the input ends."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    reading = False

    def ready() -> None:
        line = sys.stdin.readline()
        lines.put_nowait(line.strip() if line else None)
        if not line:
            loop.remove_reader(sys.stdin)

    async def next_keys() -> str | None:
        nonlocal reading
        if not reading:
            reading = True
            try:
                loop.add_reader(sys.stdin, ready)
            except OSError:  # a plain file or /dev/null: there is nobody to type, so the caller only listens
                await asyncio.Event().wait()
        line = await lines.get()
        return None if line is None else "".join(key for key in line if key in KEYS)

    try:
        yield next_keys
    finally:
        if reading:
            with suppress(OSError):
                loop.remove_reader(sys.stdin)
