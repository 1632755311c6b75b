"""What every service over the store does when the store does not do as asked: an exit, never an exception."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import Final

from db.account_locks import AccountLocked
from db.appointments import TooManyAppointments
from db.change_requests import TooManyRequests
from db.errors import StoreError
from db.tickets import TooManyTickets
from ivr.flow.service import Caller, Result, ServiceFunction
from ivr.speech.values import Value

log = logging.getLogger("goldline.selfservice")

UNAVAILABLE: Final[Mapping[str, Mapping[str, str]]] = {"unavailable": {}}
LOCKED: Final[Mapping[str, Mapping[str, str]]] = {"account_locked": {}, **UNAVAILABLE}
"""The exits of a service that changes something of a customer's."""


def settled(run: ServiceFunction) -> ServiceFunction:
    """``run``, with the exits ``unavailable``, ``account_locked`` and ``too_many`` for what stops every service."""

    @functools.wraps(run)
    async def within(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        try:
            return await run(caller, inputs)
        except AccountLocked:
            return Result("account_locked")
        except (TooManyTickets, TooManyRequests, TooManyAppointments):
            return Result("too_many")
        except StoreError as error:
            log.warning("A caller cannot be served from the store: %s", error)
            return Result("unavailable")

    return within


def proven(caller: Caller) -> int:
    """The customer whom the caller has proven to be: a service with ``proven`` runs for nobody else."""
    assert caller.customer is not None, "only a service declared with proven=True may ask this"
    return caller.customer
