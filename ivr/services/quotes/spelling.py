"""Names by the keys of a telephone: ``gzmt`` is 4968 (ITU-T E.161). Which names begin so, the best first.

In Mandarin a name is spelled by the pinyin initials of its characters, in English by the letters of its words. The
index is pure; ``SpelledNames`` keeps one for the instruments of the board.
"""

from __future__ import annotations

import asyncio
import bisect
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from db.instruments import Instrument
from ivr.errors import GoldlineError

log = logging.getLogger("goldline.quotes")

LOOK_SECONDS: Final = 1.0  # how often the board's list is looked at
RETRY_SECONDS: Final = 60.0
_LETTERS: Final = ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz")
_KEYS: Final = {letter: str(key) for key, letters in enumerate(_LETTERS, start=2) for letter in letters}
_STATE: Final = re.compile(r"^(?:s\*?st|\*?st|xd|xr|dr|n(?=[\u4e00-\u9fff])|c(?=[\u4e00-\u9fff]))", re.IGNORECASE)
_WORDS: Final = re.compile(r"[a-z0-9]+")

Initials = Callable[[Sequence[str]], Awaitable[Sequence[str]]]


def keys_of(letters: str) -> str:
    """The keys of letters and figures; everything else has none."""
    return "".join(_KEYS.get(letter, letter if letter.isdecimal() else "") for letter in letters.lower())


class SpelledIndex:
    """Which instruments a row of keys may mean. Pure."""

    def __init__(self, spelled: Sequence[tuple[str, Instrument]]) -> None:
        """``spelled``: keys and what they spell; an instrument may be spelled in several ways."""
        order = sorted(spelled, key=lambda one: (one[0], one[1].code, one[1].market))
        self._keys = [keys for keys, _ in order]
        self._instruments = [instrument for _, instrument in order]

    def find(self, keys: str) -> tuple[Instrument, ...]:
        """Those spelled exactly so first, then those that begin so, shorter names first; each once."""
        if not keys.isdecimal():
            return ()
        first = bisect.bisect_left(self._keys, keys)
        last = bisect.bisect_left(self._keys, keys + ":")  # ":" comes right behind "9"
        found = sorted(range(first, last), key=lambda place: (len(self._keys[place]), self._instruments[place].key))
        return tuple(dict.fromkeys(self._instruments[place] for place in found))


def index_of(instruments: Sequence[Instrument], initials: Mapping[str, str]) -> dict[str, SpelledIndex]:
    """The index of each language. ``initials`` holds those of every Chinese name, with and without ``plain``."""
    chinese: list[tuple[str, Instrument]] = []
    english: list[tuple[str, Instrument]] = []
    for instrument in instruments:
        ways = {keys_of(initials.get(name, "")) for name in (instrument.name_zh, plain(instrument.name_zh))}
        chinese += [(keys, instrument) for keys in ways if keys]
        words = _WORDS.findall(instrument.name_en.lower())
        ways = {keys_of("".join(words[place:])) for place in range(len(words))}
        english += [(keys, instrument) for keys in ways if keys]
    return {"zh": SpelledIndex(chinese), "en": SpelledIndex(english)}


def plain(name: str) -> str:
    """A Chinese name without the marks that come and go: ``*ST海航`` → ``海航``, ``N某某`` → ``某某``."""
    return _STATE.sub("", name)


class SpelledNames:
    """The index of the instruments that are listed. ``learn`` them, or ``follow`` the board in a task."""

    def __init__(self, initials: Initials) -> None:
        """``initials`` gives the pinyin initials of names (``ivr.speech.initials.initials_of``)."""
        self._read = initials
        self._initials: dict[str, str] = {}
        self._index: dict[str, SpelledIndex] = {}
        self._of: Sequence[Instrument] = ()

    @property
    def ready(self) -> bool:
        """There is an index."""
        return bool(self._index)

    def find(self, keys: str, language: str) -> tuple[Instrument, ...]:
        """What these keys may spell, in the caller's language first; the other one counts when nothing fits."""
        for one in (language, *(other for other in self._index if other != language)):
            if one in self._index and (found := self._index[one].find(keys)):
                return found
        return ()

    async def learn(self, instruments: Sequence[Instrument]) -> None:
        """Take in a list; only names that are new are read. Raises what ``initials`` raises."""
        names = {name for one in instruments for name in (one.name_zh, plain(one.name_zh))}
        new = sorted(names - self._initials.keys())
        if new:
            self._initials |= zip(new, await self._read(new), strict=True)
        self._initials = {name: self._initials[name] for name in names}
        self._index = await asyncio.to_thread(index_of, instruments, self._initials)  # 6,000 take a tenth of a second
        self._of = instruments

    async def follow(self, listed: Callable[[], Sequence[Instrument]]) -> None:
        """Learn the list anew whenever it is another one, for good."""
        while True:
            instruments = listed()
            pause = LOOK_SECONDS
            if instruments is not self._of:
                try:
                    await self.learn(instruments)
                except GoldlineError as error:
                    log.error("Names cannot be spelled by keys until this is mended: %s", error)
                    pause = RETRY_SECONDS
            await asyncio.sleep(pause)
