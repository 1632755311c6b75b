"""What the wire tests share: on which event loops they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Server and client run on both loops: the product uses uvloop, whose transports differ in many small ways."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.path.name.startswith(("test_agi_", "test_ami_client", "test_quote_feeds")):
        loops["uvloop"] = uvloop.new_event_loop
    return loops
