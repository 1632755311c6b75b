"""A refusal is never lost: the journal has it at once, and the store as soon as it is back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from db.errors import StoreAway
from db.in_memory import store_in_memory
from ivr.outreach import stored
from ivr.outreach.results import Results
from ivr.outreach.stored import REFUSED, House, Matters, StoredOutreach
from ivr.testing import MemoryJournal
from outbound import dispositions


async def test_a_store_that_is_away_when_somebody_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "AGAIN_SECONDS", 0.001)
    store, journal = await store_in_memory(), MemoryJournal()
    matters = Matters(store, lambda _name: None, House({"zh": "金线证券"}, "95500"))
    outreach = StoredOutreach(store, matters, Results(store, journal), dispositions.read, journal)
    done, tries = asyncio.Event(), 0

    async def row(_call: str) -> Any:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise StoreAway("away", remedy="wait")
        done.set()

    monkeypatch.setattr(outreach, "_row", row)
    await outreach.refuse("attempt-7")
    assert journal.kinds() == [REFUSED]
    await asyncio.wait_for(done.wait(), 5)
    await outreach.stop()
