"""``ivr outbound script``: what agents say and ask in campaigns, checked, shown and played without a call."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from outbound.script import Question, Script, Step

LANGUAGES = ("zh", "en")
BACK, QUIT = "<", "q"
SAMPLES = {"date": "2026-12-01", "time": "15:00", "number": "100", "code": "600519", "text": "……"}


@click.group()
def script() -> None:
    """Scripts and questionnaires of campaigns (docs/scripts.md).

    \b
    ivr outbound script check                        all of them, and the dispositions
    ivr outbound script show new_account_revisit     in words
    ivr outbound script try dormant                  play one in this terminal, without a call
    """


@script.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check FILES, or all scripts and the dispositions; every problem with file, line and remedy. Exit code 1 with
    any problem.

    \b
    ivr outbound script check
    ivr outbound script check outbound/scripts/dormant.yaml --json
    """
    from ivr.config import load
    from ivr.datafile.checked import FileInvalid
    from ivr.datafile.problem import Problem
    from outbound import dispositions, script_file

    room = load().outbound
    problems: list[Problem] = []
    right = 0
    try:
        known = dispositions.read(room / "dispositions.yaml")
    except FileInvalid as error:
        known, problems = dispositions.read(), list(error.problems)
    for file in files or sorted((room / "scripts").glob("*.yaml")):
        try:
            script_file.read(file, known)
            right += 1
        except FileInvalid as error:
            problems += error.problems
    if as_json:
        told = [{"file": one.file, "line": one.line, "message": one.message, "remedy": one.remedy} for one in problems]
        click.echo(json.dumps({"right": right, "problems": told}, ensure_ascii=False))
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{right} scripts right, {len(problems)} problems.")
    sys.exit(1 if problems else 0)


@script.command("show")
@click.argument("name")
@click.option("--language", type=click.Choice(LANGUAGES), default="zh", help="Default: zh.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, language: str, as_json: bool) -> None:
    """Show the script NAME: the values that targets must bring, and every step.

    \b
    ivr outbound script show rights_issue
    ivr outbound script show rights_issue --language en
    """
    found = _found(name)
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False))
        return
    said = _language(found, language)
    click.echo(f"{found.name}  {found.title[said]}  ({found.digest[:8]})")
    for value, what in found.values.items():
        click.echo(f"  {value}: {what.kind}{'' if what.personal else ', not personal'}")
    if found.notice:
        click.echo(f"notice: {found.notice.say[said]}")
    for step in found.steps.values():
        click.echo(f"\n{step.name}: {step.say[said]}")
        if step.hint:
            click.echo(f"    ({step.hint[said]})")
        if step.question:
            for line in _asked(step, said):
                click.echo(f"    {line}")
        for label, to, _ in step.leads():
            click.echo(f"    {label} -> {to}")
        if step.end:
            click.echo(f"    end: {step.end}")


@script.command("try")
@click.argument("name")
@click.option("--language", type=click.Choice(LANGUAGES), default="zh", help="Default: zh.")
@click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="A value of the target; else a sample.")
def try_(name: str, language: str, values: tuple[str, ...]) -> None:
    """Play the script NAME in this terminal: read what is said, type the answers; `<` goes back, `q` ends it.

    \b
    ivr outbound script try closed_transferred --value closed_on=2026-11-10
    """
    from outbound.answer import BadAnswer, read_answer
    from outbound.script import place
    from outbound.script_values import filled

    found = _found(name)
    said = _language(found, language)
    known = _values(found, values)
    answers: dict[str, str] = {}
    while True:
        here = place(found, answers)
        for step in here.said:
            click.echo("\n" + filled(step.say[said], found, known, said))
            if step.hint:
                click.echo(f"  ({filled(step.hint[said], found, known, said)})")
        if here.open is None or here.open.question is None:
            click.echo(f"\n=> {here.end}")
            return
        for line in _asked(here.open, said):
            click.echo(f"  {line}")
        typed = click.prompt(">", default="", show_default=False, prompt_suffix=" ")
        if typed == QUIT:
            return
        if typed == BACK:
            if here.answered:
                del answers[here.answered[-1].name]
            continue
        try:
            answers[here.open.name] = read_answer(here.open.question, typed)
        except BadAnswer as error:
            click.echo(f"  {error}")


def _found(name: str) -> Script:
    from ivr.config import load
    from ivr.datafile.fields import suggest
    from ivr.errors import GoldlineError
    from outbound import dispositions, script_file

    room = load().outbound
    path = room / "scripts" / f"{name}.yaml"
    if not path.is_file():
        known = sorted(one.stem for one in path.parent.glob("*.yaml"))
        raise GoldlineError(f"There is no script {name!r}.", remedy=suggest(name, known))
    return script_file.read(path, dispositions.read(room / "dispositions.yaml"))


def _language(found: Script, language: str) -> str:
    return language if language in found.languages else found.languages[0]


def _values(found: Script, given: tuple[str, ...]) -> dict[str, str]:
    known = {name: SAMPLES[value.kind] for name, value in found.values.items()}
    known |= {"name": "王伟", "agent": "李敏", "agent_id": "803", "brokerage": "金线证券"}
    known |= {"hotline": "95500", "branch": "浦东营业部"}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or name not in known:
            raise click.BadParameter(f"{pair!r}: write NAME=VALUE, of {', '.join(sorted(known))}.")
        known[name] = value
    return known


def _asked(step: Step, language: str) -> list[str]:
    question: Question | None = step.question
    if question is None:
        return []
    left_out = "" if question.required else ("（可留空）" if language == "zh" else " (may be left out)")
    match question.kind:
        case "choice":
            lines = [f"{number} {words[language]}" for number, words in enumerate(question.options.values(), 1)]
            return [*lines[:-1], lines[-1] + left_out]
        case "number":
            span = (
                f"{'' if question.least is None else question.least}..{'' if question.most is None else question.most}"
            )
            return [f"[{span}]{left_out}"]
    shown = {"yes_no": "[y/n]", "mark": "[1-5]", "date": "[2026-11-28]", "text": "[…]"}
    return [shown[question.kind] + left_out]


def _as_json(found: Script) -> dict[str, Any]:
    return {
        "script": found.name,
        "digest": found.digest,
        "title": dict(found.title),
        "languages": list(found.languages),
        "values": {name: {"kind": one.kind, "personal": one.personal} for name, one in found.values.items()},
        "notice": {"say": dict(found.notice.say), "personal": found.notice.personal} if found.notice else None,
        "by_keys": found.by_keys,
        "start": found.start,
        "steps": {
            step.name: {
                "say": dict(step.say),
                "ask": step.question.kind if step.question else None,
                "required": step.question.required if step.question else None,
                "options": {
                    name: dict(words) for name, words in (step.question.options if step.question else {}).items()
                },
                "ways": {label: to for label, to, _ in step.leads()},
                "end": step.end,
            }
            for step in found.steps.values()
        },
    }
