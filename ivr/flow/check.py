"""The second pass: does the flow make sense?

Every target exists, every node can be reached, no loop runs without the caller, every exit of a service leads
somewhere, every prompt exists in every language of the flow, and every value a prompt, service or condition wants is
surely there, with the right kind, on whatever way the call came; no secret value is said. Pure: flows in, problems out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ivr.datafile.fields import suggest
from ivr.datafile.problem import Problem
from ivr.flow.model import Flow, Node, Saying, Way
from ivr.flow.nodes.choose import BUILT_IN, Choose, names_in
from ivr.flow.nodes.goto import Goto
from ivr.flow.nodes.record import Record
from ivr.flow.nodes.service import AskService
from ivr.flow.prompts import Prompts
from ivr.flow.service import Service
from ivr.speech.values import Code

Kinds = Mapping[str, str]


def check_flow(
    flow: Flow,
    others: Mapping[str, Flow],
    prompts: Prompts,
    services: Mapping[str, Service],
    refused: Collection[str] = (),
) -> tuple[Flow, list[Problem]]:
    """Check one flow among the others. Returns it with what is known of its values filled in.

    ``refused`` are flows that are not among the others for faults of their own: a way that leads there says so.
    """
    checker = _Checker(flow, others, prompts, services, refused)
    return checker.check(), checker.problems


class _Checker:
    def __init__(
        self,
        flow: Flow,
        others: Mapping[str, Flow],
        prompts: Prompts,
        services: Mapping[str, Service],
        refused: Collection[str],
    ) -> None:
        self.refused = refused
        self.flow = flow
        self.others = others
        self.prompts = prompts
        self.services = services
        self.problems: list[Problem] = []

    def check(self) -> Flow:
        self._languages()
        if self.flow.start not in self.flow.nodes:
            self._problem(1, f"start: there is no node {self.flow.start!r}.", suggest(self.flow.start, self._names))
        ways = {name: dict(labelled) for name, labelled in self.flow.ways.items()}
        for node in self.flow.nodes.values():
            self._targets(node)
            if isinstance(node, AskService):
                ways[node.name] = self._service(node, ways[node.name])
        flow = replace(self.flow, ways=ways)
        if self.problems:
            return flow
        reached = self._reached(flow)
        for name, node in flow.nodes.items():
            if name not in reached:
                self._problem(node.line, f"node {name}: no way leads here.", "Lead one here or take the node out.")
        self._endless(flow)
        assigned = self._assigned(flow, reached)
        for name in reached:
            self._uses(flow.nodes[name], assigned[name])
        return replace(flow, assigned=assigned)

    @property
    def _names(self) -> list[str]:
        return sorted(self.flow.nodes)

    def _problem(self, line: int, message: str, remedy: str = "") -> None:
        self.problems.append(Problem(self.flow.file, line, message, remedy))

    def _languages(self) -> None:
        for language in self.flow.languages:
            if language not in self.prompts.languages:
                self._problem(
                    1, f"languages: there are no prompts in {language!r}.", suggest(language, self.prompts.languages)
                )

    def _targets(self, node: Node) -> None:
        for way in self.flow.ways[node.name].values():
            label = "" if isinstance(node, Goto) else f" ({way.label})"
            target = way.target
            if isinstance(node, Goto) and node.language and node.language not in self.flow.languages:
                self._problem(
                    node.line,
                    f"node {node.name}: the flow does not speak {node.language!r}.",
                    f"Add it to `languages:` ({', '.join(self.flow.languages)} now).",
                )
            if target.flow:
                other = self.others.get(target.flow)
                if other is None and target.flow in self.refused:
                    self._problem(
                        way.line,
                        f"node {node.name}: flow {target.flow!r} does not serve: it has faults of its own.",
                        "Mend that one first.",
                    )
                    continue
                if other is None:
                    self._problem(
                        way.line,
                        f"node {node.name}: there is no flow {target.flow!r}.",
                        suggest(target.flow, sorted(self.others)),
                    )
                    continue
                if target.node and target.node not in other.nodes:
                    self._problem(
                        way.line,
                        f"node {node.name}: flow {target.flow!r} has no node {target.node!r}.",
                        suggest(target.node, sorted(other.nodes)),
                    )
                if other.outbound and not self.flow.outbound:
                    self._problem(
                        way.line,
                        f"node {node.name}: flow {target.flow!r} is for calls of ours, and this one for callers.",
                        "Lead to another flow, or write `outbound: yes` at the top of this one.",
                    )
                missing = sorted(set(self.flow.languages) - set(other.languages))
                if missing:
                    self._problem(
                        way.line,
                        f"node {node.name}: flow {target.flow!r} does not speak {', '.join(missing)}.",
                        "Add the language there, or take it out here.",
                    )
            elif not target.node:
                self._problem(
                    way.line,
                    f"node {node.name}: nothing says where to go{label}.",
                    f"Add `{way.label}: …` to the node, or once for the whole flow.",
                )
            elif target.node not in self.flow.nodes:
                self._problem(
                    way.line,
                    f"node {node.name}{label}: there is no node {target.node!r}.",
                    suggest(target.node, self._names),
                )

    def _service(self, node: AskService, ways: dict[str, Way]) -> dict[str, Way]:
        service = self.services.get(node.call)
        if service is None:
            self._problem(
                node.line,
                f"node {node.name}: there is no service {node.call!r}.",
                suggest(node.call, sorted(self.services)),
            )
            return ways
        for label in service.exits:
            if label not in node.exits:
                self._problem(
                    node.line, f"node {node.name}: {node.call} may end with {label!r}.", f"Add `{label}: …` to exits."
                )
        for label in node.exits:
            if label not in service.exits:
                line = node.exit_lines.get(label, node.line)
                self._problem(
                    line, f"node {node.name}: {node.call} has no exit {label!r}.", suggest(label, sorted(service.exits))
                )
        for name in service.inputs:
            if name not in node.inputs:
                self._problem(
                    node.line, f"node {node.name}: {node.call} wants {name!r}.", f"Add `with: {{{name}: …}}`."
                )
        for name in node.inputs:
            if name not in service.inputs:
                self._problem(
                    node.line,
                    f"node {node.name}: {node.call} takes no {name!r}.",
                    suggest(name, sorted(service.inputs)),
                )
        return {
            label: replace(way, saves=service.exits.get(label, {})) if label != "on_error" else way
            for label, way in ways.items()
        }

    def _reached(self, flow: Flow) -> list[str]:
        """Every node that some call can come to: from the start, and from other flows' gotos."""
        todo = [flow.start, *self._entries(flow)]
        seen: dict[str, None] = {}
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen[name] = None
            todo.extend(way.target.node for way in flow.ways[name].values() if not way.target.flow)
        return list(seen)

    def _entries(self, flow: Flow) -> Iterable[str]:
        for other in self.others.values():
            for ways in other.ways.values():
                for way in ways.values():
                    if way.target.flow == flow.name and way.target.node in flow.nodes:
                        yield way.target.node

    def _endless(self, flow: Flow) -> None:
        """A loop of ways that no key of the caller drives would run for ever."""
        undriven = {
            name: [way.target.node for way in ways.values() if not way.driven and not way.target.flow]
            for name, ways in flow.ways.items()
        }
        state: dict[str, int] = {}
        trail: list[str] = []

        def visit(name: str) -> None:
            state[name] = 1
            trail.append(name)
            for after in undriven[name]:
                if state.get(after) == 1:
                    loop = [*trail[trail.index(after) :], after]
                    self._problem(
                        flow.nodes[after].line,
                        f"the loop {' -> '.join(loop)} needs no key from the caller and would never end.",
                        "Break it with a menu or gather whose key leads on, or end it with a hangup.",
                    )
                elif after not in state:
                    visit(after)
            trail.pop()
            state[name] = 2

        for name in flow.nodes:
            if name not in state:
                visit(name)

    def _assigned(self, flow: Flow, reached: Iterable[str]) -> dict[str, dict[str, str]]:
        """For each node the values that are surely there, whatever way the call came (a forward fixed point)."""
        initial = {name: value.kind for name, value in flow.values.items()}
        known: dict[str, dict[str, str]] = {flow.start: initial}
        for entry in self._entries(flow):
            known[entry] = dict(initial)
        todo = list(known)
        while todo:
            name = todo.pop()
            for way in flow.ways[name].values():
                after = way.target.node
                if way.target.flow or after not in flow.nodes:
                    continue
                arriving = {**known[name], **way.saves}
                before = known.get(after)
                if before is None:
                    merged = arriving
                else:
                    merged = {key: kind for key, kind in before.items() if arriving.get(key) == kind}
                if merged != before:
                    known[after] = merged
                    todo.append(after)
        return {name: known.get(name, initial) for name in reached}

    def _uses(self, node: Node, there: Kinds) -> None:
        for saying in node.sayings():
            self._saying(node, saying, there)
        if isinstance(node, AskService):
            wanted = self.services[node.call].inputs
            for place, name in node.inputs.items():
                self._value(node, node.line, name, wanted[place], there, f"{node.call} wants")
                if place in self.services[node.call].secret and name not in self.flow.secrets:
                    self._problem(
                        node.line,
                        f"node {node.name}: {node.call} takes {place!r} from a secret gather only; {name!r} is none.",
                        f"Add `secret: yes` to the gather that saves {name}.",
                    )
        if isinstance(node, Record):
            self._value(node, node.line, node.into, Code.kind, there, "the recording's name is")
            self._no_secret(node, node.line, node.into, "the recording's name is")
        if isinstance(node, Choose):
            for one in node.when:
                for name in sorted(names_in(one.condition)):
                    if name not in there:
                        self._problem(
                            one.line,
                            f"node {node.name}: the condition asks for {name!r}, which may not be there yet.",
                            suggest(name, sorted({*there, *BUILT_IN})),
                        )

    def _saying(self, node: Node, saying: Saying, there: Kinds) -> None:
        if not saying.prompts:
            self._problem(saying.line, f"node {node.name}: nothing to say.", "Name a prompt of the catalogue.")
        wanted: dict[str, str] = {}
        for prompt in saying.prompts:
            missing = [language for language in self.flow.languages if not self.prompts.has(prompt, language)]
            if missing:
                close = self.prompts.close_to(prompt)
                remedy = f"Did you mean {close[0]!r}?" if close else "Add it to prompts/<language>/catalogue.yaml."
                self._problem(
                    saying.line, f"node {node.name}: there is no prompt {prompt!r} in {', '.join(missing)}.", remedy
                )
                continue
            wanted |= self.prompts.signature(prompt)
        for place, kind in wanted.items():
            name, who = saying.bind.get(place, place), f"the prompt's {{{place}}} wants"
            self._value(node, saying.line, name, kind, there, who)
            self._no_secret(node, saying.line, name, who)
        for place in saying.bind:
            if place not in wanted:
                self._problem(
                    saying.line, f"node {node.name}: no prompt here has a {{{place}}}.", suggest(place, sorted(wanted))
                )

    def _no_secret(self, node: Node, line: int, name: str, who: str) -> None:
        """What is said stands in the journal and in a sound's file, and a recording's name on the disk."""
        if name in self.flow.secrets:
            self._problem(
                line,
                f"node {node.name}: {who} {name!r}, which is secret.",
                "Secret digits go to services only. Take the value out here.",
            )

    def _value(self, node: Node, line: int, name: str, kind: str, there: Kinds, who: str) -> None:
        if name not in there:
            self._problem(
                line,
                f"node {node.name}: {who} a value {name!r}, which may not be there yet.",
                suggest(name, sorted(there)) or f"Save it first, or give it under `values:` ({kind}).",
            )
        elif there[name] != kind:
            self._problem(line, f"node {node.name}: {who} a {kind}, but {name!r} is a {there[name]}.")
