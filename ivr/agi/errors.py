"""What can go wrong between the controller and a channel. Knows nothing of sockets.

    AgiError
    ├── CallerHungUp             the caller is gone: an ordinary end
    │   └── DeadChannel          511: the channel is hung up and this command needs a live one
    ├── InvalidCommand           510: Asterisk has no such command
    ├── UsageError               520: the command's arguments are wrong
    ├── CommandFailed            503 and any other refusal: Asterisk could not carry it out
    ├── CommandTimeout           no answer within the command's deadline; the connection is closed
    ├── SessionClosed            we closed the connection before this command
    └── ProtocolError
        ├── LocalProtocolError   we broke the rules; nothing was sent
        └── RemoteProtocolError  the peer broke the rules; the connection is closed

A message names the command's verb and never its arguments: they may hold a caller's PIN.
"""

from __future__ import annotations

from typing import ClassVar

from ivr.errors import GoldlineError


class AgiError(GoldlineError):
    """A command to a channel failed. ``verb`` is the command's (``STREAM FILE``), empty when there was none."""

    error_id: ClassVar[str] = "agi-error"
    default_message: ClassVar[str] = "A command to the channel failed."
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str = "", *, verb: str = "", remedy: str = "") -> None:
        super().__init__(message or self.default_message, remedy=remedy or self.default_remedy)
        self.verb = verb


class CallerHungUp(AgiError):
    """The caller is gone, or Asterisk closed the connection, which for the call is the same."""

    error_id: ClassVar[str] = "caller-hung-up"
    default_message: ClassVar[str] = "The caller hung up."


class DeadChannel(CallerHungUp):
    """Asterisk answered 511: the channel is hung up already and the command needs a live one."""

    error_id: ClassVar[str] = "dead-channel"
    default_message: ClassVar[str] = "The command needs a live channel, and the caller has hung up."


class InvalidCommand(AgiError):
    """Asterisk answered 510: it has no such command."""

    error_id: ClassVar[str] = "invalid-command"
    default_remedy: ClassVar[str] = "See `agi show commands` on the Asterisk console; a module may not be loaded."


class UsageError(AgiError):
    """Asterisk answered 520. ``usage`` is the help text it sent, which may be empty."""

    error_id: ClassVar[str] = "usage-error"

    def __init__(self, message: str = "", *, verb: str = "", remedy: str = "", usage: str = "") -> None:
        super().__init__(message, verb=verb, remedy=remedy)
        self.usage = usage


class CommandFailed(AgiError):
    """Asterisk understood the command and could not carry it out (503). ``code`` is what it answered."""

    error_id: ClassVar[str] = "command-failed"

    def __init__(self, message: str = "", *, verb: str = "", remedy: str = "", code: int = 0) -> None:
        super().__init__(message, verb=verb, remedy=remedy)
        self.code = code


class CommandTimeout(AgiError):
    """No answer came within the deadline. An answer may still be under way, so the connection is closed."""

    error_id: ClassVar[str] = "command-timeout"
    default_remedy: ClassVar[str] = "Asterisk is stuck or the deadline is shorter than what the command plays or waits."


class SessionClosed(AgiError):
    """We closed this connection earlier: a command was cancelled or timed out, or the call's handler has ended."""

    error_id: ClassVar[str] = "session-closed"
    default_message: ClassVar[str] = "The connection to Asterisk was closed before this command."
    default_remedy: ClassVar[str] = "Send no command after one was cancelled or timed out, nor after the handler ended."


class ProtocolError(AgiError):
    """The rules of AGI were broken."""

    error_id: ClassVar[str] = "agi-protocol-error"


class LocalProtocolError(ProtocolError):
    """We tried to break the rules. Nothing was sent and the session can go on."""

    error_id: ClassVar[str] = "agi-local-protocol-error"


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules, so no answer can be matched to its command any more; the connection is closed."""

    error_id: ClassVar[str] = "agi-remote-protocol-error"
    default_remedy: ClassVar[str] = "Is the peer an Asterisk, and nothing between it and us?"
