"""A flow as a picture, in Graphviz' DOT language. Pure; ``ivr graph`` has ``dot`` draw it."""

from __future__ import annotations

from ivr.flow.model import Flow, Node

SHAPES = {"say": "note", "menu": "house", "gather": "parallelogram", "service": "box3d", "choose": "diamond"}
COLOURS = {
    "say": "#eef5ff",
    "menu": "#fff4d6",
    "gather": "#e9f8e5",
    "service": "#f4eafc",
    "choose": "#fdebe7",
    "goto": "#f2f2f2",
    "hangup": "#dddddd",
}


def dot(flow: Flow) -> str:
    """The flow in DOT. Ways that a key drives are solid, the others dashed."""
    lines = [
        f"digraph {_quoted(flow.name)} {{",
        f"  graph [rankdir=TB, label={_quoted(f'{flow.name} @ {flow.version}')}, labelloc=t, fontname=sans];",
        "  node [style=filled, fontname=sans, fontsize=11]; edge [fontname=sans, fontsize=10];",
        '  start [shape=circle, label="", width=0.2, fillcolor=black];',
        f"  start -> {_quoted('n_' + flow.start)};",
    ]
    outside: dict[str, str] = {}
    for node in flow.nodes.values():
        lines.append(
            f"  {_quoted('n_' + node.name)} [label={_label(node)}, shape={SHAPES.get(node.type, 'box')}, "
            f"fillcolor={_quoted(COLOURS.get(node.type, '#ffffff'))}];"
        )
        for way in flow.ways[node.name].values():
            if way.target.flow:
                target = outside.setdefault(str(way.target), f"flow_{len(outside)}")
            else:
                target = f"n_{way.target.node}"
            style = "solid" if way.driven or way.label == "next" else "dashed"
            label = "" if way.label == "next" else way.label
            lines.append(f"  {_quoted('n_' + node.name)} -> {_quoted(target)} [label={_quoted(label)}, style={style}];")
    for name, key in outside.items():
        lines.append(f'  {_quoted(key)} [label={_quoted(name)}, shape=cds, fillcolor="#ffffff"];')
    lines.append("}")
    return "\n".join(lines) + "\n"


def _label(node: Node) -> str:
    said = next(iter(node.sayings()), None)
    below = ", ".join(said.prompts) if said else str(getattr(node, "call", ""))
    return _quoted(f"{node.name}\n{below}" if below else node.name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
