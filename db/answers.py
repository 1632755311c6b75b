"""What customers of campaigns answered, question by question, and by which version of the script.

An answer is kept before the next question is shown, so that nothing that goes wrong afterwards loses it. One that is
given again takes the place of the first.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from db.models import AnswerRow as Row
from db.models import AttemptRow, ScriptRow, TargetRow
from db.store import Store

PAGE: Final = 200  # talks read at once
MOST: Final = 1_000  # answers of one customer that are told: five talks of a script that nobody would write


@dataclass(frozen=True, slots=True)
class ScriptVersion:
    """The very text of a script, named by its digest."""

    digest: str
    name: str
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, in the form of ``outbound.answer``. ``agent`` is who noted it; "": an automatic call."""

    attempt: int
    step: str
    digest: str
    answer: str
    agent: str
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class AnsweredTalk:
    """All that was answered in one attempt, by step; ``at`` is when the last of it was."""

    attempt: int
    account: str
    name: str
    branch: str
    agent: str
    disposition: str
    digest: str
    at: datetime.datetime
    answers: Mapping[str, str]


class Answers:
    """The answers. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert
        self._kept: set[str] = set()  # digests of versions that the store has

    async def keep(
        self, attempt: int, step: str, answer: str, *, version: ScriptVersion, agent: str, now: datetime.datetime
    ) -> None:
        """Keep this answer, or in place of the one that was given before."""
        values = {
            "attempt_id": attempt,
            "step": step,
            "digest": version.digest,
            "answer": answer,
            "agent": agent,
            "at": now,
        }
        changed = {name: values[name] for name in ("digest", "answer", "agent", "at")}
        put = self._insert(Row).values(values)
        put = put.on_conflict_do_update(index_elements=["attempt_id", "step"], set_=changed)
        is_kept = version.digest in self._kept
        self._kept.discard(version.digest)  # whatever goes wrong, the version is written with the next try
        async with self._store.writing() as session:
            if not is_kept:
                new = self._insert(ScriptRow).values(
                    digest=version.digest, name=version.name, body=version.body, first_at=now
                )
                await session.execute(new.on_conflict_do_nothing(index_elements=["digest"]))
            await session.execute(put)
        self._kept.add(version.digest)

    async def of(self, attempt: int) -> tuple[Answer, ...]:
        """All of this attempt, in the order in which they were given."""
        return await self._some(sa.select(Row).where(Row.attempt_id == attempt))

    async def of_customer(self, customer: int, *, before: int) -> tuple[Answer, ...]:
        """Those of the customer's attempts before this one, oldest first; at most ``MOST``, the latest."""
        query = (
            sa.select(Row)
            .join(AttemptRow, AttemptRow.id == Row.attempt_id)
            .where(AttemptRow.customer_id == customer, AttemptRow.id < before)
            .order_by(Row.attempt_id.desc(), Row.at.desc())
            .limit(MOST)
        )
        async with self._store.reading() as session:
            return tuple(reversed([_answer(row) for row in await session.scalars(query)]))

    async def of_target(self, target: int, *, before: int) -> tuple[Answer, ...]:
        """The same of a target: for who is no customer."""
        query = sa.select(Row).join(AttemptRow, AttemptRow.id == Row.attempt_id)
        return await self._some(query.where(AttemptRow.target_id == target, AttemptRow.id < before))

    async def version(self, digest: str) -> ScriptVersion | None:
        """The text of this version; None when nobody was asked by it."""
        async with self._store.reading() as session:
            row = await session.get(ScriptRow, digest)
        return None if row is None else ScriptVersion(row.digest, row.name, row.body)

    async def talks(self, campaign: str) -> AsyncIterator[tuple[AnsweredTalk, ...]]:
        """Every attempt of the campaign in which something was answered, a page at a time, in bounded memory."""
        last = 0
        while True:
            ids = (
                sa.select(AttemptRow.id)
                .where(AttemptRow.campaign == campaign, AttemptRow.id > last)
                .where(sa.select(Row.attempt_id).where(Row.attempt_id == AttemptRow.id).exists())
                .order_by(AttemptRow.id)
                .limit(PAGE)
            )
            query = (
                sa.select(Row, AttemptRow.agent, AttemptRow.disposition, TargetRow)
                .join(AttemptRow, AttemptRow.id == Row.attempt_id)
                .join(TargetRow, TargetRow.id == AttemptRow.target_id)
                .where(Row.attempt_id.in_(ids))
                .order_by(Row.attempt_id, Row.at, Row.step)
            )
            async with self._store.reading() as session:
                rows = (await session.execute(query)).all()
            if not rows:
                return
            last = rows[-1][0].attempt_id
            yield tuple(_talk(list(group)) for _, group in groupby(rows, key=lambda row: row[0].attempt_id))

    async def _some(self, query: sa.Select[Any]) -> tuple[Answer, ...]:
        async with self._store.reading() as session:
            rows = await session.scalars(query.order_by(Row.attempt_id, Row.at, Row.step).limit(MOST))
            return tuple(_answer(row) for row in rows)


def _talk(rows: Sequence[Any]) -> AnsweredTalk:
    first, agent, disposition, target = rows[0]
    return AnsweredTalk(
        attempt=first.attempt_id,
        account=target.account,
        name=target.name,
        branch=target.branch,
        agent=agent,
        disposition=disposition,
        digest=rows[-1][0].digest,
        at=rows[-1][0].at,
        answers={row[0].step: row[0].answer for row in rows},
    )


def _answer(row: Row) -> Answer:
    return Answer(row.attempt_id, row.step, row.digest, row.answer, row.agent, row.at)
