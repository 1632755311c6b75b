"""What is to be said, before it is sound. Pure.

An utterance is a row of *pieces*; each piece is a run of words that is rendered and cached as one clip, and the
clips are joined into one file. Pieces are cut so that they come back often: the fixed parts of a prompt, a name, a
number word.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

# A pause of that length is heard as a comma, or as a full stop.
COMMA_HEARD_MS = 180
STOP_HEARD_MS = 400


@dataclass(frozen=True)
class Piece:
    """Words rendered as one clip.

    ``prompt`` names the catalogue entry when the piece is a whole fixed prompt, so that a recording with that name can
    take its place.
    """

    words: str
    prompt: str = ""
    pause_after_ms: int = 0


@dataclass(frozen=True)
class Utterance:
    """One thing said to a caller: one file, one command.

    ``text`` and ``key`` are worked out once (by hand: functools.cached_property takes a lock in Python 3.11).
    """

    language: str
    pieces: tuple[Piece, ...]
    prompts: tuple[str, ...] = ()  # the catalogue ids it was made of, for traces and tests

    @property
    def text(self) -> str:
        """What the caller hears, as one would write it down."""
        found: str | None = self.__dict__.get("text_")
        if found is None:
            found = self.__dict__["text_"] = self._written()
        return found

    @property
    def key(self) -> str:
        """Content hash: the same words in the same language and order have the same key."""
        found: str | None = self.__dict__.get("key_")
        if found is None:
            body = "\x1f".join([f"{piece.prompt}\x1e{piece.words}\x1e{piece.pause_after_ms}" for piece in self.pieces])
            found = self.__dict__["key_"] = hashlib.sha256(f"{self.language}\x1d{body}".encode()).hexdigest()[:32]
        return found

    def _written(self) -> str:
        gap, comma, stop = (" ", ", ", ". ") if self.language == "en" else ("", "，", "。")
        parts: list[str] = []
        for piece in self.pieces:
            long, short = piece.pause_after_ms >= STOP_HEARD_MS, piece.pause_after_ms >= COMMA_HEARD_MS
            words = piece.words.removesuffix(".") if long else piece.words  # "p.m." ends a sentence with one point
            parts += [words, stop if long else comma if short else gap]
        return "".join(parts).strip()

    def __add__(self, other: Utterance) -> Utterance:
        """This, then the other, in one breath."""
        if other.language != self.language:
            raise ValueError(f"cannot join an utterance in {other.language} to one in {self.language}")
        return Utterance(self.language, self.pieces + other.pieces, self.prompts + other.prompts)


@dataclass(frozen=True, slots=True)
class Sound:
    """A file that Asterisk can play: ``path`` has no extension, Asterisk chooses the cheapest format beside it."""

    path: str
    seconds: float
