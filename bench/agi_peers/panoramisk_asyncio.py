"""panoramisk's FastAGI application as shipped. The handler must take values out of its answers by hand."""

from __future__ import annotations

import asyncio
import logging
import sys

from panoramisk import fast_agi
from script import COMMANDS, EXPECTED

LINES = [" ".join([*words[: 2 if len(words) > 1 else 1], *(f'"{word}"' for word in words[2:])]) for words in COMMANDS]
logging.disable(logging.INFO)


async def call(request: fast_agi.Request) -> None:
    for line, expected in zip(LINES, EXPECTED, strict=True):
        answer = await request.send_command(line)
        result = answer["result"]
        value = result[1] if len(result) > 1 and result[1] else result[0]
        if value != expected:
            raise ValueError(f"{line}: {answer}")


async def main(port: int) -> None:
    application = fast_agi.Application(loop=asyncio.get_running_loop())
    application.add_route("call", call)
    server = await asyncio.start_server(application.handler, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def run() -> None:
    asyncio.run(main(int(sys.argv[sys.argv.index("--port") + 1])))


if __name__ == "__main__":
    run()
