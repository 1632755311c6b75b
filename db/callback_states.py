"""The states of a callback that keeps its place. Words only."""

from __future__ import annotations

from typing import Final, Literal

CallbackState = Literal["waiting", "agent_reserved", "dialling", "talking", "done", "failed", "expired", "refused"]

# Open: still to be served. Of the others none is ever dialled again.
HELD_CALLBACKS: Final[tuple[CallbackState, ...]] = ("agent_reserved", "dialling", "talking")  # by a controller
OPEN_CALLBACKS: Final[tuple[CallbackState, ...]] = ("waiting", *HELD_CALLBACKS)
CLOSED_CALLBACKS: Final[tuple[CallbackState, ...]] = ("done", "failed", "expired", "refused")
CALLBACK_STATES: Final[tuple[CallbackState, ...]] = OPEN_CALLBACKS + CLOSED_CALLBACKS
