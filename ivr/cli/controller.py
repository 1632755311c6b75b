"""How a command asks the running controller: its HTTP, with the installation's token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ivr import config
from ivr.errors import GoldlineError

SECONDS: Final = 15.0  # of one act: the slowest waits for Asterisk, which answers within three


class NoController(GoldlineError):
    """Nobody answers."""

    error_id: ClassVar[str] = "no-controller"


class Refused(GoldlineError):
    """The controller answers that it cannot be done; ``answered`` is its own word for why."""

    error_id: ClassVar[str] = "refused"
    answered: str = ""


def done(method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Have the controller do or tell something. Raises NoController, Refused."""
    return asyncio.run(ask(config.load(), method, path, body))


async def ask(
    settings: config.Settings, method: str, path: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The same from within an event loop."""
    import aiohttp

    from ivr.asterisk import secrets_file
    from ivr.asterisk.layout import Layout

    token = secrets_file.load(Layout(settings.run_dir).secrets_file).http_token
    url = f"http://127.0.0.1:{settings.ports.at('http')}{path}"
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.request(method, url, headers=headers, json=body) as answer,
        ):
            if answer.status == 409:
                told = await answer.json()
                refused = Refused(told["message"], remedy=told["remedy"])
                refused.answered = told.get("fault") or told["error"]
                raise refused
            answer.raise_for_status()
            return dict(await answer.json())
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NoController(
            f"The controller at {url} does not do it: {error or type(error).__name__}.",
            remedy="Is it running? `ivr doctor` looks.",
        ) from error
