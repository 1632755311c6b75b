"""``ivr dial``: a real call to the hotline with no telephone.

A channel inside the running Asterisk calls the hotline's number over SIP on loopback, as a customer's telephone would.
Its keys go over AMI as telephone events, what is said is read from the controller's live journal, and what the caller
hears is recorded.
"""

from __future__ import annotations

import asyncio
import json
import secrets as random_text
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import aiohttp

from ivr import contract
from ivr.ami.client import AmiClient
from ivr.ami.errors import ActionFailed, AmiError
from ivr.asterisk import secrets_file
from ivr.asterisk.layout import Layout
from ivr.config import Settings
from ivr.datafile.fields import KEYS
from ivr.errors import GoldlineError

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
KEY_TONE_MS = 80  # twice what a receiver must recognise (ITU-T Q.24: 40 ms tone, 40 ms pause)
KEY_SECONDS = 0.16  # from one key to the next, as a quick person presses
BEFORE_KEY_SECONDS = 0.4  # a person listens a moment before pressing
SPEAKING_SECONDS = 2.5  # this caller says nothing, but as long as somebody who says something
QUIET_SECONDS = 1.5  # without a further question: everything typed ahead is used up

Tell = Callable[[str, dict[str, Any]], None]
Keys = Callable[[], Awaitable[str | None]]

_REMEDY = "Start the hotline with `make run` (or `ivr run`) in another terminal; `ivr doctor` says what is wrong."


class DialError(GoldlineError):
    """The call could not be made."""

    error_id: ClassVar[str] = "dial-error"


@dataclass
class Dialled:
    """A finished call: its id, what was said, how it ended, where the recording is."""

    call_id: str = ""
    said: list[str] = field(default_factory=list)
    ended: str = ""
    recording: Path | None = None


def groups_of(keys: str) -> list[str]:
    """``"1 600519#"`` as what is pressed at the first question and at the second. Raises DialError."""
    wrong = sorted(set(keys) - set(KEYS) - {" ", "-"})
    if wrong:
        raise DialError(
            f"--keys holds {' '.join(map(repr, wrong))}, which no telephone has.",
            remedy='Keys are 0-9 * #; a space waits for the next question, a lone "-" lets one pass in silence.',
        )
    return [group.replace("-", "") for group in keys.split()]


