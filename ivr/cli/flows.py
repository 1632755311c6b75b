"""``ivr check``, ``ivr graph``, ``ivr try``: flows without a telephone."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from ivr import config, logs
from ivr.errors import GoldlineError

if TYPE_CHECKING:
    from ivr.flow.model import Flow, FlowSet
    from ivr.services.offline import OfflineHouse
    from ivr.speech.catalogue import Catalogue

DRAW_SECONDS = 30


@click.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--test", is_flag=True, help="Also run the tests beside the flows (*.test.yaml).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(directory: Path | None, test: bool, as_json: bool) -> None:
    """Check the flows and lines in DIRECTORY (dialplans/ when left out): every problem with file, line and remedy.

    \b
    ivr check                 are the flows right, and lines.yaml?
    ivr check --test          and do they do what their tests say?
    """
    asyncio.run(_check(directory, test, as_json))


async def _check(directory: Path | None, test: bool, as_json: bool) -> None:
    from ivr.flow.library import read_all
    from ivr.golden import Mismatch, read_tests, run_test, test_files
    from ivr.lines.check import checked_lines

    settings = config.load()
    directory = directory or settings.dialplans
    prompts, house = await _house(settings)
    flows, found, _ = read_all(directory, prompts, await house.services())
    _, more_found = checked_lines(directory, flows.flows, prompts)
    problems = [str(problem) for problem in (*found, *more_found)]
    tests = []
    for path in test_files(directory) if test else ():
        more, wrong = read_tests(path)
        tests += more
        problems += [str(problem) for problem in wrong]
    failed: list[str] = []
    with _quietly():
        for one in tests:
            if one.flow in flows:
                try:
                    await run_test(one, flows, prompts, await house.services())
                except Mismatch as mismatch:
                    failed.append(f"{one.name}: {mismatch}")
    if as_json:
        result = {"flows": sorted(flows.flows), "problems": problems, "tests": len(tests), "failed": failed}
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        for line in (*problems, *failed):
            click.echo(line)
        summary = f"{len(flows.flows)} flows right, {len(problems)} problems"
        if test:
            summary += f"; {len(tests) - len(failed)} of {len(tests)} tests passed"
        click.echo(summary + ".")
    sys.exit(1 if problems or failed else 0)


@click.command()
@click.argument("flow")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="SVG file; FLOW.svg when left out."
)
@click.option("--dot", "as_dot", is_flag=True, help="Print Graphviz' DOT text instead of drawing.")
def graph(flow: str, output: Path | None, as_dot: bool) -> None:
    """Draw FLOW as an SVG picture.

    \b
    ivr graph main -o main.svg
    """
    from ivr.flow.graph import dot

    settings = config.load()
    flows = asyncio.run(_flows(settings))
    text = dot(_named(flows, flow))
    if as_dot:
        click.echo(text, nl=False)
        return
    program = shutil.which("dot")
    if program is None:
        raise GoldlineError("Graphviz is not installed.", remedy="Install the package graphviz, or use --dot.")
    output = output or Path(f"{flow}.svg")
    drawn = subprocess.run(
        [program, "-Tsvg"], input=text.encode(), capture_output=True, timeout=DRAW_SECONDS, check=False
    )
    if drawn.returncode:
        raise GoldlineError(f"Graphviz could not draw {flow}: {drawn.stderr.decode(errors='replace').strip()}")
    output.write_bytes(drawn.stdout)
    click.echo(f"{output} ({len(_named(flows, flow).nodes)} nodes)")


@click.command("try")
@click.argument("flow", required=False)
@click.option("--language", help="Begin in this language.")
@click.option("--keys", help='Press these instead of reading keys, one group per question: "1 600519#".')
def try_(flow: str | None, language: str | None, keys: str | None) -> None:
    """Play FLOW (main when left out) in this terminal: what would be said is printed, keys are typed.

    Enter alone is silence, Ctrl-D hangs up. Prices are demonstration data.

    \b
    ivr try main
    ivr try main --language en --keys "1 600519#"
    """
    asyncio.run(_try(flow, language, keys))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without log: a fault that a test scripts is part of the test, not news."""
    logs.configure("error")
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


async def _try(flow: str | None, language: str | None, keys: str | None) -> None:
    from ivr.flow.engine import Engine, Entry
    from ivr.testing import FakeCall, MemoryJournal, plain_kit
    from ivr.trial import TerminalCaller

    settings = config.load()
    logs.configure("error")
    prompts, house = await _house(settings)
    services = await house.services()
    flows = await _flows(settings)
    start = _named(flows, flow or settings.start_flow)
    groups = iter(keys.split()) if keys is not None else None

    async def read_line() -> str | None:
        if groups is not None:
            group = next(groups, None)
            if group is not None:
                click.echo(f"> {group}")
            return group
        try:
            return await asyncio.to_thread(input, "> ")
        except EOFError:
            return None

    engine = Engine(lambda: flows, plain_kit(prompts, services, MemoryJournal()))
    call = FakeCall(person=TerminalCaller(read_line, click.echo))
    ending = await engine.run(call, Entry(start.name, language or start.languages[0]))
    click.echo(f"  ({'you hung up' if ending.how == 'caller' else f'ended: {ending.how}'} at {ending.node})")
    sys.exit(1 if ending.how == "failed" else 0)


async def _house(settings: config.Settings) -> tuple[Catalogue, OfflineHouse]:
    from ivr.services.offline import OfflineHouse
    from ivr.speech.catalogue import Catalogue

    return Catalogue.load(settings.prompts), await OfflineHouse.build()


async def _flows(settings: config.Settings) -> FlowSet:
    from ivr.flow.errors import FlowInvalid
    from ivr.flow.library import read_all

    prompts, house = await _house(settings)
    services = await house.services()
    flows, problems, _ = read_all(settings.dialplans, prompts, services)
    if problems:
        raise FlowInvalid(problems)
    return flows


def _named(flows: FlowSet, name: str) -> Flow:
    from ivr.datafile.fields import suggest

    name = Path(name).name.removesuffix(".yaml")
    if name not in flows:
        raise GoldlineError(f"There is no flow {name!r}.", remedy=suggest(name, sorted(flows.flows)))
    return flows[name]
