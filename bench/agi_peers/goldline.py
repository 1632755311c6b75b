"""Goldline's AGI server alone: the protocol core with every rule, typed answers, a deadline on each command, a task and
a bound call id per call. What the flow engine adds comes on top of it."""

from __future__ import annotations

import asyncio
import logging
import sys

import structlog
import uvloop
from script import COMMANDS, EXPECTED

from ivr.agi.server import AgiServer, AgiSession

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
STEPS = list(zip(COMMANDS, EXPECTED, strict=True))


async def call(session: AgiSession) -> None:
    for words, expected in STEPS:
        answer = await session.command(*words)
        if (answer.result if answer.data is None else answer.data) != expected:
            raise ValueError(words)


async def main(port: int) -> None:
    server = AgiServer(call, port=port, max_calls=5000)
    await server.start()
    await asyncio.Event().wait()


uvloop.run(main(int(sys.argv[sys.argv.index("--port") + 1])))
