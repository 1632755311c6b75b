"""``service``: have a service do something, then go the way of its exit.

Every exit that the service declares must lead somewhere, and ``on_error`` says what happens when it fails or takes too
long: a caller never waits in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from ivr.agi.errors import AgiError
from ivr.datafile.fields import Fields
from ivr.datafile.source import Table
from ivr.flow.model import Node, Target, Way
from ivr.flow.nodes.reading import target
from ivr.flow.turn import Turn

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class AskService(Node):
    """Ask a service."""

    type = "service"

    call: str
    inputs: Mapping[str, str]
    exits: Mapping[str, Target]
    exit_lines: Mapping[str, int]
    on_error: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> AskService:
        element = fields.element("exits")
        lines = dict(element.key_lines) if isinstance(element, Table) else {}
        return cls(
            name=name,
            line=fields.table.line,
            call=fields.text("call"),
            inputs=fields.mapping("with", {}),
            exits={label: Target(to) for label, to in fields.mapping("exits").items()},
            exit_lines=lines,
            on_error=target(fields, "on_error", ""),
        )

    def ways(self) -> Iterable[Way]:
        for label, to in self.exits.items():
            yield Way(label, to, self.exit_lines.get(label, self.line))
        yield Way("on_error", self.on_error, self.line)

    async def run(self, turn: Turn) -> str:
        try:
            result = await turn.ask(self.call, self.inputs)
        except AgiError:
            raise
        except Exception as error:  # whatever a service does wrong, the caller is told and goes on
            turn.note("service", name=self.call, error=type(error).__name__)
            # Libraries put what they were given into their messages: of a secret input not even those are told.
            is_secret = not turn.flow.secrets.isdisjoint(self.inputs.values())
            told = type(error).__name__ if is_secret else repr(error)
            log.warning("service failed", service=self.call, error=told, path=turn.path)
            return "on_error"
        return result.exit
