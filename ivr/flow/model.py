"""A flow, once read: frozen, so that a call ends on the version it began with. Pure.

A node is one step of a call. Each kind of node is one file in ``ivr/flow/nodes``; this module holds what they share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ivr.speech.values import Value

if TYPE_CHECKING:
    from ivr.datafile.fields import Fields
    from ivr.flow.turn import Turn


@dataclass(frozen=True, slots=True)
class Target:
    """Where a way leads: a node of this flow, or (``flow`` given) of another one."""

    node: str
    flow: str = ""

    def __str__(self) -> str:
        return f"{self.flow}/{self.node}" if self.flow else self.node


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a node. ``saves`` are the values that are there once it was taken, by name and kind.

    ``driven``: only a key of the caller leads here. A loop made of ways that nobody drives would never end.
    """

    label: str
    target: Target
    line: int
    driven: bool = False
    saves: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saying:
    """Prompts said in one breath. ``bind`` names the value for a placeholder where the two are called differently."""

    prompts: tuple[str, ...]
    line: int
    bind: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Node(ABC):
    """One step of a call."""

    type: ClassVar[str]
    ends: ClassVar[bool] = False  # the call ends here
    talks: ClassVar[bool] = False  # the caller hears something: worth a checkpoint
    asks: ClassVar[bool] = False  # and is asked for keys

    name: str
    line: int

    @classmethod
    @abstractmethod
    def read(cls, name: str, fields: Fields) -> Node:
        """Read the node's own fields; problems are noted, never raised."""

    @abstractmethod
    def ways(self) -> Iterable[Way]:
        """Every way out."""

    def sayings(self) -> Iterable[Saying]:
        """Everything the node may say."""
        return ()

    @abstractmethod
    async def run(self, turn: Turn) -> str:
        """Do it for one caller. Returns the label of the way taken (anything, where the node ends the call)."""


@dataclass(frozen=True)
class Flow:
    """One flow as it was read from one file."""

    name: str
    file: str
    version: str  # content hash: the same text has the same version
    languages: tuple[str, ...]
    start: str
    values: Mapping[str, Value]  # what every call begins with
    nodes: Mapping[str, Node]
    ways: Mapping[str, Mapping[str, Way]]  # by node, by label
    secrets: frozenset[str] = frozenset()  # values that never reach a log, the trace or a checkpoint
    assigned: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by node: values surely there, by kind
    outbound: bool = False  # for calls of ours: no line and no caller's flow leads here


@dataclass(frozen=True)
class FlowSet:
    """All flows that serve at one moment."""

    flows: Mapping[str, Flow]

    def __getitem__(self, name: str) -> Flow:
        return self.flows[name]

    def __contains__(self, name: object) -> bool:
        return name in self.flows
