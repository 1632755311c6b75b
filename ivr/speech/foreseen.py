"""What callers will hear, as far as it is known before the first call: what is rendered ahead. Pure.

The catalogue, every word that a value gives, names and codes of instruments and the like; and phrases: rows of words
that one breath should say (``点`` ``二`` ``三``), for the natural voice, whose single syllables sound like a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ivr.speech import reading
from ivr.speech.catalogue import Catalogue
from ivr.speech.utterance import Piece, Utterance
from ivr.speech.values import Code, Name
from ivr.speech.voice_pack import phrase


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What to render of one language: ``words`` in the order of their use, ``starts`` the first words of phrases."""

    words: dict[str, None] = field(default_factory=dict)
    starts: set[str] = field(default_factory=set)


def utterances(catalogue: Catalogue, names: Iterable[Name] = ()) -> Iterator[Utterance]:
    """The catalogue, all words of values, and these names, in every language."""
    yield from catalogue.utterances()
    for language in catalogue.languages:
        for word in reading.vocabulary(language):
            yield Utterance(language, (Piece(word),))
    for name in names:
        for language in catalogue.languages:
            if language in name.by_language:
                yield Utterance(language, reading.read(language, name))


def foreseen(catalogue: Catalogue, language: str, names: Iterable[Name], codes: Iterable[Code]) -> Foreseen:
    """What the natural voice should be able to say in that language."""
    found = Foreseen()
    for utterance in utterances(catalogue, names):
        if utterance.language == language:
            found.words.update((piece.words, None) for piece in utterance.pieces)
    rows = [*reading.phrases(language), *(reading.read(language, code) for code in codes)]
    for row in rows:
        if len(row) > 1:
            found.words[phrase(language, row)] = None
            found.starts.add(row[0].words)
    return found
