"""What a session does with its connection, beyond the protocol."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from ivr.agi.session import AgiSession


class Connection:
    """A transport and its socket, which keep what they are told."""

    def __init__(self) -> None:
        self.options: list[tuple[int, int, int]] = []
        self.written: list[bytes] = []

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("127.0.0.1", 4573), "socket": self}[name]

    def setsockopt(self, *option: int) -> None:
        self.options.append(option)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        pass


class Nobody:
    def session_began(self, session: AgiSession) -> None:
        pass

    def session_ready(self, session: AgiSession) -> None:
        pass

    def session_ended(self, session: AgiSession, why: Exception) -> None:
        pass


async def test_a_hangup_is_acknowledged_at_once_so_that_the_answer_behind_it_is_not_kept_back() -> None:
    session = AgiSession(
        Nobody(), asyncio.get_running_loop(), command_seconds=5.0, environment_seconds=5.0, observe=None
    )
    connection = Connection()
    session.connection_made(connection)  # type: ignore[arg-type]
    session.data_received(b"agi_request: agi://h/call\nagi_uniqueid: c1\n\n")
    running = asyncio.ensure_future(session.command("NOOP"))
    await asyncio.sleep(0)
    assert connection.options == []
    session.data_received(b"HANGUP\n")
    assert connection.options == [(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)]
    session.data_received(b"200 result=0\n")
    assert (await running).result == "0"
    session.connection_lost(None)
