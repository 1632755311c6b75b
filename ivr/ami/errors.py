"""What can go wrong on the manager connection.

    AmiError
    ├── NotConnected         nothing was sent: there is no link to Asterisk now
    ├── AuthFailed           Asterisk refused the account; the client has stopped and will not try again by itself
    ├── ActionFailed         Asterisk answered ``Response: Error``
    ├── ActionTimeout        sent, and no answer within the deadline: the outcome is unknown
    ├── LinkLost             sent, and the link went down before the answer: the outcome is unknown
    ├── RemoteProtocolError  what came from the peer is no AMI
    └── LocalProtocolError   what we were asked to send is not allowed on the wire; nothing was sent

After ActionTimeout and LinkLost the action may or may not have been carried out. It is never sent again by the
client: a second Originate is a second call to the same customer. Must not know: sockets, clocks, the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ivr.errors import GoldlineError

if TYPE_CHECKING:
    from ivr.ami.protocol import Response


class AmiError(GoldlineError):
    """The manager connection failed."""

    error_id: ClassVar[str] = "ami-error"


class NotConnected(AmiError):
    """Nothing was sent: there is no link to Asterisk now."""

    error_id: ClassVar[str] = "ami-not-connected"


class AuthFailed(AmiError):
    """Asterisk refused the account. Trying again with the same secret would only get this host banned."""

    error_id: ClassVar[str] = "ami-auth-failed"


class ActionFailed(AmiError):
    """Asterisk answered ``Response: Error``. ``response`` is that answer, whole."""

    error_id: ClassVar[str] = "ami-action-failed"

    def __init__(self, action: str, response: Response) -> None:
        super().__init__(f"Asterisk refused the action {action}: {response.text or 'no reason given'}.")
        self.action = action
        self.response = response


class ActionTimeout(AmiError):
    """No answer within the deadline: the action may still be carried out."""

    error_id: ClassVar[str] = "ami-action-timeout"

    def __init__(self, action: str, seconds: float) -> None:
        super().__init__(
            f"Asterisk did not answer the action {action} within {seconds:g} s.",
            remedy="Its outcome is unknown: read the state back before acting on it.",
        )
        self.action = action
        self.seconds = seconds


class LinkLost(AmiError):
    """The link went down before the answer: the action may have been carried out."""

    error_id: ClassVar[str] = "ami-link-lost"

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(
            f"The link to Asterisk went down before the action {action} was answered: {reason}.",
            remedy="Its outcome is unknown: read the state back after the reconnect, and never just send it again.",
        )
        self.action = action
        self.reason = reason


class RemoteProtocolError(AmiError):
    """What came from the peer is no AMI."""

    error_id: ClassVar[str] = "ami-remote-protocol"


class LocalProtocolError(AmiError):
    """What we were asked to send is not allowed on the wire. Nothing was sent."""

    error_id: ClassVar[str] = "ami-local-protocol"
