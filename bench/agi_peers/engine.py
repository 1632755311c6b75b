"""The whole engine: a flow from YAML, speech from the store, the quote board, the trace of every step. Without database
and telephone: journal events are counted and thrown away, and the log goes nowhere."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import uvloop

from db.events import Event
from ivr import logs
from ivr.agi.server import AgiServer, AgiSession
from ivr.call import Call
from ivr.config import CHECKOUT
from ivr.flow.check import check_flow
from ivr.flow.engine import Engine, Entry
from ivr.flow.kit import Kit, Studio
from ivr.flow.load import read_flow
from ivr.flow.model import FlowSet
from ivr.flow.proof import Seal
from ivr.memory import settle_memory
from ivr.metrics import Metrics
from ivr.services.offline import offline_services
from ivr.speech.manner import Manner
from ivr.speech.speech import Speech


class Counted:
    """A journal that keeps nothing."""

    events = 0

    def append(self, event: Event) -> None:  # noqa: ARG002
        self.events += 1


async def main(port: int) -> None:
    logs.configure("info", "text", open(os.devnull, "w"))  # noqa: PTH123, SIM115
    work = Path(tempfile.mkdtemp(prefix="goldline-bench-"))
    speech = Speech.open(CHECKOUT / "prompts", work / "cache", work / "sounds", Manner("espeak"))
    await speech.start()
    services = await offline_services()
    flow, problems = read_flow(Path(__file__).with_suffix(".yaml"))
    assert flow is not None, problems
    flow, problems = check_flow(flow, {flow.name: flow}, speech.catalogue, services)
    assert not problems, problems
    flows, metrics = FlowSet({flow.name: flow}), Metrics()
    kit = Kit(speech.catalogue, services, Counted(), Seal(b"bench"), Studio(str(work), "beep"))
    engine = Engine(lambda: flows, kit, observe=metrics.call_ended)
    entry = Entry(flow.name, "zh")

    async def call(session: AgiSession) -> None:
        ending = await engine.run(Call(session, speech.composer), entry)
        if ending.how != "hotline":
            raise ValueError(ending)

    server = AgiServer(call, port=port, max_calls=5000, observe=metrics.command_answered)
    await server.start()
    settle_memory()
    await asyncio.Event().wait()


uvloop.run(main(int(sys.argv[sys.argv.index("--port") + 1])))
