"""AMI: Asterisk's manager interface.

``protocol`` is bytes in, messages out; ``link`` is one connection; ``client`` keeps one account connected. Must not
know: calls, flows, routing, the store.
"""

from __future__ import annotations

from ivr.ami.client import AmiClient, State
from ivr.ami.errors import (
    ActionFailed,
    ActionTimeout,
    AmiError,
    AuthFailed,
    LinkLost,
    LocalProtocolError,
    NotConnected,
    RemoteProtocolError,
)
from ivr.ami.protocol import Event, Message, Response

__all__ = [
    "ActionFailed",
    "ActionTimeout",
    "AmiClient",
    "AmiError",
    "AuthFailed",
    "Event",
    "LinkLost",
    "LocalProtocolError",
    "Message",
    "NotConnected",
    "RemoteProtocolError",
    "Response",
    "State",
]
