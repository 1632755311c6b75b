"""What an offer takes along to the seat: how it is rung, what its display shows, what is whispered, whether the talk is
recorded. Words are made into sound while the caller waits, so that no seat rings later for it.

Must not know: the engine, Asterisk's manager.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import structlog

from agent_routing.seat_times import SeatTimes
from agent_routing.seats import road_to
from db.agent import ENDPOINT_KINDS, Seat
from db.customer import Tier
from db.errors import StoreError
from db.waiting_callbacks import is_callback
from ivr import contract
from ivr.call import Voice
from ivr.flow.prompts import Prompts
from ivr.queueing.place import Place
from ivr.recordings.folder import SUFFIX, new_name
from ivr.speech.errors import SpeechError
from ivr.speech.values import Name

log = structlog.get_logger(__name__)

WHISPER_TIER: Final = "whisper_{tier}"  # prompts without values, one for each tier
WHISPER_NAME: Final = "whisper_name"  # {name:name}
WHISPER_CALLBACK: Final = "whisper_callback"  # before the rest, to whoever calls a customer back
ACCEPT: Final = "accept_call"  # asks the agent for the key 1
NAME_SECONDS: Final = 0.2  # a seat rings so much later at most, to show who it is; reading the name takes milliseconds
LONGEST_DISPLAY: Final = 40  # characters: phones show twenty or so
TIER_WORDS: Final[Mapping[str, Mapping[Tier, str]]] = {
    "zh": {"platinum": "铂金", "gold": "黄金", "silver": "白银", "normal": "普通"},
    "en": {"platinum": "Platinum", "gold": "Gold", "silver": "Silver", "normal": "Normal"},
}
# What has a meaning of its own in a SIP address or in Asterisk's dialplan.
_NOT_SHOWN: Final = frozenset('"<>\\;,$[]{}()|&')


NameOf = Callable[[int], Awaitable[Name | None]]


@dataclass(frozen=True, slots=True)
class _Prepared:
    name: Name | None
    whisper: str


class OfferMaker:
    """Makes the variables of offers (``ivr.contract.VAR_OFFER_*``)."""

    def __init__(
        self, prompts: Prompts, voice: Voice, name_of: NameOf, recordings: PurePath, language: str, beep: str = ""
    ) -> None:
        """``name_of(customer row)`` gives a customer's name; ``recordings`` is a folder that Asterisk can write to;
        ``language`` is the one in which agents are spoken to; ``beep`` is a short sound, without extension."""
        self._beep = beep
        self._prompts = prompts
        self._voice = voice
        self._name_of = name_of
        self._recordings = recordings
        self._language = language
        self._prepared: dict[str, _Prepared] = {}
        self._naming: dict[str, asyncio.Event] = {}  # by call: whose name is being read

    async def prepare(self, call: str, place: Place) -> None:
        """Make ready what is said of this caller. Without it, or when it fails, the tier alone is whispered."""
        name: Name | None = None
        naming = self._naming[call] = asyncio.Event()
        try:
            if place.customer is not None:
                name = await self._name_of(place.customer)
        except StoreError as error:
            log.info("a caller's name cannot be read", error=str(error))
        finally:
            naming.set()
            self._naming.pop(call, None)
        # The display has the name at once; the words take longer where they have never been said before.
        self._prepared[call] = _Prepared(name, self._ready(WHISPER_TIER.format(tier=place.tier)))
        utterance = self._prompts.say(WHISPER_TIER.format(tier=place.tier), self._language, {})
        if is_callback(call):
            utterance = self._prompts.say(WHISPER_CALLBACK, self._language, {}) + utterance
        if name is not None:
            utterance += self._prompts.say(WHISPER_NAME, self._language, {"name": name})
        if place.reason:
            utterance += self._prompts.say(place.reason, self._language, {})
        try:
            sound = await self._voice.compose(utterance)
        except SpeechError as error:
            log.warning("a whisper cannot be said", error=str(error))
            self._prepared[call] = _Prepared(name, "")
            return
        self._prepared[call] = _Prepared(name, sound.path)

    async def named(self, call: str) -> None:
        """Until the name of whoever came just now has been read, or as good as never will be."""
        naming = self._naming.get(call)
        if naming is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(NAME_SECONDS):
                    await naming.wait()

    def forget(self, call: str) -> None:
        """The call is over."""
        self._prepared.pop(call, None)

    def variables(self, seat: Seat, call: str, place: Place, times: SeatTimes) -> dict[str, str]:
        """The variables for this seat and caller; never waits. A recording is named after the offer."""
        prepared = self._prepared.get(call)
        words = TIER_WORDS.get(self._language, TIER_WORDS["zh"])[place.tier]
        texts = prepared.name.by_language if prepared and prepared.name else {}
        name = texts.get(self._language) or next(iter(texts.values()), "")
        whisper = prepared.whisper if prepared else self._ready(WHISPER_TIER.format(tier=place.tier))
        if place.at_once:  # who has answered us is there already: a signal, and no words
            whisper = self._beep
        offer, record = self.recorded_as(place)
        return {
            contract.VAR_OFFER_ID: offer,
            contract.VAR_OFFER_SEAT: seat.id,
            contract.VAR_OFFER_DIAL: road_to(seat),
            contract.VAR_OFFER_RING: str(int(times.longest["ringing"].total_seconds())),
            # What is shown behind a trunk is shown to carriers, too.
            contract.VAR_OFFER_NAME: shown(f"{words} {name}") if seat.kind in ENDPOINT_KINDS else "",
            contract.VAR_OFFER_WHISPER: whisper,
            # Whose leg is kept on the line has pressed the key when it was opened.
            contract.VAR_OFFER_ACCEPT: self._ready(ACCEPT) if seat.accept_key and not seat.kept_open else "",
            contract.VAR_OFFER_RECORD: record,
        }

    def recorded_as(self, place: Place) -> tuple[str, str]:
        """An offer's id, which says nothing, and the file that its talk is recorded into; empty: it is not."""
        offer = new_name()
        return offer, str(self._recordings / f"{offer}{SUFFIX}") if place.consent == "announced" else ""

    def accept(self) -> str:
        """The sound that asks an agent for the key; empty when it cannot be said."""
        return self._ready(ACCEPT)

    def _ready(self, prompt: str) -> str:
        sound = self._voice.ready(self._prompts.say(prompt, self._language, {}))
        return sound.path if sound else ""


async def warm(prompts: Prompts, voice: Voice, language: str) -> None:
    """Make the fixed words ready. Raises SpeechError."""
    fixed = [ACCEPT, *(WHISPER_TIER.format(tier=tier) for tier in TIER_WORDS["zh"])]
    await asyncio.gather(*(voice.compose(prompts.say(prompt, language, {})) for prompt in fixed))


def shown(text: str) -> str:
    """As a phone may show it, and as a SIP header and a dialplan may carry it."""
    plain = "".join(char for char in text if char.isprintable() and char not in _NOT_SHOWN)
    return plain.strip()[:LONGEST_DISPLAY]
