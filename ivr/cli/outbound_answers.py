"""``ivr outbound answers``: what the customers of a campaign answered."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivr.cli.customers import open_store
from ivr.cli.outbound_group import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.answers import AnsweredTalk
    from db.store import Store
    from outbound.answer_tally import Tally
    from outbound.script import Script

COLUMNS = ("campaign", "account", "name", "branch", "agent", "at", "disposition", "step", "question", "answer", "words")


@click.command(epilog=EXIT_CODES)
@click.argument("campaign")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", help="Of the questions. Default: zh.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="All answers, one in a row.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def answers(campaign: str, language: str, csv_file: Path | None, as_json: bool) -> None:
    """What the customers of CAMPAIGN answered: each question with its answers counted; with --csv every single one.

    Counted is what was asked on the way that each talk took, by the version of the script in which it was asked.

    \b
    ivr outbound answers satisfaction_survey
    ivr outbound answers new_account_revisit --csv answers.csv
    """
    told = asyncio.run(_told(campaign, language, csv_file))
    if as_json:
        click.echo(json.dumps({"campaign": campaign, "questions": told}, ensure_ascii=False))
        return
    if not told:
        click.echo("Nobody has answered anything yet.")
    for one in told:
        click.echo(f"{one['step']}: {one['question']}")
        mean = f", mean {one['mean']}" if one["mean"] else ""
        left_out = f", {one['skipped']} left out" if one["skipped"] else ""
        words = f", {one['in_words']} in words" if one["in_words"] else ""
        click.echo(f"    asked {one['asked']}{left_out}{words}{mean}")
        for answer in one["answers"]:
            share = answer["count"] / one["asked"]
            click.echo(f"    {answer['words']:<24} {answer['count']:>7,} {share:>6.1%}")
    if csv_file:
        click.echo(str(csv_file))


async def _told(campaign: str, language: str, csv_file: Path | None) -> list[dict[str, Any]]:
    from db.answers import Answers
    from db.campaigns import Campaigns, NoSuchCampaign
    from outbound.answer_tally import MOST_DIFFERENT, add, counted

    async with open_store() as store:
        if await Campaigns(store).get(campaign) is None:
            raise NoSuchCampaign(campaign)
        scripts = _Scripts(store)
        found: dict[str, Tally] = {}
        with _Sheet(csv_file) as sheet:
            async for talk in _talks(Answers(store), campaign):
                script = await scripts.of(talk.digest)
                if script is None:
                    continue
                given = counted(script, talk.answers)
                add(found, given)
                for step, answer in given:
                    text = step.say.get(language) or next(iter(step.say.values()), "")
                    sheet.write(campaign, talk, step.name, text, answer, _words(step, answer, language))
    return [
        {
            "step": name,
            "question": one.step.say.get(language) or next(iter(one.step.say.values()), ""),
            "kind": one.step.question.kind if one.step.question else "",
            "asked": one.asked,
            "skipped": one.skipped,
            "in_words": one.words,
            "mean": f"{one.mean:.2f}" if one.mean is not None else None,
            "answers": [
                {"answer": answer, "words": _words(one.step, answer, language), "count": count}
                for answer, count in one.answers.most_common(MOST_DIFFERENT)
            ],
        }
        for name, one in found.items()
    ]


async def _talks(answers: Any, campaign: str) -> AsyncIterator[AnsweredTalk]:
    async for page in answers.talks(campaign):
        for talk in page:
            yield talk


def _words(step: Any, answer: str, language: str) -> str:
    question = step.question
    if question is not None and answer in question.options:
        options = question.options[answer]
        return str(options.get(language) or next(iter(options.values()), answer))
    return {"zh": {"yes": "是", "no": "否"}, "en": {}}[language].get(answer, answer)


class _Scripts:
    """Scripts by digest, read once each."""

    def __init__(self, store: Store) -> None:
        from db.answers import Answers
        from outbound import dispositions

        self._answers = Answers(store)
        self._dispositions = dispositions.read()
        self._known: dict[str, Script | None] = {}

    async def of(self, digest: str) -> Script | None:
        """The script of this version; None when it cannot be read any more."""
        from outbound.script_file import load

        if digest not in self._known:
            version = await self._answers.version(digest)
            script = None
            if version is not None:
                script, _ = load(version.body, version.name, version.name, self._dispositions)
            self._known[digest] = script
        return self._known[digest]


class _Sheet:
    """A CSV for a spreadsheet, or nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file.open("w", encoding="utf-8-sig", newline="") if file else None
        self._rows = csv.writer(self._file) if self._file else None
        if self._rows:
            self._rows.writerow(COLUMNS)

    def __enter__(self) -> _Sheet:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def write(self, campaign: str, talk: AnsweredTalk, step: str, question: str, answer: str, words: str) -> None:
        """One answer. What a spreadsheet would run becomes text."""
        from ivr.customers.columns import escaped

        if self._rows:
            cells = (
                campaign,
                talk.account,
                talk.name,
                talk.branch,
                talk.agent,
                talk.at.isoformat(timespec="seconds"),
                talk.disposition,
                step,
                question,
                answer,
                words,
            )
            self._rows.writerow([escaped(cell) for cell in cells])
