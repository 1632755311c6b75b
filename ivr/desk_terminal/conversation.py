"""What a typed line means, given what is on the card. Pure: cards and lines in, requests and words out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ivr.desk_terminal.words import Words

Card = Mapping[str, Any]
Mode = Literal["talk", "disposition", "time", "note"]

PLAIN_ACTS: Final[Mapping[str, str]] = {
    "ready": "ready",
    "more": "more_time",
    "resume": "resume",
    "accept": "accept",
    "skip": "skip",
}
ACTS: Final = frozenset((*PLAIN_ACTS.values(), "answer", "settle", "pause"))
BY_ME: Final = ("me", "我", "本人")
COMMAND: Final = (":", "：")


@dataclass(frozen=True, slots=True)
class Ask:
    """Have the desk do this."""

    act: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the agent this; ``card``: show the whole card again, ``list``: and the dispositions."""

    text: str = ""
    card: bool = False
    dispositions: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """The agent leaves the desk."""


Meaning = Ask | Tell | Leave


@dataclass(slots=True)
class Conversation:
    """One agent at the desk."""

    words: Words
    card: Card = field(default_factory=dict)
    mode: Mode = "talk"
    chosen: Mapping[str, Any] = field(default_factory=dict)  # the disposition that is being given
    at: str = ""
    with_me: bool = False

    def take(self, card: Card) -> None:
        """This is on the line now. What was begun for another call is forgotten."""
        if card.get("call") != self.card.get("call"):
            self.mode, self.chosen = "talk", {}
        self.card = card

    @property
    def question(self) -> Mapping[str, Any] | None:
        """What the script asks now."""
        script = self.card.get("script")
        return script.get("question") if script else None

    @property
    def prompt(self) -> str:
        """What stands before the line that is typed."""
        match self.mode:
            case "disposition":
                return f"{self.words.ask_disposition} > "
            case "time":
                must = self.chosen.get("appointment") == "must"
                return f"{self.words.ask_time if must else self.words.ask_time_or_none} > "
            case "note":
                return f"{self.words.ask_note} > "
        return "> "

    def typed(self, line: str) -> Meaning:
        """What the line means."""
        text = line.strip()
        if text.startswith(COMMAND):
            return self._command(text[1:])
        match self.mode:
            case "disposition":
                return self._choose(text)
            case "time":
                return self._when(text)
            case "note":
                return self._settle(text)
        question = self.question
        if question is not None and (text or not question["required"]):
            return Ask("answer", {"call": self.card["call"], "step": question["step"], "typed": line})
        if text and self.card.get("dispositions") and question is None:
            return self._choose(text)
        return Tell(card=not text, text=self.words.no_question if text else "")

    def refused(self, error: str) -> None:
        """What was asked for was refused: a time may be given again."""
        if error == "bad-appointment" and self.chosen:
            self.mode = "time"

    def done(self, act: str) -> None:
        """What was asked for was done."""
        if act == "settle":
            self.mode, self.chosen = "talk", {}

    def _command(self, text: str) -> Meaning:
        word, _, rest = text.strip().partition(" ")
        match word:
            case "q":
                return Leave()
            case "h" | "":
                return Tell(self.words.help)
            case "s":
                return Tell(card=True)
            case "d":
                if not self.card.get("dispositions"):
                    return Tell(self.words.no_call)
                self.mode = "disposition"
                return self._choose(rest.strip()) if rest.strip() else Tell(dispositions=True)
            case "b":
                self.mode, self.chosen = "talk", {}
                return Tell(card=True)
            case "c":
                return self._correct(rest)
            case "pause":
                return Ask("pause", {"reason": rest.strip()})
        if word in PLAIN_ACTS:
            return Ask(PLAIN_ACTS[word], {"call": self.card.get("call", "")})
        return Tell(self.words.no_such)

    def _correct(self, rest: str) -> Meaning:
        number, _, answer = rest.strip().partition(" ")
        script = self.card.get("script")
        answered = script["answered"] if script else []
        if not number.isdecimal() or not 1 <= int(number) <= len(answered):
            return Tell(self.words.nothing_to_correct)
        step = answered[int(number) - 1]["step"]
        return Ask("answer", {"call": self.card["call"], "step": step, "typed": answer})

    def _choose(self, text: str) -> Meaning:
        listed = self.card.get("dispositions") or []
        found = next((one for one in listed if one["id"] == text), None)
        if found is None and text.isdecimal() and 1 <= int(text) <= len(listed):
            found = listed[int(text) - 1]
        if found is None:
            return Tell(self.words.no_such, dispositions=True)
        self.chosen, self.at, self.with_me = found, "", False
        self.mode = "note" if found["appointment"] == "none" else "time"
        return Tell()

    def _when(self, text: str) -> Meaning:
        if not text and self.chosen.get("appointment") == "must":
            return Tell()
        words = text.split()
        self.with_me = bool(words) and words[-1].lower() in BY_ME
        self.at = " ".join(words[:-1] if self.with_me else words)
        self.mode = "note"
        return Tell()

    def _settle(self, text: str) -> Meaning:
        return Ask(
            "settle",
            {
                "call": self.card["call"],
                "disposition": self.chosen["id"],
                "at": self.at,
                "with_me": self.with_me,
                "note": text,
            },
        )
