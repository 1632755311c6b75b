"""A caller without a telephone: speaks AGI with a live controller as Asterisk would, and presses keys at once.

Knows prompts by the sounds that they are played from, and nothing of what is asked: that is its user's business.
"""

from __future__ import annotations

import asyncio
import itertools
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import PurePath

LINE = "95500"
ENVIRONMENT = """\
agi_network: yes
agi_network_script: call
agi_request: agi://127.0.0.1/call
agi_channel: PJSIP/guesser-{number:08x}
agi_language: zh
agi_type: PJSIP
agi_uniqueid: guess-{number}.{number}
agi_version: 22.5.0
agi_callerid: {caller}
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: {line}
agi_rdnis: unknown
agi_context: goldline-call
agi_extension: s
agi_priority: 2
agi_enhanced: 0.0
agi_accountcode:
agi_threadid: 140223344556677
agi_arg_1: {line}

"""

_numbers = itertools.count(1)

Answering = Callable[[str, tuple[str, ...]], str]
"""(the prompt that asks, the prompts heard since the last question) → the keys to press"""


class RawCaller:
    """One call. ``prompts`` names the sounds (file name without extension) of the prompts that matter.

    ``pause``: seconds before each question is answered.
    """

    def __init__(self, port: int, caller: str, prompts: Mapping[str, str], *, pause: float = 0.0) -> None:
        self._port = port
        self._caller = caller
        self._prompts = prompts
        self._pause = pause
        self._keys = ""
        self._heard: list[str] = []
        self.waits: list[float] = []  # seconds from each answer that brought keys to the controller's next command

    async def call(self, answering: Answering) -> None:
        """From the first word until the controller has ended the call."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            environment = ENVIRONMENT.format(number=next(_numbers), caller=self._caller or "unknown", line=LINE)
            writer.write(environment.encode())
            keyed_at = 0.0
            while line := await reader.readline():
                if keyed_at:
                    self.waits.append(time.perf_counter() - keyed_at)
                if self._pause and line.startswith(b"GET OPTION"):
                    await asyncio.sleep(self._pause)
                answer, keyed = self._answer(shlex.split(line.decode()), answering)
                writer.write(f"200 result={answer}\n".encode())
                keyed_at = time.perf_counter() if keyed else 0.0
        finally:
            writer.close()

    def _answer(self, words: list[str], answering: Answering) -> tuple[str, bool]:
        match words:
            case ["STREAM", "FILE", sound, *_]:
                self._heard.append(self._prompts.get(PurePath(sound).name, ""))
                return "0 endpos=8000", False
            case ["GET", "OPTION", sound, *_]:
                if not self._keys:
                    self._keys = answering(self._prompts.get(PurePath(sound).name, ""), tuple(self._heard))
                    self._heard.clear()
                return f"{self._key()} endpos=800000", True
            case ["GET", "DATA", _, _, most]:
                digits, end, rest = self._keys.partition("#")
                taken = digits[: int(most)]
                self._keys = rest if end and len(digits) < int(most) else self._keys[len(taken) :]
                return taken, True
            case ["WAIT", "FOR", "DIGIT", *_]:
                return str(self._key()), True
            case ["CHANNEL", "STATUS", *_]:
                return "6", False
            case ["SET", "VARIABLE", *_]:
                return "1", False
            case _:
                return "0", False

    def _key(self) -> int:
        """The next key as AGI tells it: its character's number, 0 for none."""
        key, self._keys = self._keys[:1], self._keys[1:]
        return ord(key) if key else 0
