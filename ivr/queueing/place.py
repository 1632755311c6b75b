"""A caller's place in the queue, small enough to ride on the channel in VAR_WAIT. Pure.

``gold.1790000000123.REST``: tier and joining time stand in plain for the dialplan, which queues callers by them while
there is no controller, and may write a place without a rest itself. The rest is base64url of JSON with one-letter keys,
without padding: an AMI action and a dialplan both carry it, and commas, quotes, dollars and line ends have meanings of
their own there. A controller that was restarted reads all places back with one
AMI ``Status``; the wallboard reads the same text. A channel variable can hold whatever anybody wrote there, so what is
not a place in every part is none. Must not know: channels, the manager, the engine's state.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

from agent_routing.pool import Caller
from db.agent import LEVELS
from db.customer import TIERS, Tier
from db.recording import CONSENTS, Consent
from ivr.errors import GoldlineError

LONGEST: Final = 1000  # bytes of text: a header of AMI takes 1,024 with its name (manager.h, AMI's line buffer)
_LONGEST_WORD: Final = 64  # characters of a name, a code, a number: as long as the store's (db.models.WORD)
_MILLISECONDS_DIGITS: Final = 13  # from 2001 to 2286
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class PlaceTooLong(GoldlineError):
    """What is required of a seat does not fit on the channel, and none of it may be left behind."""

    error_id: ClassVar[str] = "place-too-long"

    def __init__(self, bytes_needed: int) -> None:
        super().__init__(
            f"A place in the queue takes {bytes_needed} bytes; a channel carries {LONGEST}.",
            remedy="Let the flow require fewer skills, or skills with shorter names.",
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What a caller who waits must not lose. Fields as in ``agent_routing.pool.Caller``.

    ``joined`` is in seconds since 1970, told to the millisecond. ``customer`` is the row of a known customer, ``line``
    the number that was dialled, ``reason`` a prompt that says what the caller wants. ``consent``: the caller was told
    that the talk will be recorded, and refused or not; None: nothing was said of it, and it is not.
    ``at_once``: it is we who called.
    """

    joined: float
    tier: Tier
    language: str = ""
    dialect: str = ""
    branch: str = ""
    managers: tuple[str, ...] = ()
    required: Mapping[str, int] = field(default_factory=dict)
    wished: Mapping[str, int] = field(default_factory=dict)
    front: bool = False
    customer: int | None = None
    line: str = ""
    reason: str = ""
    consent: Consent | None = None
    at_once: bool = False

    def caller(self, call_id: str) -> Caller:
        """The engine's view of the caller whose call has this id."""
        return Caller(
            call_id,
            self.tier,
            self.joined,
            language=self.language,
            dialect=self.dialect,
            branch=self.branch,
            managers=self.managers,
            required=self.required,
            wished=self.wished,
            front=self.front,
            at_once=self.at_once,
        )


def encode(place: Place) -> str:
    """As text for a channel variable, at most LONGEST bytes.

    What is too long loses wished skills first, then who stands in for the manager, the last ones first. Raises
    PlaceTooLong when what remains does not fit: what is required is never relaxed.
    """
    text = _encoded(place)
    while len(text) > LONGEST:
        if place.wished:
            place = replace(place, wished=dict(list(place.wished.items())[:-1]))
        elif place.managers:
            place = replace(place, managers=place.managers[:-1])
        else:
            raise PlaceTooLong(len(text))
        text = _encoded(place)
    return text


def decode(text: str) -> Place | None:
    """Back from text; None for anything that is not one of ours."""
    head, _, rest = text.rpartition(".")
    if not text or len(text) > LONGEST or not _ALPHABET.issuperset(rest):
        return None
    try:
        if not rest:
            tier, milliseconds = head.split(".")
            return Place(joined=_milliseconds(milliseconds), tier=_tier(tier))
        plain = json.loads(base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)))
        return Place(
            joined=_seconds(plain["j"]),
            tier=_tier(plain["t"]),
            language=_word(plain.get("l", "")),
            dialect=_word(plain.get("d", "")),
            branch=_word(plain.get("b", "")),
            managers=_words(plain.get("m", [])),
            required=_levels(plain.get("r", {})),
            wished=_levels(plain.get("w", {})),
            front=_truth(plain.get("f", False)),
            customer=_row(plain.get("c")),
            line=_word(plain.get("n", "")),
            reason=_word(plain.get("x", "")),
            consent=_consent(plain.get("k")),
            at_once=_truth(plain.get("a", False)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        return None


def _encoded(place: Place) -> str:
    plain = {
        "j": round(place.joined, 3),
        "t": place.tier,
        "l": place.language,
        "d": place.dialect,
        "b": place.branch,
        "m": place.managers,
        "r": dict(place.required),
        "w": dict(place.wished),
        "f": place.front,
        "c": place.customer,
        "n": place.line,
        "x": place.reason,
        "k": place.consent,
        "a": place.at_once,
    }
    spoken = {key: value for key, value in plain.items() if value or key == "j" or (key == "c" and value == 0)}
    raw = json.dumps(spoken, ensure_ascii=False, separators=(",", ":")).encode()
    rest = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return f"{place.tier}.{max(round(place.joined * 1000), 0)}.{rest}"


def _milliseconds(text: str) -> float:
    if not (text.isascii() and text.isdigit() and len(text) == _MILLISECONDS_DIGITS):
        raise ValueError(text)
    return int(text) / 1000


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _tier(value: Any) -> Tier:
    for tier in TIERS:
        if value == tier:
            return tier
    raise ValueError(value)


def _word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_WORD or not value.isprintable():
        raise ValueError(value)
    return value


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(value)
    return tuple(_word(word) for word in value)


def _levels(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        raise ValueError(value)
    if any(isinstance(level, bool) or not isinstance(level, int) or level not in LEVELS for level in value.values()):
        raise ValueError(value)
    return {_word(skill): level for skill, level in value.items()}


def _consent(value: Any) -> Consent | None:
    if value is None:
        return None
    for consent in CONSENTS:
        if value == consent:
            return consent
    raise ValueError(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _row(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(value)
    return value
