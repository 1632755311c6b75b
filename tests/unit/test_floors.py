"""Imports go down the floors only (docs/architecture.md). Read from the source text, nothing is imported."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# From the ground up. A room is a module or package; the longest matching name counts.
FLOORS: list[set[str]] = [
    {"ivr.errors", "ivr.contract", "ivr"},
    {"ivr.datafile"},
    {"db"},
    {"ivr.agi", "ivr.ami", "ivr.speech"},
    {"agent_routing", "outbound"},
    {"ivr.call"},
    {"ivr.flow"},
    {
        "ivr.services",
        "ivr.lines",
        "ivr.customers",
        "ivr.identity",
        "ivr.recordings",
        "ivr.missed",
        "ivr.outreach",
    },
    {"ivr.queueing"},
    {"ivr.dialing"},
    {"ivr.selfservice", "ivr.agents", "ivr.report"},
    {"ivr.services.offline", "ivr.agent_desk"},
    {"ivr.testing", "ivr.reception"},
    {"ivr.golden", "ivr.trial"},
    {"ivr.config", "ivr.logs", "ivr.memory", "ivr.metrics"},
    {"ivr.asterisk", "ivr.health", "ivr.monitor"},
    {"ivr.install", "ivr.telephones"},
    {"ivr.app", "ivr.wallboard", "ivr.desk_terminal"},
    {"ivr.dial", "ivr.supervise"},
    {"ivr.doctor"},
    {"ivr.preparation"},
    {"ivr.cli"},
    {"ivr.__main__"},
]


def room_of(module: str) -> tuple[str, int]:
    best = ("", -1)
    for level, rooms in enumerate(FLOORS):
        for room in rooms:
            if (module == room or module.startswith(room + ".")) and len(room) > len(best[0]):
                best = (room, level)
    return best


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in found if name.split(".")[0] in {"ivr", "db", "agent_routing", "outbound"}}


def test_imports_go_down_the_floors_only() -> None:
    wrong: list[str] = []
    homeless: list[str] = []
    for package in ("ivr", "db", "agent_routing", "outbound"):
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            room, level = room_of(module)
            if room == "ivr" and module != "ivr":
                homeless.append(module)
            for name in imports_of(path):
                other, other_level = room_of(name)
                if other != room and other_level >= level:
                    wrong.append(f"{module} (floor {level}, {room}) imports {name} (floor {other_level}, {other})")
    assert not homeless, f"give these modules a floor in FLOORS: {homeless}"
    assert not wrong, "imports that go up or sideways:\n" + "\n".join(wrong)
