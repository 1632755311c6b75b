"""A board as rich shows it in a terminal: what matters most stays when there is little room. Pure.

No meaning hangs on colour alone, and no text is taken for markup: telephones choose some of them.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from db.agent import STATES
from db.customer import BROKERAGE_TIME
from ivr.wallboard.rows import PARTS, Alert, Board, SeatRow, Talk, TierRow, WaitingCaller
from ivr.wallboard.words import Words

T = TypeVar("T")

NARROW: Final = 72  # columns; below, only what fits a telephone's width is shown
LEAST_ROWS: Final = 3  # of a list, with its heading, or it is not shown at all
MOST_ALERTS: Final = 6
SHOWN_STATES: Final = tuple(state for state in STATES if state != "logged_out")


def screen(board: Board, words: Words, width: int, height: int) -> RenderableType:
    """The board for a terminal of so many columns and lines."""
    parts: list[RenderableType] = [_head(board, words, width)]
    room = height - 1
    alerts = board.alerts[: max(1, min(MOST_ALERTS, room // 3))] if room > 0 else ()
    parts += [_line(f"! {_alert(alert, board, words)}", "bold red") for alert in alerts]
    room -= len(alerts)
    if (hidden := len(board.alerts) - len(alerts)) and room > 0:
        parts.append(_line(words.more.format(count=hidden), "red"))
        room -= 1
    if room >= len(board.tiers) + 1:
        parts.append(_tiers(board.tiers, words, width))
        room -= len(board.tiers) + 1
    else:
        total = sum(row.waiting for row in board.tiers)
        return Group(*parts, _line(f"{words.waiting} {total}", ""))
    seats = _by_branch(board.seats)
    wanted = [
        max(1, len(board.waiting)) + 1,
        max(1, len(board.talks)) + 1,
        len(seats) + 1 if seats else 0,
    ]
    given = shares(room, wanted)
    if given[0]:
        parts.append(_waiting(board.waiting, given[0] - 1, words, width))
    if given[2]:
        parts.append(_branches(seats, board, given[2] - 1, words, width))
    if given[1]:
        parts.append(_talks(board.talks, board, given[1] - 1, words, width))
    return Group(*parts)


def shares(room: int, wanted: Sequence[int]) -> list[int]:
    """Lines for each list: all it wants where there is room, else as even as may be; none for less than LEAST_ROWS."""
    given = [0] * len(wanted)
    left = max(0, room)
    for place in sorted(range(len(wanted)), key=lambda place: wanted[place]):
        still = sum(1 for other in range(len(wanted)) if wanted[other] and not given[other])
        share = min(wanted[place], left // still) if still and wanted[place] else 0
        given[place] = share if share >= min(LEAST_ROWS, wanted[place]) else 0
        left -= given[place]
    return given


def span(seconds: float) -> str:
    """A duration as people read it: 0:07, 12:05, 1:02:03."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _head(board: Board, words: Words, width: int) -> Text:
    now = datetime.datetime.fromtimestamp(board.at, BROKERAGE_TIME)
    head = Text(no_wrap=True, overflow="ellipsis", end="")
    if width >= NARROW:
        head.append(f"{words.title}  ", "bold")
    head.append(f"{now:%H:%M:%S}")
    for part in PARTS:
        link = board.links[part]
        if link.up:
            head.append(f"  {words.parts[part]} {words.up}", "green")
        else:
            away = words.away.format(time=span(board.at - link.since))
            head.append(f"  {words.parts[part]} {away}", "bold red")
    head.append("\n")
    return head


def _alert(alert: Alert, board: Board, words: Words) -> str:
    subject = alert.subject
    match alert.kind:
        case "waits_too_long" | "below_target":
            subject = words.tiers[alert.subject]  # type: ignore[index]  # these two are about tiers
        case "no_language":
            subject = words.languages.get(subject, subject)
        case "branch_offline":
            subject = _named(board, subject, words) if subject else words.head_office
    text = words.findings.get(alert.text, alert.text) if alert.kind == "disagreement" else alert.text  # type: ignore[call-overload]
    filled = words.alerts[alert.kind].format(
        subject=subject, count=alert.count, time=span(alert.seconds), share=_percent(alert.seconds), text=text
    )
    return _plain(filled)


def _tiers(rows: Sequence[TierRow], words: Words, width: int) -> Table:
    table = _table(width)
    wide = width >= NARROW
    for name in (words.tier, words.waiting, words.longest, words.level_lately, words.level_today, words.target):
        table.add_column(_cell(name, "dim"), justify="left" if name == words.tier else "right", no_wrap=True)
    if wide:
        table.add_column(_cell(words.abandoned, "dim"), justify="right", no_wrap=True)
        table.add_column(_cell(words.offered, "dim"), justify="right", no_wrap=True)
    for row in rows:
        cells = [
            _cell(words.tiers[row.tier], "bold" if row.waiting else ""),
            _cell(str(row.waiting), "bold" if row.waiting else ""),
            _cell(span(row.longest) if row.waiting else "-"),
            _level(row.lately.service, row.target.share),
            _level(row.today.service, row.target.share),
            _cell(f"{_percent(row.target.share)}/{row.target.within:g}s", "dim"),
        ]
        if wide:
            cells += [_cell(_percent(row.today.abandonment)), _cell(str(row.today.offered))]
        table.add_row(*cells)
    return table


