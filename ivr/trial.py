"""``ivr try``: a flow in the terminal, with typed keys and no Asterisk.

What would be said is printed; when a key is asked for, a line of keys is read. An empty line is silence, Ctrl-D hangs
up. Several keys may be typed at once: what the hotline does not need yet waits, as on the telephone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from ivr.datafile.fields import KEYS
from ivr.speech.utterance import Utterance
from ivr.testing import HANG_UP

ReadLine = Callable[[], Awaitable[str | None]]
Print = Callable[[str], None]
END_OF_LINE = "\n"


class TerminalCaller:
    """A caller who reads and types."""

    def __init__(self, read_line: ReadLine, show: Print) -> None:
        """``read_line`` gives one typed line, None at the end of the input."""
        self._read_line = read_line
        self._show = show
        self._keys: deque[str] = deque()

    async def hears(self, utterance: Utterance) -> None:
        self._show(f"  {'、'.join(utterance.prompts)}: {utterance.text}")

    async def presses_while_playing(self) -> str:
        return self._keys.popleft() if self._keys and self._keys[0] != END_OF_LINE else ""

    async def presses(self, *, first: bool) -> str:
        while first and self._keys and self._keys[0] == END_OF_LINE:
            self._keys.popleft()
        if not self._keys:
            if not first:
                return ""
            line = await self._keys_typed()
            if line is None:
                return HANG_UP
            if not line:
                return ""
            self._keys.extend(line + END_OF_LINE)
        key = self._keys.popleft()
        return "" if key == END_OF_LINE else key

    async def speaks(self) -> str:
        self._show("  (speak, then #; Enter is silence)")
        return await self.presses(first=True)

    async def _keys_typed(self) -> str | None:
        while True:
            line = await self._read_line()
            if line is None:
                return None
            keys = "".join(line.split())
            wrong = sorted(set(keys) - set(KEYS))
            if not wrong:
                return keys
            self._show(f"  (no such key: {' '.join(wrong)}; keys are 0-9 * #, Enter is silence, Ctrl-D hangs up)")
