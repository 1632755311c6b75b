"""What SIP codes and hang-up causes say of a call that nobody answered: ``causes.yaml``. Pure but for ``read``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse
from outbound.outcomes import UNANSWERED, Outcome

CAUSES_FILE: Final = Path(__file__).parent / "causes.yaml"
CLASSES: Final = ("3xx", "4xx", "5xx", "6xx")  # what holds for every code that is not named
NOTHING: Final = "none"
_WORDS: Final = (*UNANSWERED, NOTHING)
_OUTCOMES: Final[Mapping[str, Outcome | None]] = {**{word: word for word in UNANSWERED}, NOTHING: None}


class CausesInvalid(FileInvalid):
    """The table of codes cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "causes-invalid"


@dataclass(frozen=True, slots=True)
class SipMeaning:
    """What a final SIP code says. ``cause`` is the Q.850 cause that Asterisk makes of it."""

    cause: int
    outcome: Outcome | None
    unrung: Outcome | None  # the outcome when no telephone had rung before


@dataclass(frozen=True, slots=True)
class TrunkMeanings:
    """Where one trunk means something else."""

    sip: Mapping[int, Outcome | None] = field(default_factory=dict)
    causes: Mapping[int, Outcome | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Causes:
    """The whole table. ``sip`` is keyed by the code or its class (``4xx``)."""

    sip: Mapping[str, SipMeaning]
    causes: Mapping[int, Outcome | None]
    trunks: Mapping[str, TrunkMeanings] = field(default_factory=dict)

    def of(self, trunk: str, sip: int, cause: int, rang: bool) -> Outcome | None:
        """What these say on this trunk; None when they say nothing. ``sip`` and ``cause`` 0: there was none.

        A trunk's own meaning goes first. A cause that Asterisk did not make of the SIP code was sent by the network
        (RFC 3326) and says more than the code.
        """
        own = self.trunks.get(trunk, TrunkMeanings())
        if sip in own.sip:
            return own.sip[sip]
        if cause in own.causes:
            return own.causes[cause]
        meaning = self._sip(sip)
        if meaning is None:
            return self.causes.get(cause)
        if cause != meaning.cause:
            said = self.causes.get(cause)
            if said is not None:
                return said
        return meaning.outcome if rang else meaning.unrung

    def _sip(self, sip: int) -> SipMeaning | None:
        return self.sip.get(str(sip)) or self.sip.get(f"{sip // 100}xx")


def read(path: Path = CAUSES_FILE) -> Causes:
    """The table in this file. Raises CausesInvalid."""
    return read_checked(path, load, CausesInvalid)


def load(text: str, file: str) -> tuple[Causes | None, list[Problem]]:
    """The table in this text, and every problem; with problems it is good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    table = Causes(_sip(fields), _causes(_inner(fields, "causes")), _trunks(_inner(fields, "trunks")))
    fields.done()
    return table, sorted(problems)


def _inner(fields: Fields, name: str) -> Fields | None:
    if not fields.has(name):
        fields.problem(name, f"{name} is missing.", f"Add `{name}:`, as the file that came with Goldline has it.")
    return fields.inner(name)


def _sip(fields: Fields) -> dict[str, SipMeaning]:
    inner = _inner(fields, "sip")
    if inner is None:
        return {}
    found = {}
    for code in inner.table.entries:
        if code not in CLASSES and not _number(inner, code, 300, 699):
            inner.element(code)
            continue
        meaning = inner.inner(code)
        if meaning is not None:
            cause = meaning.number("cause", None, 1, 127)
            outcome = _outcome(meaning, "outcome", meaning.text("outcome"))
            unrung = _outcome(meaning, "unrung", meaning.text("unrung")) if meaning.has("unrung") else outcome
            meaning.done()
            found[code] = SipMeaning(cause, outcome, unrung)
    for missing in (name for name in CLASSES if not inner.has(name)):
        inner.problem(missing, f"{missing} is missing.", "Add it: some code is always new.")
    return found


def _causes(fields: Fields | None) -> dict[int, Outcome | None]:
    return _meanings(fields, 1, 127)


def _trunks(fields: Fields | None) -> dict[str, TrunkMeanings]:
    if fields is None:
        return {}
    found = {}
    for trunk in fields.table.entries:
        inner = fields.inner(trunk)
        if inner is not None:
            found[trunk] = TrunkMeanings(_meanings(inner.inner("sip"), 300, 699), _causes(inner.inner("causes")))
            inner.done()
    return found


def _meanings(fields: Fields | None, least: int, most: int) -> dict[int, Outcome | None]:
    if fields is None:
        return {}
    found = {}
    for code in fields.table.entries:
        word = fields.text(code)
        if _number(fields, code, least, most):
            found[int(code)] = _outcome(fields, code, word)
    return found


def _number(fields: Fields, code: str, least: int, most: int) -> bool:
    if code.isascii() and code.isdigit() and least <= int(code) <= most:
        return True
    fields.problem(code, f"{code!r} is no code from {least} to {most}.", "Take the line out.")
    return False


def _outcome(fields: Fields, name: str, word: str) -> Outcome | None:
    if word and word not in _OUTCOMES:
        fields.problem(name, f"{name}: there is no outcome {word!r} of a dial nobody answered.", suggest(word, _WORDS))
    return _OUTCOMES.get(word)
