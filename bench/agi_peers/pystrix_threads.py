"""pystrix's FastAGI server as shipped: a thread per call."""

from __future__ import annotations

import sys

from pystrix.agi import FastAGIServer, core
from script import EXPECTED


def call(agi: object, _args: object, _kwargs: object, _match: object, _path: str) -> None:
    def value(answer: object) -> str:
        return "" if answer is None else str(answer)

    run = agi.execute  # type: ignore[attr-defined]
    run(core.Answer())
    run(core.StreamFile("welcome", escape_digits="0123456789*#"))
    assert run(core.GetOption("main-menu", escape_digits="12", timeout=3000))[0] == chr(int(EXPECTED[2]))
    assert value(run(core.GetVariable("CUSTOMER_TIER"))) == EXPECTED[3]
    run(core.SetVariable("FLOW_POSITION", "main/menu"))
    run(core.StreamFile("enter-code"))
    assert run(core.GetData("beep", timeout=5000, max_digits=6))[0] == EXPECTED[6]
    assert value(run(core.GetVariable("CALLERID(name)"))) == EXPECTED[7]
    assert run(core.StreamFile("your-balance-is", escape_digits="#"))[0] == chr(int(EXPECTED[8]))
    assert run(core.GetOption("more", escape_digits="19", timeout=3000))[0] == chr(int(EXPECTED[9]))
    assert value(run(core.GetVariable("CHANNEL(language)"))) == EXPECTED[10]
    run(core.SetVariable("RESULT", "done"))
    run(core.Hangup())


FastAGIServer.request_queue_size = 1024
server = FastAGIServer(interface="127.0.0.1", port=int(sys.argv[sys.argv.index("--port") + 1]), daemon_threads=True)
server.register_script_handler(None, call)
server.serve_forever()
