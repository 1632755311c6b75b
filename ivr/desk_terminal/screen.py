"""A card as it is printed in a terminal. Pure.

No meaning hangs on colour alone, and no text is taken for markup or steers the terminal: customers chose some of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from db.customer import BROKERAGE_TIME
from ivr.desk_terminal.words import Words

Card = Mapping[str, Any]

SHORT: Final = 24  # characters of a question that was answered already


def whole(card: Card, words: Words) -> RenderableType:
    """Everything: who is on the line, what was before, what to say."""
    return Group(*_lines(_head(card, words), _customer(card, words), _before(card, words), _script(card, words)))


def state(card: Card, words: Words) -> RenderableType:
    """What the agent is doing, in a line."""
    return Group(*_lines(_head(card, words)))


def step(card: Card, words: Words) -> RenderableType:
    """What to say and to ask now."""
    return Group(*_lines(_script(card, words)))


def dispositions(card: Card, words: Words) -> RenderableType:
    """What may have come of the talk."""

    def lines() -> Iterator[tuple[str, str]]:
        yield words.dispositions, "bold"
        for number, one in enumerate(card.get("dispositions") or [], 1):
            more = {"must": words.needs_time, "may": words.may_time}.get(one["appointment"], "")
            marks = "，".join(mark for mark in (more, words.proposed if one["proposed"] else "") if mark)
            yield f"{number:>3} {_in(one['words'], words)}{f'（{marks}）' if marks else ''}", ""

    return Group(*_lines(lines()))


def line(text: str, style: str = "") -> Text:
    """One line."""
    return Text(plain(text), style)


def plain(text: str) -> str:
    """Without what could steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def when(moment: str | None) -> str:
    """A moment of the card, on the brokerage's clock."""
    return f"{datetime.datetime.fromisoformat(moment).astimezone(BROKERAGE_TIME):%m-%d %H:%M}" if moment else "-"


def _lines(*parts: Iterator[tuple[str, str]]) -> list[RenderableType]:
    return [line(text, style) for part in parts for text, style in part]


def _head(card: Card, words: Words) -> Iterator[tuple[str, str]]:
    seat = f"  {words.seat} {card['seat']}" if card["seat"] else f"  {words.no_seat}"
    yield f"── {words.states.get(card['state'], card['state'])}{seat}  {when(card['since'])} ──", "bold"


def _customer(card: Card, words: Words) -> Iterator[tuple[str, str]]:
    kind = card["kind"]
    if kind == "none":
        return
    title = _in(card["campaign"]["title"], words) if kind == "campaign" else card.get("line", "")
    facts = [words.campaign if kind == "campaign" else words.inbound, title, card.get("number", "")]
    if kind == "campaign":
        facts.append(words.attempts.format(count=card["target"]["attempts"]))
        if card["target"]["guaranteed"]:
            facts.append(words.promised)
    yield "  ".join(fact for fact in facts if fact), "bold"
    if kind == "campaign" and card.get("mode") == "preview" and card.get("attempt_state") == "leased":
        yield words.preview, "bold yellow"
    customer = card.get("customer")
    if customer is None:
        yield words.unknown, "bold"
        return
    tier = words.tiers.get(customer.get("tier", ""), "")
    status = words.statuses.get(customer.get("status", ""), "")
    account = f"{words.account} {customer['account']}" if customer.get("account") else ""
    yield "  ".join(one for one in (_in(customer["name"], words), tier, status, account) if one), "bold"
    if kind == "inbound":
        yield words.unproven, "yellow"
    branch = _in(customer.get("branch", {}), words)
    manager = customer.get("manager", "")
    told = [f"{words.branch} {branch}" if branch else "", f"{words.manager} {manager}" if manager else ""]
    if any(told):
        yield "  ".join(one for one in told if one), ""
    if customer.get("do_not_call"):
        yield f"! {words.do_not_call}", "bold red"
    for phone in customer.get("phones", []):
        yield f"{words.phones} {phone['number']}  {words.phone_states.get(phone['state'], phone['state'])}", "dim"


def _before(card: Card, words: Words) -> Iterator[tuple[str, str]]:
    if card["kind"] == "none":
        return
    history = card.get("history") or []
    yield (f"{words.history}:" if history else words.nothing_before), "dim"
    for talk in history:
        what = _in(talk["words"], words) or talk["outcome"]
        note = f"  {talk['note']}" if talk["note"] else ""
        yield f"  {when(talk['at'])}  {talk['title']}  {what}  {talk['agent']}{note}", ""
    for ticket in card.get("tickets") or []:
        yield f"{words.tickets}: {ticket['number']}  {ticket['kind']}  {when(ticket['opened_at'])}", "yellow"
    for said in card.get("said_last_time") or []:
        answer = words.answers.get(said["shown"], said["shown"])
        yield f"{words.said_last_time}{words.colon}{_end(said['text'])} → {answer}", "dim"


def _script(card: Card, words: Words) -> Iterator[tuple[str, str]]:
    script = card.get("script")
    if not script:
        return
    for number, one in enumerate(script["answered"], 1):
        answer = words.answers.get(one["shown"], one["shown"])
        yield f"{words.answered} {number}{words.colon}{_end(one['text'])} → {answer}", "dim"
    for one in script["say"]:
        yield f"{words.say}{words.colon}{one['text']}", "bold cyan"
        if one["hint"]:
            yield f"  （{words.hint}{words.colon}{one['hint']}）", "dim"
    question = script["question"]
    if question is None:
        chosen = next((one for one in card.get("dispositions") or [] if one["id"] == script["end"]), None)
        yield words.the_end.format(words=_in(chosen["words"], words) if chosen else script["end"]), "green"
        return
    yield from _asked(question, words)


def _asked(question: Mapping[str, Any], words: Words) -> Iterator[tuple[str, str]]:
    for number, option in enumerate(question["options"], 1):
        yield f"  {number} {option['text']}", ""
    span = f" {question['least'] or ''}..{question['most'] or ''}" if question["least"] or question["most"] else ""
    how = {
        "yes_no": words.yes_no,
        "mark": words.mark,
        "number": words.number.format(span=span),
        "date": words.date,
        "text": words.text,
    }.get(question["kind"], "")
    left_out = "" if question["required"] else words.optional
    if told := "  ".join(one for one in (how, left_out) if one):
        yield f"  [{told}]", ""


def _end(text: str) -> str:
    """The end of what was said, where the question stands."""
    return text if len(text) <= SHORT else f"…{text[-SHORT:]}"


def _in(by_language: Mapping[str, str], words: Words) -> str:
    return by_language.get(words.language) or next((one for one in by_language.values() if one), "")
