"""Answers as the store keeps them: at once, corrected, with the version of the script."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from outbound_rows import CAMPAIGN, at, dialled, new_target, planned

from db import answers as module
from db.answers import Answers, ScriptVersion
from db.attempts import Attempt
from db.errors import StoreError
from db.store import Store
from db.targets import Targets

OLD = ScriptVersion("d" * 64, "small", "script: small\n")
NEW = ScriptVersion("e" * 64, "small", "script: small # 改\n")


async def an_attempt(store: Store, index: int = 1) -> Attempt:
    await planned(store, [new_target(index)])
    target = await Targets(store).latest(CAMPAIGN, new_target(index).key)
    assert target
    return await dialled(store, target)


async def given(answers: Answers, attempt: Attempt) -> Mapping[str, str]:
    return {one.step: one.answer for one in await answers.of(attempt.id)}


async def test_an_answer_that_is_corrected_takes_the_place_of_the_first(store: Store) -> None:
    answers, attempt = Answers(store), await an_attempt(store)
    await answers.keep(attempt.id, "mark", "2", version=OLD, agent="801", now=at(5))
    await answers.keep(attempt.id, "why", "等太久了\n两次", version=OLD, agent="801", now=at(9))
    await answers.keep(attempt.id, "mark", "5", version=NEW, agent="802", now=at(12))
    assert await given(answers, attempt) == {"mark": "5", "why": "等太久了\n两次"}
    corrected = (await answers.of(attempt.id))[1]
    assert (corrected.step, corrected.digest, corrected.agent, corrected.at) == ("mark", NEW.digest, "802", at(12))


async def test_the_version_in_which_it_was_asked_can_be_read_later(store: Store) -> None:
    answers, attempt = Answers(store), await an_attempt(store)
    await answers.keep(attempt.id, "mark", "2", version=OLD, agent="", now=at(5))
    assert await Answers(store).version(OLD.digest) == OLD
    assert await answers.version(NEW.digest) is None
    await Answers(store).keep(
        attempt.id, "mark", "3", version=OLD, agent="", now=at(6)
    )  # another process knows it, too


async def test_an_answer_needs_an_attempt(store: Store) -> None:
    with pytest.raises(StoreError):
        await Answers(store).keep(4711, "mark", "2", version=OLD, agent="", now=at(5))


async def test_what_was_said_earlier(store: Store) -> None:
    answers, attempt = Answers(store), await an_attempt(store)
    await answers.keep(attempt.id, "mark", "2", version=OLD, agent="801", now=at(5))
    assert [one.answer for one in await answers.of_target(attempt.target, before=attempt.id + 1)] == ["2"]
    assert await answers.of_target(attempt.target, before=attempt.id) == ()
    assert await answers.of_customer(1, before=attempt.id) == ()


async def test_every_talk_of_a_campaign_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    await planned(store, [new_target(index) for index in range(1, 6)])
    answers, talks = Answers(store), []
    for index in range(1, 6):
        target = await Targets(store).latest(CAMPAIGN, new_target(index).key)
        assert target
        attempt = await dialled(store, target)
        if index != 3:  # with whom nobody got as far as a question
            await answers.keep(attempt.id, "mark", str(index), version=OLD, agent="801", now=at(index))
            await answers.keep(attempt.id, "best", "cost", version=OLD, agent="801", now=at(index + 1))
    async for page in answers.talks(CAMPAIGN):
        assert len(page) <= 2
        talks += page
    assert [talk.account for talk in talks] == [new_target(index).account for index in (1, 2, 4, 5)]
    assert talks[0].answers == {"mark": "1", "best": "cost"}
    assert (talks[0].digest, talks[0].at, talks[0].branch) == (OLD.digest, at(2), "SH01")
    assert [page async for page in answers.talks("another")] == []