class Dialler:
    """One call."""

    def __init__(self, settings: Settings, tell: Tell) -> None:
        """``tell(kind, data)`` is called for each thing that happens, as it happens."""
        self._settings = settings
        self._tell = tell
        self._layout = Layout(settings.run_dir)
        self._secrets = secrets_file.load(self._layout.secrets_file)
        self._mark = f"dial-{random_text.token_hex(6)}"
        self._answered = asyncio.Event()
        self._ended = asyncio.Event()
        self._questions: asyncio.Queue[float] = asyncio.Queue()  # seconds to wait before keys are pressed
        self._result = Dialled()

    async def call(
        self, number: str, keys: Keys | Sequence[str], *, caller: str, recording: Path, ahead: bool, most_seconds: float
    ) -> Dialled:
        """Dial, press, listen, hang up.

        ``keys`` are groups pressed one per question (all of them at once with ``ahead``), after which the caller hangs
        up at the next question; or a function that gives keys whenever somebody types them, None to hang up.

        Raises DialError when there is nobody to call.
        """
        ami = AmiClient(
            host=LOOPBACK,
            port=self._settings.ports.at("ami"),
            username=contract.AMI_ACTIONS,
            secret=self._secrets.ami_actions,
        )
        await ami.start()
        try:
            await ami.wait_connected(CONNECT_SECONDS)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            async with aiohttp.ClientSession(timeout=timeout) as http, await self._journal(http) as answer:
                following = asyncio.create_task(self._follow(answer))
                try:
                    async with asyncio.timeout(most_seconds):
                        await self._live(ami, number, keys, caller, ahead)
                except TimeoutError:
                    self._tell("timeout", {"seconds": most_seconds})
                finally:
                    await self._hang_up(ami)
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
        except AmiError as error:
            raise DialError(f"Asterisk cannot be asked: {error.message}", remedy=_REMEDY) from error
        finally:
            await ami.stop()
            self._keep(recording)
        return self._result

    @property
    def _spool(self) -> Path:
        """Where the dialplan records what this caller hears."""
        return self._layout.var_dir / f"{self._mark}.wav"

    async def _journal(self, http: aiohttp.ClientSession) -> aiohttp.ClientResponse:
        port = self._settings.ports.at("http")
        try:
            answer = await http.get(
                f"http://{LOOPBACK}:{port}/events", headers={"Authorization": f"Bearer {self._secrets.http_token}"}
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DialError("The controller does not answer.", remedy=_REMEDY) from error
        if answer.status != 200:
            answer.close()
            raise DialError(
                f"The controller on port {port} refused us ({answer.status}).",
                remedy="It may belong to another run directory: compare ports and run_dir in the settings.",
            )
        return answer

    async def _live(self, ami: AmiClient, number: str, keys: Keys | Sequence[str], caller: str, ahead: bool) -> None:
        await ami.action(
            "Originate",
            {
                "Channel": f"PJSIP/{number}@{contract.ENDPOINT_SELF}",
                "Context": contract.CONTEXT_SELF,
                "Exten": "s",
                "Priority": "1",
                "CallerID": f'"{self._mark}" <{caller}>',
                "Timeout": str(int(ANSWER_SECONDS * 1000)),
                "ChannelId": self._mark,
                "Async": "true",
            },
        )
        await self._until_answered()
        work = self._press_typed(ami, keys) if callable(keys) else self._press_groups(ami, keys, ahead)
        pressing = asyncio.create_task(work)
        over = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({pressing, over}, return_when=asyncio.FIRST_COMPLETED)
            if pressing.done():
                await pressing
        finally:
            for task in (pressing, over):
                task.cancel()
            await asyncio.gather(pressing, over, return_exceptions=True)

    async def _until_answered(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._answered.wait()
        except TimeoutError:
            raise DialError(
                "The hotline did not take the call.",
                remedy="Is that the hotline's number? `ivr doctor` says what is wrong, the log of `ivr run` why.",
            ) from None

    async def _press_groups(self, ami: AmiClient, groups: Sequence[str], ahead: bool) -> None:
        if ahead:
            await self._press(ami, "".join(groups))
            groups = ()
            await self._until_quiet()
        for group in groups:
            seconds = await self._questions.get()
            if group:
                await asyncio.sleep(seconds)
                await self._press(ami, group)
        await self._questions.get()

    async def _until_quiet(self) -> None:
        """Questions that were answered by keys typed ahead come in quick succession: let them pass."""
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._questions.get()
            except TimeoutError:
                return

    async def _press_typed(self, ami: AmiClient, keys: Keys) -> None:
        while (typed := await keys()) is not None:
            await self._press(ami, typed)

    async def _press(self, ami: AmiClient, keys: str) -> None:
        for key in keys:
            with suppress(ActionFailed):  # the hotline may hang up between two keys
                await ami.action("PlayDTMF", {"Channel": self._mark, "Digit": key, "Duration": str(KEY_TONE_MS)})
            await asyncio.sleep(KEY_SECONDS)

    async def _hang_up(self, ami: AmiClient) -> None:
        with suppress(AmiError):
            await ami.action("Hangup", {"Channel": self._mark, "Cause": "16"})
        if self._answered.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._ended.wait()

    def _keep(self, recording: Path) -> None:
        if self._spool.is_file():
            shutil.move(self._spool, recording)
            self._result.recording = recording

    async def _follow(self, answer: aiohttp.ClientResponse) -> None:
        try:
            async for line in answer.content:
                if line.strip():
                    self._happened(json.loads(line))
        except aiohttp.ClientError:
            self._tell("lost", {})
        self._ended.set()

    def _happened(self, event: dict[str, Any]) -> None:
        kind, data = event["kind"], event["data"]
        if kind == "call.started" and data.get("caller_name") == self._mark:
            self._result.call_id = event["call"]
            self._answered.set()
        if not self._result.call_id or event["call"] != self._result.call_id:
            return
        self._tell(kind, data)
        if kind == "said":
            self._result.said.append(data["text"])
            if data.get("wants") in ("key", "digits"):
                self._questions.put_nowait(BEFORE_KEY_SECONDS)
        elif kind == "recording":  # after the prompt, before the beep
            self._questions.put_nowait(SPEAKING_SECONDS)
        elif kind == "call.ended":
            self._result.ended = data["how"]
            self._ended.set()
