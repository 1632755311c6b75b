"""All customers into a CSV file that imports back to the same, and that a spreadsheet opens without running anything.

Streams: memory does not grow with the number of customers. The file belongs to its owner alone and appears only when it
is complete. A PIN cannot be in it: no reader of customers has one.
"""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from db.audit import Audit, AuditEntry
from db.customers import Customers
from db.store import Store
from ivr.customers.columns import COLUMNS, escaped
from ivr.customers.customer_file import UTF8
from ivr.customers.fault import BadCustomerFile


async def export(store: Store, path: Path, *, actor: str, tick: Callable[[int], None]) -> int:
    """Write the file; ``tick`` is told how many customers are written. Returns how many there are.

    Raises StoreError, and BadCustomerFile when the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    count = 0
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # With its mark: without, Excel takes UTF-8 for the local code page.
            with open(descriptor, "w", encoding=UTF8.name, newline="") as handle:  # noqa: PTH123 - a descriptor
                writer = csv.writer(handle)
                writer.writerow([column.name for column in COLUMNS])
                async for page in Customers(store).pages():
                    writer.writerows([escaped(column.write(customer)) for column in COLUMNS] for customer in page)
                    count += len(page)
                    tick(count)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise BadCustomerFile(
            f"{path} cannot be written: {error.strerror}.", remedy="Check the directory, its rights and its room."
        ) from error
    await Audit(store).append(AuditEntry(actor, "customers.exported", data={"file": path.name, "customers": count}))
    return count
