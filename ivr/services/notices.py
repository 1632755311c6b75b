"""What a flow may ask about notices: ``notices.read`` at a position, the newest first.

The notices are read anew when somebody asks and the copy is older than FRESH_SECONDS; the copy serves meanwhile, so
that a busy hotline's callers never wait for the database. Only a copy older than STALE_SECONDS is waited for: what is
published now is heard by then. With the database away the last good copy serves, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from db.errors import StoreError
from db.events import utcnow
from db.notices import Notice
from ivr.flow.service import Caller, Result, Service
from ivr.speech.values import Count, Text, Value

log = logging.getLogger("goldline.notices")

FRESH_SECONDS: Final = 2.0
STALE_SECONDS: Final = 4.5  # a notice must be heard within five seconds of being published
READ_SECONDS: Final = 1.5  # the caller waits meanwhile; half of a service's deadline
LANGUAGES: Final = ("zh", "en")  # what the hotline speaks; a missing text is read from another language, in this order

ReadNotices = Callable[[datetime.datetime], Awaitable[Sequence[Notice]]]


class NoticeBoard:
    """The published notices, STALE_SECONDS old at most, or the last good copy while the database is away."""

    def __init__(
        self,
        published: ReadNotices,
        *,
        now: Callable[[], datetime.datetime] = utcnow,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``published`` reads them (``Notices(store).published``), ``now`` tells the time, ``clock`` counts seconds."""
        self._published = published
        self._now = now
        self._clock = clock
        self._copy: tuple[Notice, ...] | None = None
        self._tried_at = self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._error: StoreError | None = None

    async def heard(self) -> tuple[Notice, ...]:
        """What callers hear at this moment, newest first. Raises StoreError when there has never been a good copy."""
        if self._clock() - self._tried_at >= FRESH_SECONDS or self._copy is None:
            reading = self._read_together()
            stale = self._clock() - self._read_at >= STALE_SECONDS
            if self._copy is None or (stale and self._error is None):
                await asyncio.shield(reading)  # a caller who goes does not end it for the others
        if self._copy is None:
            raise self._error or _too_slow()
        moment = self._now()
        return tuple(notice for notice in self._copy if notice.heard_at(moment))

    def _read_together(self) -> asyncio.Task[None]:
        """One reading at a time, however many callers ask."""
        if self._reading is None or self._reading.done():
            self._tried_at = self._clock()
            self._reading = asyncio.create_task(self._read(), name="notices")
        return self._reading

    async def _read(self) -> None:
        began = self._clock()
        try:
            async with asyncio.timeout(READ_SECONDS):
                self._copy = tuple(await self._published(self._now()))
        except TimeoutError:
            self._failed(_too_slow())
        except StoreError as error:
            self._failed(error)
        else:
            self._error = None
            self._read_at = began

    def _failed(self, error: StoreError) -> None:
        if self._error is None:
            log.error("The notices cannot be read; the last copy serves, if there is one: %s", error)
        self._error = error


def _too_slow() -> StoreError:
    return StoreError("The notices could not be read in time.", remedy="Check the database: it answers too slowly.")


def notice_services(board: NoticeBoard) -> tuple[Service, ...]:
    """The services over the notices."""

    async def read(_: Caller, inputs: Mapping[str, Value]) -> Result:
        return notice_at(await board.heard(), _position(inputs))

    exits: Mapping[str, Mapping[str, str]] = {
        "notice": {"position": "count", "number": "count", "of": "count", "title": "text", "body": "text"},
        "none": {},
        "end": {},
    }
    return (Service("notices.read", exits, read, {"position": "count"}),)


def notice_at(notices: Sequence[Notice], position: int) -> Result:
    """The notice at a position, counted from 1; the result's ``position`` is the next one, ``number`` is this one."""
    if not notices:
        return Result("none")
    position = max(position, 1)
    if position > len(notices):
        return Result("end")
    notice = notices[position - 1]
    return Result(
        "notice",
        {
            "position": Count(position + 1),
            "number": Count(position),
            "of": Count(len(notices)),
            "title": Text(_in_every_language({language: text.title for language, text in notice.texts.items()})),
            "body": Text(_in_every_language({language: text.body for language, text in notice.texts.items()})),
        },
    )


def _in_every_language(texts: Mapping[str, str]) -> dict[str, str]:
    written = {language: text for language, text in texts.items() if text.strip()}
    order = [language for language in (*LANGUAGES, *sorted(written)) if language in written]
    fallback = written[order[0]] if order else ""
    return {language: written.get(language, fallback) for language in (*LANGUAGES, *written)}


def _position(inputs: Mapping[str, Value]) -> int:
    position = inputs["position"]
    if not isinstance(position, Count):
        raise TypeError(f"the input `position` is a {type(position).__name__}, not a Count")
    return position.number
