"""What a caller can ask for. Each room hands out ``Service`` records (``ivr.flow.service``) over a store or a feed."""

from __future__ import annotations

from ivr.flow.service import Service
from ivr.services.callbacks import Leave, callback_services
from ivr.services.notices import NoticeBoard, notice_services
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.services import quote_services
from ivr.services.quotes.spelling import SpelledNames


def all_services(
    quotes: QuoteBoard, names: SpelledNames, notices: NoticeBoard, leave_callback: Leave
) -> dict[str, Service]:
    """Every service a flow may name."""
    services = (*quote_services(quotes, names), *notice_services(notices), *callback_services(leave_callback))
    return {service.name: service for service in services}
