"""From when to when calls held a line, as the plan of lines reads it, on both databases."""

from __future__ import annotations

import datetime

from db.calls import Calls, CallSpan
from db.events import Event
from db.store import Store

NINE = datetime.datetime(2026, 3, 4, 9, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


async def test_ended_calls_of_a_time(store: Store) -> None:
    calls = Calls(store)
    events = []
    for number, (began, ended) in enumerate([(-1, 0.5), (0, 0.1), (0.5, None), (1, 3), (2, 2.1)]):
        events.append(Event(f"c{number}", "call.started", {"line": f"9550{number}"}, NINE + began * HOUR))
        if ended is not None:
            events.append(Event(f"c{number}", "call.ended", {"how": "caller"}, NINE + ended * HOUR))
    await calls.record(events)
    found = {span.line: span async for span in calls.spans(NINE, NINE + 2 * HOUR)}
    assert found == {
        "95501": CallSpan("95501", NINE, NINE + 0.1 * HOUR, "caller"),
        "95503": CallSpan("95503", NINE + HOUR, NINE + 3 * HOUR, "caller"),
    }


async def test_more_calls_than_are_fetched_at_once(store: Store) -> None:
    calls = Calls(store)
    await calls.record(
        [
            Event(f"c{number}", kind, {}, NINE + datetime.timedelta(seconds=number))
            for number in range(4_500)
            for kind in ("call.started", "call.ended")
        ]
    )
    assert len([span async for span in calls.spans(NINE, NINE + 2 * HOUR)]) == 4_500
