"""From a file of customers into the store: looked through first, then compared or written, batch by batch.

Every batch is one transaction, so a run that breaks off is finished by running it again: what is there already costs a
look and no write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from db.audit import Audit, AuditEntry
from db.customer_changes import CustomerChange, CustomerChanges, Differences
from db.store import Store
from ivr.customers.customer_file import CustomerFile, Tick
from ivr.customers.fault import Fault


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look through the file found."""

    rows: int = 0
    bad: int = 0


@dataclass(slots=True)
class Outcome:
    """What the good rows do, or did, to the store."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    tiers: int = 0  # changes of tier among ``changed``


def survey(file: CustomerFile, on_fault: Callable[[Fault], None], tick: Tick) -> Survey:
    """Look at every row; ``on_fault`` is told each fault in the file's order."""
    rows = bad = 0
    for batch in file.batches(tick):
        rows += batch.rows
        bad += batch.bad
        for fault in batch.faults:
            on_fault(fault)
    return Survey(rows, bad)


async def compare(store: Store, file: CustomerFile, *, actor: str, tick: Tick) -> Outcome:
    """What the file's good rows would do. Writes nothing. Raises StoreError, BadCustomerFile."""
    return await _go(CustomerChanges(store).compare, file, actor, tick)


async def write(store: Store, file: CustomerFile, *, actor: str, tick: Tick) -> Outcome:
    """Bring the store to what the file's good rows say. Raises StoreError, BadCustomerFile."""
    outcome = await _go(CustomerChanges(store).write, file, actor, tick)
    data = {
        "file": file.path.name,
        "columns": list(file.columns),
        "new": outcome.new,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
    }
    await Audit(store).append(AuditEntry(actor, "customers.imported", data=data))
    return outcome


async def _go(step: Callable[..., Awaitable[Differences]], file: CustomerFile, actor: str, tick: Tick) -> Outcome:
    outcome = Outcome()
    why = f"import of {file.path.name}"
    for batch in file.batches(tick):
        changes: Sequence[CustomerChange] = batch.changes
        found = await step(changes, actor=actor, why=why)
        outcome.new += len(found.new)
        outcome.changed += len(found.changed)
        outcome.unchanged += len(changes) - len(found.new) - len(found.changed)
        outcome.tiers += len(found.tiers)
    return outcome