def _waiting(callers: Sequence[WaitingCaller], most: int, words: Words, width: int) -> RenderableType:
    if not callers:
        return _line(words.nobody_waits, "dim")
    names = [words.waiting, words.tier, words.waited, words.urgency, words.rung]
    if width >= NARROW:
        names += [words.caller, words.speaks, words.branch, words.line]
    table = _table(width)
    for name in names:
        right = name in (words.waiting, words.waited, words.urgency)
        table.add_column(_cell(name, "dim"), justify="right" if right else "left", no_wrap=True)
    standings = {"strict": words.first, "front": words.put_in_front, "past the longest wait": words.past_limit}
    for place, one in enumerate(_cut(callers, most), 1):
        cells = [
            _cell(str(place)),
            _cell(words.tiers[one.tier]),
            _cell(span(one.waited)),
            _cell(standings.get(one.standing, f"{one.urgency:.1f}")),
            _cell(one.seat or "-"),
        ]
        if width >= NARROW:
            speaks = words.languages.get(one.language, one.language)
            cells += [_cell(one.number or words.withheld), _cell(speaks), _cell(one.branch or "-"), _cell(one.line)]
        table.add_row(*cells)
    return _with_more(table, len(callers) - most, words)


def _talks(talks: Sequence[Talk], board: Board, most: int, words: Words, width: int) -> RenderableType:
    if not talks:
        return _line(words.nobody_talks, "dim")
    table = _table(width)
    table.add_column(_cell(words.talks, "dim"), justify="right", no_wrap=True)
    for name in (words.agent, words.seat, words.tier, *((words.caller,) if width >= NARROW else ())):
        table.add_column(_cell(name, "dim"), no_wrap=True)
    for talk in _cut(talks, most):
        cells = [
            _cell(span(talk.seconds)),
            _cell(f"{talk.agent} {_named(board, talk.agent, words)}".strip() or "-"),
            _cell(talk.seat),
            _cell(words.tiers[talk.tier] if talk.tier else "-"),
        ]
        if width >= NARROW:
            cells.append(_cell(talk.number or words.withheld))
        table.add_row(*cells)
    return _with_more(table, len(talks) - most, words)


def _branches(
    branches: Sequence[tuple[str, Sequence[SeatRow]]], board: Board, most: int, words: Words, width: int
) -> RenderableType:
    table = _table(width)
    table.add_column(_cell(words.seats, "dim"), no_wrap=True)
    for state in SHOWN_STATES:
        table.add_column(_cell(words.states[state], "dim"), justify="right", no_wrap=True)
    table.add_column(_cell(words.unreachable, "dim"), justify="right", no_wrap=True)
    for branch, rows in _cut(branches, most):
        counts = Counter(row.state for row in rows if row.agent)
        lost = sum(row.reach == "unreachable" for row in rows)
        name = f"{branch} {_named(board, branch, words)}".strip() if branch else words.head_office
        table.add_row(
            _cell(name),
            *(_cell(str(counts[state]) if counts[state] else "-") for state in SHOWN_STATES),
            _cell(str(lost) if lost else "-", "bold" if lost else ""),
        )
    return _with_more(table, len(branches) - most, words)


def _by_branch(seats: Iterable[SeatRow]) -> list[tuple[str, list[SeatRow]]]:
    """Branches where somebody is logged in, or a telephone can be rung."""
    found: dict[str, list[SeatRow]] = {}
    for row in seats:
        found.setdefault(row.branch, []).append(row)
    return [
        (branch, rows) for branch, rows in found.items() if any(row.agent or row.reach != "unknown" for row in rows)
    ]


def _cut(rows: Sequence[T], most: int) -> Sequence[T]:
    """The first rows; when not all fit, one line is kept for saying so."""
    return rows if len(rows) <= most else rows[: max(0, most - 1)]


def _with_more(table: Table, over: int, words: Words) -> RenderableType:
    return Group(table, _line(words.more.format(count=over + 1), "dim")) if over > 0 else table


def _table(width: int) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2 if width >= NARROW else 1, 0, 0))


def _named(board: Board, key: str, words: Words) -> str:
    zh, en = board.names.get(key, ("", ""))
    return (en or zh) if words.language == "en" else (zh or en)


def _level(level: float | None, target: float) -> Text:
    if level is None:
        return _cell("-")
    missed = level < target
    return _cell(f"{_percent(level)}{'!' if missed else ''}", "bold red" if missed else "")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}%"


def _cell(text: str, style: str = "") -> Text:
    return Text(_plain(text), style)


def _line(text: str, style: str) -> Text:
    return Text(f"{_plain(text)}", style, no_wrap=True, overflow="ellipsis")


def _plain(text: str) -> str:
    """Without what could steer a terminal."""
    return "".join(character for character in text if character.isprintable())
