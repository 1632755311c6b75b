"""The numbers of tickets and change requests: read out to callers, who ask with them what became of it.

Drawn at random, so that nobody finds another's by counting, with a check digit, so that a typing error finds none.
"""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.check_digit import check_digit, is_checked
from db.errors import StoreError
from db.events import utcnow
from db.models import TicketNumberRow

DIGITS: Final = 8  # nine million numbers and their check digit; the first is no 0, which a spreadsheet would drop
RECORDING_DIGITS: Final = 20  # of a recording's name: 66 random bits, which say nothing about whose words they are
_DRAWS: Final = 20  # with half of all numbers given, one in a million draws finds none


async def draw(session: AsyncSession) -> str:
    """A number that nobody has, now given. In the transaction of what it is given to."""
    connection = await session.connection()
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for _ in range(_DRAWS):
        digits = str(10 ** (DIGITS - 2) + secrets.randbelow(9 * 10 ** (DIGITS - 2)))
        number = digits + check_digit(digits)
        given = insert(TicketNumberRow).values(number=number, given_at=utcnow()).on_conflict_do_nothing()
        if (await connection.execute(given.returning(TicketNumberRow.number))).first():
            return number
    raise StoreError("Nearly all ticket numbers are given.", remedy="Raise DIGITS in db/ticket_numbers.py.")


def is_ticket_number(digits: str) -> bool:
    """Whether this can be a number of ours; says nothing about whether it was ever given."""
    return len(digits) == DIGITS and is_checked(digits)


def recording_name() -> str:
    """A new name for a recording: random digits."""
    return "".join(secrets.choice("0123456789") for _ in range(RECORDING_DIGITS))
