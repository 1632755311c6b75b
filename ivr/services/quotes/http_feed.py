"""Quotes over HTTP in any format: asked for in batches, side by side, each answer for itself.

A batch that fails takes nothing from the others; only when all fail has the provider failed. A line that is the same as
the last time is not read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import aiohttp
from yarl import URL

from db.instruments import Instrument
from ivr.errors import GoldlineError
from ivr.services.quotes.model import Quote
from ivr.services.quotes.wire import BadAnswer, BadLine, WireFormat

log = logging.getLogger("goldline.quotes")

CONNECTIONS: Final = 4  # at once, to one provider
LARGEST_ANSWER: Final = 4 * 2**20  # bytes; 800 lines of Sina's are 250 KiB
MOST_NAMED: Final = 5  # of many bad lines in one warning


class FeedFailed(GoldlineError):
    """No batch was answered."""

    error_id: ClassVar[str] = "quotes-feed-failed"


@dataclass(frozen=True, slots=True)
class _Batch:
    url: URL
    wanted: Mapping[str, Instrument]


@dataclass(slots=True)
class Counts:
    """Since the start, for metrics."""

    answers: int = 0
    failed_batches: int = 0
    bad_lines: int = 0


class HttpFeed:
    """A provider over HTTP. ``close`` it at the end."""

    demonstration = False

    def __init__(
        self,
        form: WireFormat,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        batch: int | None = None,
        seconds: float = 2.5,
        connections: int = CONNECTIONS,
    ) -> None:
        """``batch`` is less than the format's own most, if given; ``seconds`` is the deadline of one batch."""
        self.name = form.name
        self.counts = Counts()
        self._form = form
        self._url = url.rstrip("/")
        self._headers = {**form.headers, **(headers or {})}
        self._batch = min(batch or form.batch, form.batch)
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._connections = connections
        self._http: aiohttp.ClientSession | None = None
        self._asked: tuple[Sequence[Instrument], list[_Batch]] = ((), [])
        self._seen: dict[str, tuple[Any, Quote]] = {}
        self._turns = asyncio.Semaphore(connections)
        self._complaint = ""

    async def close(self) -> None:
        """Give the connections back."""
        if self._http:
            await self._http.close()
            self._http = None

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:
        """The latest quotes. Raises FeedFailed when not one batch was answered."""
        batches = self._batches(instruments)
        answers = await asyncio.gather(*(self._ask(batch) for batch in batches))
        found: list[Quote] = []
        bad: list[str] = []
        faults: list[str] = []
        for answer in answers:
            if isinstance(answer, str):
                faults.append(answer)
            else:
                found += answer[0]
                bad += answer[1]
        self.counts.failed_batches += len(faults)
        self.counts.bad_lines += len(bad)
        if batches and len(faults) == len(batches):
            raise FeedFailed(f"{self.name} did not answer: {faults[0]}.", remedy="Check quotes.url and the network.")
        self._complain(faults, bad, len(batches))
        return found

    def _batches(self, instruments: Sequence[Instrument]) -> list[_Batch]:
        if self._asked[0] is not instruments:
            symbols = {self._form.symbol(instrument): instrument for instrument in instruments}
            self._seen = {symbol: seen for symbol, seen in self._seen.items() if symbol in symbols}
            names = list(symbols)
            parts = [names[at : at + self._batch] for at in range(0, len(names), self._batch)]
            batches = [
                _Batch(
                    URL(self._form.address(self._url, part), encoded=True), {symbol: symbols[symbol] for symbol in part}
                )
                for part in parts
            ]
            self._asked = (instruments, batches)
        return self._asked[1]

    async def _ask(self, batch: _Batch) -> tuple[list[Quote], list[str]] | str:
        """The quotes of a batch and its bad lines, or why there are none."""
        try:
            async with self._turns:
                return self._read(batch, await self._get(batch.url))
        except TimeoutError:
            return f"no answer within {self._timeout.total:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return f"{type(error).__name__}: {error}".rstrip(": .")
        except BadAnswer as error:
            return error.message.rstrip(".")

    async def _get(self, url: URL) -> bytes:
        if self._http is None:
            connector = aiohttp.TCPConnector(limit=self._connections)
            self._http = aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=self._timeout)
        async with self._http.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise BadAnswer(f"It answers {response.status}.")
            body = bytearray()
            try:
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise BadAnswer(f"The answer is larger than {LARGEST_ANSWER >> 20} MiB.")
            except aiohttp.ClientPayloadError:
                if not body:
                    raise  # else: cut off on the way, what came before is good
            self.counts.answers += 1
            return bytes(body)

    def _read(self, batch: _Batch, body: bytes) -> tuple[list[Quote], list[str]]:
        if not body.strip():
            raise BadAnswer("The answer is empty.")
        found: list[Quote] = []
        bad: list[str] = []
        seen, form = self._seen, self._form
        for symbol, line in form.lines(body):
            instrument = batch.wanted.get(symbol)
            if instrument is None:
                continue
            before = seen.get(symbol)
            if before is not None and before[0] == line and before[1].instrument is instrument:
                found.append(before[1])
                continue
            try:
                quote = form.quote(instrument, line)
            except BadLine as error:
                bad.append(f"{symbol}: {error}")
                continue
            if quote is not None:
                seen[symbol] = (line, quote)
                found.append(quote)
        return found, bad

    def _complain(self, faults: Sequence[str], bad: Sequence[str], batches: int) -> None:
        """Say once what is wrong with a part of the answers, and once that it is over."""
        told = f"{len(faults)} of {batches} batches fail ({faults[0]})" if faults else ""
        if bad:
            told = "; ".join([told] * bool(told) + [f"{len(bad)} bad lines ({', '.join(bad[:MOST_NAMED])})"])
        if bool(told) != bool(self._complaint):
            if told:
                log.warning("Quotes from %s are incomplete: %s", self.name, told)
            else:
                log.warning("Quotes from %s are complete again.", self.name)
        self._complaint = told
