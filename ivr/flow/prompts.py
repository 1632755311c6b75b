"""What flows need of the catalogue of prompts: a port, so that a test may bring its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ivr.speech.utterance import Utterance
from ivr.speech.values import Value


class Prompts(Protocol):
    """The texts a flow may say (``ivr.speech.catalogue.Catalogue``)."""

    @property
    def languages(self) -> Sequence[str]: ...

    def has(self, prompt: str, language: str) -> bool:
        """Whether there is such a prompt in that language."""

    def signature(self, prompt: str) -> Mapping[str, str]:
        """The placeholders of a prompt and the kind of value each takes."""

    def close_to(self, prompt: str) -> Sequence[str]:
        """Known prompts that look like this name."""

    def say(self, prompt: str, language: str, values: Mapping[str, Value]) -> Utterance:
        """The prompt, filled in."""
