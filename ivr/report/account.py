"""One call's wait for people, told in sentences: what `ivr why` says. Pure.

The engine's own reasons stand in the journal as it gave them, in English.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, NamedTuple, Protocol

from db.attempt import is_attempt
from ivr.report.story import ANSWERED, TALK, UNSEEN, Offer, Story, Talk, Wait, tenths_between


class Asked(Protocol):
    """Whoever knows what the engine thinks of a caller right now: a running controller."""

    async def why_waiting(self, call: str) -> Sequence[str]:
        """The engine's reasons why this call still waits, in words; nothing when it does not know the call."""
        ...


class JournalAlone:
    """Nobody is asked: what the journal says is all there is."""

    async def why_waiting(self, call: str) -> Sequence[str]:  # noqa: ARG002 - the Protocol's
        """Nothing."""
        return ()


class Line(NamedTuple):
    """What happened at one moment, with what is to be said under it."""

    at: datetime.datetime
    text: str
    under: tuple[str, ...] = ()


_LEFT: Final = {
    "abandoned": ("在等待中挂断", "hung up while waiting"),
    "key": ("按键离开队列", "left the queue by a key"),
    "callback": ("选择回电，保留位置", "chose to be called back and keeps the place"),
    "limit": ("达到等待上限，离开队列", "reached the limit of waiting and was sent on"),
    "nobody": ("没有可以受理的座席，离开队列", "was sent on: nobody was there who could answer"),
}
_FAILED: Final = {
    "no_answer": ("未接听", "did not answer"),
    "refused": ("拒接", "refused"),
    "busy": ("占线", "was busy"),
    "lost": ("话机失联或座席已被占用", "was lost"),
    "released": ("被收回", "was taken back"),
}
_ENDED: Final = {
    "agent": ("座席挂断", "the agent hung up"),
    "caller": ("客户挂断", "the caller hung up"),
    "cut": ("座席线路中断", "the seat's line dropped"),
    "moved": ("已转走", "the caller was moved on"),
    UNSEEN: ("来电已结束，未记录结束方式", "nobody saw how: the call went on or ended without a word"),
}
_MOVED: Final = {
    "transfer": ("转接至", "transferred to"),
    "consult": ("咨询", "consulted"),
    "conference": ("会议，加入", "conference with"),
    "taken_over": ("被接管：", "taken over by"),
}


def lines(story: Story, language: str) -> list[Line]:
    """The whole story in the order in which it happened."""
    zh = language != "en"
    found: list[tuple[datetime.datetime, int, Line]] = []
    for number, wait in enumerate(story.waits):
        found.append((wait.began, 0, _joined(wait, number, zh)))
        for told in wait.told:
            text = (
                f"播报：第 {told.position} 位，约 {told.least}–{told.most} 秒"
                if zh
                else f"was told: number {told.position}, {told.least} to {told.most} s"
            )
            found.append((told.at, 1, Line(told.at, text)))
        if wait.ended is not None and (wait.how != TALK or wait.asterisk):
            found.append((wait.ended, 3, _left(wait, zh)))
    for offer in story.offers:
        found.append((offer.at, 2, _offer(offer, zh)))
        if offer.ended is not None and offer.how not in ("", ANSWERED):
            found.append((offer.ended, 2, _failed(offer, zh)))
    for talk in story.talks:
        found.append((talk.began, 4, _began(talk, zh)))
        if talk.ended is not None:
            found.append((talk.ended, 5, _ended(talk, zh)))
    return [line for _, _, line in sorted(found, key=lambda one: one[:2])]


def summary(story: Story, asked_at: datetime.datetime, language: str) -> str:
    """What became of it, in a sentence."""
    zh = language != "en"
    if not story.talks and is_attempt(story.call.id):
        return "这是我们拨出的通话，没有座席与客户通话。" if zh else "We called: no agent talked with the customer."
    if not story.waits and not story.talks:
        return "这通来电没有要求人工。" if zh else "This call never wanted a person."
    going_on = next((talk for talk in story.talks if not talk.how), None)
    if going_on:
        who = _who(going_on.agent, going_on.seat, zh)
        return f"正在与{who}通话。" if zh else f"Is talking to {who}."
    if story.waits and not story.waits[-1].how:
        seconds = _seconds(story.waited(asked_at))
        if story.talks:
            return "通话后再次等待中。" if zh else "Waits again, after a talk."
        return f"仍在等待，已等 {seconds}。" if zh else f"Still waits, for {seconds} so far."
    seconds = _seconds(story.waited(asked_at)) if story.waits else ""
    match story.outcome:
        case "answered":
            return f"等待 {seconds} 后接通。" if zh else f"Was answered after {seconds}."
        case "abandoned":
            return f"等待 {seconds} 后放弃。" if zh else f"Gave up after {seconds}."
        case "callback":
            return f"等待 {seconds} 后选择回电。" if zh else f"Chose to be called back after {seconds}."
        case "key":
            return f"等待 {seconds} 后按键离队。" if zh else f"Left the queue by a key after {seconds}."
        case _ if not story.waits:
            return "这是我们拨出的通话，没有排队。" if zh else "We called: there was no wait."
        case _:
            return f"等待 {seconds} 后仍无人受理。" if zh else f"Nobody served it in {seconds}."


