"""``ivr outbound announcements``: reference recordings of what carriers say before anybody answers, and trying them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outbound.announcements.references import Reference

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def announcements() -> None:
    """What carriers say before anybody answers: 空号, 停机, 关机. Recognised by recordings, which you can add.

    \b
    ivr outbound announcements list
    ivr outbound announcements match call.wav          what is heard in this recording?
    ivr outbound announcements add stopped.wav --outcome stopped --carrier "China Unicom, Hangzhou" --decisive 1.6-2.3
    """


@announcements.command("list")
@_JSON
def list_references(as_json: bool) -> None:
    """Which recordings there are.

    \b
    ivr outbound announcements list --json
    """
    from outbound.announcements import references

    for one in references.read(_folder()):
        _tell(one, f"{one.outcome:13} {one.name:24} {one.carrier}\n{'':13} {one.text}", as_json)


@announcements.command()
@_FILE
@_JSON
def match(file: Path, as_json: bool) -> None:
    """What is heard in FILE: WAV, .sln or .alaw, as MixMonitor writes them. Exit code 1 when nothing is recognised.

    \b
    ivr outbound announcements match call.wav
    ivr outbound announcements match call.wav --json
    """
    from outbound.announcements import references
    from outbound.announcements.listener import listen
    from outbound.announcements.sound_file import read_sound
    from outbound.outcomes import FACTS

    listener = listen(references.prints(_folder()), read_sound(file))
    verdict = listener.verdict
    if as_json:
        told = {"verdict": asdict(verdict) if verdict else None, "rang": listener.rang, "heard": listener.seconds}
        click.echo(json.dumps(told, ensure_ascii=False))
    elif verdict is None:
        rang = "A telephone rang. " if listener.rang else ""
        click.echo(f"{rang}No announcement was recognised in {listener.seconds:.1f} s.")
    else:
        facts = FACTS[verdict.outcome]
        click.echo(
            f"{verdict.outcome} ({facts.zh}), by {verdict.reference}, after {verdict.seconds:.1f} s; "
            f"agreement {verdict.confidence:.0%}"
        )
    if verdict is None:
        raise SystemExit(1)


@announcements.command()
@_FILE
@click.option("--outcome", required=True, help="What it says: unallocated, stopped, switched_off, busy, …")
@click.option("--carrier", required=True, help="Whose it is, and where.")
@click.option("--text", default="", help="What is said, word by word.")
@click.option("--source", default="own recording", show_default=True, help="Where it comes from; its licence.")
@click.option("--decisive", multiple=True, metavar="FROM-TO", help="When it says the outcome, in seconds; repeatable.")
@click.option("--name", default="", help="Its name; by default made of the outcome and a number.")
@_JSON
def add(
    file: Path, outcome: str, carrier: str, text: str, source: str, decisive: tuple[str, ...], name: str, as_json: bool
) -> None:
    """Keep FILE as a reference: one round of the announcement, cut from its first word to its last.

    Say with --decisive when it says the outcome (已停机 in 您好，您拨打的电话已停机): then it is recognised sooner, and
    other announcements that begin alike are not taken for it. Afterwards try it on other recordings with `match`.

    \b
    ivr outbound announcements add stopped.wav --outcome stopped --carrier "China Unicom, Hangzhou" \\
        --text "您好，您拨打的电话已停机" --decisive 1.6-2.3
    """
    import datetime

    from db.customer import BROKERAGE_TIME
    from ivr.datafile.fields import suggest
    from outbound.announcements import references
    from outbound.announcements.listener import listen
    from outbound.announcements.sound_file import read_sound
    from outbound.outcomes import ANNOUNCED

    known = {one: one for one in ANNOUNCED}
    if outcome not in known:
        raise click.BadParameter(suggest(outcome, ANNOUNCED), param_hint="--outcome")
    folder, sound = _folder(), read_sound(file)
    references.begin(folder)
    taken = {one.name for one in references.read(folder)}
    before = listen(references.prints(folder), sound).verdict if taken else None
    number = next(number for number in range(1, 10_000) if f"{outcome}_{number}" not in taken)
    name = name or f"{outcome}_{number}"
    one = references.Reference(
        name,
        known[outcome],
        f"{outcome}/{name}.alaw",
        carrier,
        text or "not written down",
        references.added_today(source, datetime.datetime.now(BROKERAGE_TIME).date()),
        references.spans_of(decisive),
    )
    kept = references.add(folder, one, sound)
    _tell(one, f"{one.name} is kept in {kept}.", as_json)
    if before is not None and before.outcome != one.outcome:
        click.echo(
            f"Careful: until now this recording was recognised as {before.outcome} ({before.reference}). "
            "Which is right? Listen to both, and say with --decisive where they differ.",
            err=True,
        )
    if not decisive:
        click.echo("Without --decisive most of it must be heard before it is recognised.", err=True)


@announcements.command()
@click.argument("name")
@_JSON
def remove(name: str, as_json: bool) -> None:
    """Take the reference NAME away, with its sound.

    \b
    ivr outbound announcements remove stopped_1
    """
    from outbound.announcements import references

    one = references.remove(_folder(), name)
    _tell(one, f"{one.name} is gone.", as_json)


def _folder() -> Path:
    from ivr import config

    return config.load().outbound / "announcements" / "references"


def _tell(one: Reference, sentence: str, as_json: bool) -> None:
    click.echo(json.dumps(asdict(one), ensure_ascii=False) if as_json else sentence)
