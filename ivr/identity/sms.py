"""Text messages: the port through which they leave, and a gateway spoken to over HTTP.

Knows nothing of customers or codes. No error says the number nor the text.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final, Protocol

import aiohttp
import phonenumbers

from db.phone_numbers import HOME_PREFIX
from ivr.errors import GoldlineError

GATEWAY_SECONDS: Final = 5.0  # a caller waits for it
_HOME_MOBILE: Final = re.compile(re.escape(HOME_PREFIX) + "1[3-9][0-9]{9}")


class SmsFailed(GoldlineError):
    """A text was not taken by the gateway, or nobody knows whether it was."""

    error_id: ClassVar[str] = "sms-failed"


class SmsSender(Protocol):
    """Sends a text to a telephone (E.164). Raises SmsFailed unless somebody took it over."""

    async def send(self, to: str, text: str) -> None: ...


class HttpSmsGateway:
    """A gateway that takes ``POST url`` with JSON ``{"to": "+86138…", "text": "…"}`` and a bearer token; 2xx: taken."""

    def __init__(self, url: str, token: str = "", seconds: float = GATEWAY_SECONDS) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def send(self, to: str, text: str) -> None:
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, headers=self._headers) as session,
                session.post(self._url, json={"to": to, "text": text}, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SmsFailed(
                f"The SMS gateway does not answer ({type(error).__name__}).", remedy="Check sms.url and the network."
            ) from None
        if not 200 <= status < 300:
            raise SmsFailed(f"The SMS gateway refused with HTTP {status}.", remedy="Check sms.url and sms.token.")


class SmsInMemory:
    """Keeps what would be sent, for tests and for calls without a network; with ``broken`` it takes nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.broken = False

    async def send(self, to: str, text: str) -> None:
        if self.broken:
            raise SmsFailed("The SMS gateway in memory is broken.", remedy="Mend it.")
        self.sent.append((to, text))


def takes_texts(number: str) -> bool:
    """Whether this stored number (``db.phone_numbers``) is a mobile: what texts reach."""
    if _HOME_MOBILE.fullmatch(number):
        return True
    if not number.startswith("+"):
        return False
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
    return bool(kind == phonenumbers.PhoneNumberType.MOBILE)
