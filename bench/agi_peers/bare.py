"""The floor: a bare asyncio.Protocol on uvloop. It finds lines and values and writes the next command; no rule of AGI
is kept, nothing is checked, and no coroutine runs."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop
from script import COMMANDS, EXPECTED

LINES = [
    (" ".join([*words[: 2 if len(words) > 1 else 1], *(f'"{word}"' for word in words[2:])]) + "\n").encode()
    for words in COMMANDS
]


class Bare(asyncio.Protocol):
    def __init__(self) -> None:
        self.buffer = b""
        self.environment: dict[str, str] | None = None
        self.step = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.environment is None:
            end = self.buffer.find(b"\n\n")
            if end < 0:
                return
            lines = self.buffer[:end].decode().split("\n")
            self.environment = dict(line.split(": ", 1) for line in lines)
            self.buffer = self.buffer[end + 2 :]
            self.transport.write(LINES[0])
        while (end := self.buffer.find(b"\n")) >= 0:
            line = self.buffer[:end].decode()
            self.buffer = self.buffer[end + 1 :]
            result = line[11:]
            opened = result.find("(")
            result = result[opened + 1 : result.rindex(")")] if opened >= 0 else result.split(" ")[0]
            if result != EXPECTED[self.step]:
                self.transport.abort()
                return
            self.step += 1
            if self.step == len(LINES):
                self.transport.close()
                return
            self.transport.write(LINES[self.step])


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


uvloop.run(main(int(sys.argv[sys.argv.index("--port") + 1])))
