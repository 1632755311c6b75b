"""Reading the fields that several kinds of node share."""

from __future__ import annotations

from ivr.datafile.fields import KEYS, Fields
from ivr.flow.model import Saying, Target


def saying(fields: Fields, name: str, default: tuple[str, ...] | None = None) -> Saying:
    """Prompts to say in one breath, with the node's ``with:`` for placeholders."""
    prompts = fields.words(name, default)
    bind = fields.mapping("with", {}) if name == "say" else {}
    return Saying(prompts, fields.line(name), bind)


def target(fields: Fields, name: str, default: str | None = None) -> Target:
    """Where a way leads, within the flow."""
    return Target(fields.text(name, default))


def keyed(fields: Fields, name: str = "keys") -> dict[str, Target]:
    """Ways that a key opens beside what the node does; none when nothing is said of them."""
    keys: dict[str, Target] = {}
    for key, to in fields.mapping(name, {}).items():
        if len(key) == 1 and key in KEYS:
            keys[key] = Target(to)
        else:
            fields.problem(name, f"{key!r} is not a key.", 'Keys are 0 to 9, "*" and "#".')
    return keys
