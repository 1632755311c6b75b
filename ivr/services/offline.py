"""All services without database and network: for checking flows, for ``ivr try`` and for the tests beside the flows.

The same services as on a live hotline, over the demonstration data and, when wanted, a clock that stands still.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace

from db import demo
from db.callbacks import CallbackWish
from db.customer import Phone
from db.customers import Customers
from db.events import Event, utcnow
from db.in_memory import StoreTemplate
from db.instruments import Instrument
from db.notices import Notice
from db.pins import Pins
from db.store import Store
from ivr.flow.service import Caller, Service
from ivr.identity.identity import Identity
from ivr.identity.keys import pepper
from ivr.identity.services import identity_services
from ivr.identity.sms import SmsInMemory
from ivr.outreach.in_memory import OutreachInMemory
from ivr.outreach.matter import Matter
from ivr.outreach.services import outreach_services
from ivr.queueing.callback_services import waiting_services
from ivr.queueing.callbacks import Kept
from ivr.selfservice.services import selfservice_services
from ivr.services import all_services
from ivr.services.notices import NoticeBoard
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.demo import DemoQuoteProvider
from ivr.services.quotes.spelling import SpelledNames
from ivr.services.survey import survey_services
from ivr.speech.initials import initials_of
from outbound import script_file
from outbound.script import Script
from outbound.script_file import SCRIPTS

# The demonstration's first customer can prove who they are in calls without a network, by PIN or by a code "sent" to
# this mobile: for flows tried out, and for the tests beside them. No installation has this PIN.
PROVABLE_ACCOUNT = "900000000001"
PROVABLE_PIN = "246810"
PROVABLE_MOBILE = "+8613900000001"
SMS_CODE = "135792"
OFFLINE_KEY = b"calls without a network"

A_TRADING_MORNING = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)  # 10:30 in Shanghai


async def offline_services(now: Callable[[], datetime.datetime] = utcnow) -> dict[str, Service]:
    """The services, by name, with quotes on the board."""
    return await (await OfflineHouse.build(now)).services()


class OfflineHouse:
    """The services with the demonstration's data, anew for each test: what one changes, the next does not see."""

    def __init__(
        self, template: StoreTemplate, board: QuoteBoard, names: SpelledNames, now: Callable[[], datetime.datetime]
    ) -> None:
        self._template = template
        self._board = board
        self._names = names
        self._now = now

    @classmethod
    async def build(cls, now: Callable[[], datetime.datetime] = utcnow) -> OfflineHouse:
        """Once: half a second. ``now`` gives an aware moment."""

        async def fill(store: Store) -> None:
            await demo.load(store, now)
            customers = Customers(store)
            customer = await customers.by_account(PROVABLE_ACCOUNT)
            assert customer is not None  # it stands in db/demo/customers.csv
            await customers.put(
                replace(customer, phones=(*customer.phones, Phone(PROVABLE_MOBILE))), why="demonstration"
            )
            await Pins(store, pepper(OFFLINE_KEY)).set_pin(PROVABLE_ACCOUNT, PROVABLE_PIN, actor="demonstration")

        board = QuoteBoard(DemoQuoteProvider(demo.references(), clock=now), _instruments)
        await board.refresh()
        names = SpelledNames(initials_of)
        await names.learn(board.instruments)
        return cls(await StoreTemplate.filled_by(fill), board, names, now)

    async def services(self) -> dict[str, Service]:
        """The services, by name, over a store of their own."""
        now, board, store = self._now, self._board, await self._template.store()
        identity = Identity(
            store, Pins(store, pepper(OFFLINE_KEY)), OFFLINE_KEY, now, sms=SmsInMemory(), new_code=lambda: SMS_CODE
        )
        services = all_services(board, self._names, NoticeBoard(_published, now=now), _leave)
        services |= {service.name: service for service in survey_services(_last_talk, _Forgetful())}
        services |= {service.name: service for service in waiting_services(_keep)}
        services |= {service.name: service for service in outreach_services(OutreachInMemory(_matter))}
        services |= {service.name: service for service in selfservice_services(store, board, now)}
        return services | {service.name: service for service in identity_services(identity)}


def _matter() -> Matter:
    """What a call of ours is about that is tried out: a notice of the demonstration, and questions."""
    return Matter(
        demonstration_script(),
        name={"zh": "王伟", "en": "Wang Wei"},
        account=PROVABLE_ACCOUNT,
        values={
            "name": {"zh": "王伟", "en": "Wang Wei"},
            "brokerage": {"zh": "金线证券", "en": "Goldline Securities"},
            "branch": {"zh": "浦东营业部", "en": "Pudong branch"},
            "hotline": "95500",
            "share": {"zh": "贵州茅台", "en": "Kweichow Moutai"},
            "quantity": "500",
            "amount": "8650",
            "deadline": "2026-11-23",
        },
        survey=True,
    )


def demonstration_script() -> Script:
    """The notice of an allotment, with the questions of the satisfaction survey."""
    notice, survey = (
        script_file.read(SCRIPTS / "allotment_result.yaml"),
        script_file.read(SCRIPTS / "satisfaction_survey.yaml"),
    )
    return replace(survey, notice=notice.notice, values=notice.values)


async def _instruments() -> Sequence[Instrument]:
    return demo.instruments()


async def _published(_moment: datetime.datetime) -> Sequence[Notice]:
    return tuple(reversed(demo.demo_notices()))


async def _leave(_wish: CallbackWish) -> bool:
    return True


async def _keep(_caller: Caller, _number: str) -> Kept:
    return "kept"


async def _last_talk(_call_id: str) -> str | None:
    return "801"  # so that the question after a talk can be heard without one


class _Forgetful:
    """A journal that keeps nothing."""

    def append(self, _event: Event) -> None:
        pass