def told(story: Story, asked_at: datetime.datetime, controller: Sequence[str]) -> dict[str, Any]:
    """For machines: times in ISO 8601 in UTC, seconds as numbers."""
    return {
        "call": story.call.id,
        "caller": story.call.caller,
        "line": story.call.line,
        "began": _iso(story.call.started_at),
        "ended": _iso(story.call.ended_at),
        "outcome": story.outcome if story.waits else None,
        "waited": story.waited(asked_at) / 10 if story.waits else None,
        "waits": [_plain(wait) for wait in story.waits],
        "offers": [_plain(offer) for offer in story.offers],
        "talks": [_plain(talk) for talk in story.talks],
        "controller": list(controller),
    }


def _joined(wait: Wait, number: int, zh: bool) -> Line:
    needs = ", ".join(f"{skill} {level}" for skill, level in sorted(wait.required.items()))
    if zh:
        text = f"{'再次' if number else ''}要求人工：等级 {wait.tier}"
        text += f"，语言 {wait.language}" if wait.language else ""
        text += f"，营业部 {wait.branch}" if wait.branch else ""
        text += f"，客户 {wait.customer}" if wait.customer is not None else "，客户未知"
        text += f"，须具备 {needs}" if needs else ""
        text += f"，事由 {wait.reason}" if wait.reason else ""
        text += f"（控制器重启后续接 {wait.resumed} 次）" if wait.resumed else ""
        return Line(wait.began, text)
    text = f"{'wanted a person again' if number else 'wanted a person'}, as {wait.tier}"
    text += f", in {wait.language}" if wait.language else ""
    text += f", of branch {wait.branch}" if wait.branch else ""
    text += f", customer {wait.customer}" if wait.customer is not None else ", customer unknown"
    text += f", needs {needs}" if needs else ""
    text += f", reason {wait.reason}" if wait.reason else ""
    text += f" (a restarted controller went on with it {wait.resumed} times)" if wait.resumed else ""
    return Line(wait.began, text)


def _left(wait: Wait, zh: bool) -> Line:
    assert wait.ended is not None
    if wait.asterisk and wait.how == TALK:
        text = "由 Asterisk 自带队列接通" if zh else "was answered from Asterisk's own queue"
    else:
        text = _word(_LEFT, wait.how, zh)
        if wait.asterisk:
            text += "（在 Asterisk 自带队列中）" if zh else " (in Asterisk's own queue)"
    seconds = _seconds(tenths_between(wait.began, wait.ended) if wait.began > wait.joined else wait.tenths)
    return Line(wait.ended, f"{text}，共等 {seconds}" if zh else f"{text}, after {seconds}")


def _offer(offer: Offer, zh: bool) -> Line:
    who = _who(offer.agent, offer.seat, zh)
    waited = (
        ""
        if offer.waited is None
        else (f"，已等 {_seconds(offer.waited)}" if zh else f" after {_seconds(offer.waited)}")
    )
    text = f"派给{who}{waited}" if zh else f"offered to {who}{waited}"
    by = []
    if offer.standing:
        by.append(f"顺位 {offer.standing}" if zh else f"standing {offer.standing}")
    if offer.urgency is not None:
        by.append(f"紧迫度 {offer.urgency:.2f}" if zh else f"urgency {offer.urgency:.2f}")
    if offer.ring:
        by.append(f"圈 {offer.ring}" if zh else f"ring {offer.ring}")
    under = ("，".join(by) if zh else ", ".join(by),) if by else ()
    return Line(offer.at, text, (*under, *offer.words))


def _failed(offer: Offer, zh: bool) -> Line:
    assert offer.ended is not None
    who, how, seconds = _who(offer.agent, offer.seat, zh), _word(_FAILED, offer.how, zh), _seconds(offer.tenths)
    return Line(offer.ended, f"{who}{how}（{seconds}）" if zh else f"{who} {how}, after {seconds}")


def _began(talk: Talk, zh: bool) -> Line:
    who = _who(talk.agent, talk.seat, zh)
    return Line(talk.began, f"{who}接通" if zh else f"{who} took the call")


def _ended(talk: Talk, zh: bool) -> Line:
    assert talk.ended is not None
    seconds, how = _seconds(talk.tenths), _word(_ENDED, talk.how, zh)
    text = f"通话 {seconds}：{how}" if zh else f"the talk ended after {seconds}: {how}"
    under = [f"{_word(_MOVED, move, zh)} {to}".rstrip() for move, to in talk.moves]
    if talk.score is not None:
        under.append(f"客户评分 {talk.score}" if zh else f"the caller's mark: {talk.score}")
    return Line(talk.ended, text, tuple(under))


def _who(agent: str, seat: str, zh: bool) -> str:
    if zh:
        return f"座席 {agent}（{seat}）" if seat else f"座席 {agent}"
    return f"agent {agent} at {seat}" if seat else f"agent {agent}"


def _word(words: dict[str, tuple[str, str]], how: str, zh: bool) -> str:
    return words.get(how, (how, how))[0 if zh else 1]


def _seconds(tenths: int | None) -> str:
    return "?" if tenths is None else f"{tenths / 10:.1f} s"


def _iso(moment: datetime.datetime | None) -> str | None:
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds") if moment else None


def _plain(one: Wait | Offer | Talk) -> dict[str, Any]:
    found = asdict(one)
    for name, value in found.items():
        if isinstance(value, datetime.datetime):
            found[name] = _iso(value)
    for told in found.get("told", ()):
        told["at"] = _iso(told["at"])
    if "tenths" in found:
        tenths = found.pop("tenths")
        found["seconds"] = None if tenths is None else tenths / 10
    if isinstance(one, Offer):
        found["waited"] = None if one.waited is None else one.waited / 10
    return found
