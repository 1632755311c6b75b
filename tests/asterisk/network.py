"""The telephone network beyond the trunk: one gateway, and behind it a telephone for every number that is dialled."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from conftest import RunningAsterisk, free_ports, settings_for, start_asterisk
from hotline import Hotline
from seat_phone import LOOPBACK, PATIENCE, Ring, SeatPhone, _Ear


class Network:
    """The gateway of one test module. All its stories use it, each its own numbers."""

    def __init__(self) -> None:
        self._port = free_ports(1)[0]
        self._users = 0
        self._gateway: SeatPhone | None = None
        self._rings: defaultdict[str, asyncio.Queue[Ring]] = defaultdict(asyncio.Queue)
        self.dialled: Counter[str] = Counter()  # how often each number was

    @contextmanager
    def joined(self) -> Iterator[RunningAsterisk]:
        """An Asterisk of its own that has a trunk to it."""
        run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))  # a control socket's path may have 107 bytes
        trunk = {"name": "network", "host": LOOPBACK, "port": self._port}
        running = start_asterisk(settings_for(run_dir, **{"sip.trunks": [trunk]}))
        try:
            yield running
        finally:
            running.process.stop()
            shutil.rmtree(run_dir)

    async def rung(self, number: str) -> Ring:
        """The next call that rings this number."""
        async with asyncio.timeout(PATIENCE):
            return await self._rings[number].get()

    @asynccontextmanager
    async def up(self, hotline: Hotline) -> AsyncIterator[None]:
        """While it works."""
        self._users += 1
        if self._users == 1:
            await self._open(hotline.asterisk.port("sip"))
        try:
            yield
        finally:
            self._users -= 1
            if not self._users and self._gateway is not None:
                self._gateway._transport.close()
                self._gateway._rtp.close()
                if self._gateway._speaking is not None:
                    self._gateway._speaking.cancel()

    async def _open(self, asterisk: int) -> None:
        loop = asyncio.get_running_loop()
        phone = self._gateway = SeatPhone("gateway", "", asterisk)
        phone._rtp, _ = await loop.create_datagram_endpoint(lambda: _Ear(phone), local_addr=(LOOPBACK, 0))
        phone.on_ring = self._ring
        await loop.create_datagram_endpoint(lambda: phone, local_addr=(LOOPBACK, self._port))

    def _ring(self, ring: Ring) -> None:
        found = re.match(r"INVITE sip:([^@]+)@", ring.invite)
        assert found is not None
        self.dialled[found[1]] += 1
        self._rings[found[1]].put_nowait(ring)
