"""Every service of this room, over one store and one board of quotes."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from db.account_locks import AccountLocks
from db.appointments import Appointments
from db.change_requests import ChangeRequests
from db.customers import Customers
from db.events import utcnow
from db.store import Store
from db.tickets import Tickets
from db.watch_list import WatchLists
from db.wishes import Wishes
from ivr.flow.service import Service
from ivr.selfservice.appointments import appointment_services
from ivr.selfservice.changes import change_services
from ivr.selfservice.standing import standing_services
from ivr.selfservice.tickets import ticket_services
from ivr.selfservice.watch_list import watch_list_services
from ivr.selfservice.wishes import wish_services
from ivr.services.quotes.board import QuoteBoard


def selfservice_services(
    store: Store, board: QuoteBoard, now: Callable[[], datetime.datetime] = utcnow
) -> tuple[Service, ...]:
    """The services; ``now`` gives an aware moment, by which slots are past or ahead."""
    requests = ChangeRequests(store)
    return (
        *standing_services(Customers(store), AccountLocks(store)),
        *wish_services(Wishes(store)),
        *change_services(requests),
        *appointment_services(Appointments(store), now),
        *ticket_services(Tickets(store), requests),
        *watch_list_services(WatchLists(store), board),
    )
