"""Asks the controller's own ``/health`` whether it is there. One connection, kept; any answer will do."""

from __future__ import annotations

from types import TracebackType

import aiohttp

from ivr.wallboard.watch import ControllerAway


class HealthQuestion:
    """``async with HealthQuestion(host, port, seconds) as ask: await ask()`` raises ControllerAway."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._address = f"http://{host}:{port}/health"
        self._seconds = seconds
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HealthQuestion:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._seconds))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def __call__(self) -> None:
        assert self._http is not None, "use it as a context"
        try:
            async with self._http.get(self._address) as answer:
                await answer.read()
        except TimeoutError:
            raise ControllerAway(f"no answer in {self._seconds:g} s") from None
        except aiohttp.ClientError as error:
            raise ControllerAway(type(error).__name__) from None
