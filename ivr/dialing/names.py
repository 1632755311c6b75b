"""Ids of legs to seats that dial for a campaign: the call's id (``db.attempt``) and a suffix. Pure."""

from __future__ import annotations

from db.attempt import is_attempt


def call_of_leg(channel: str) -> str:
    """The call for which this leg rings a seat; empty when it is no such leg."""
    call, dash, suffix = channel.rpartition("-")
    return call if dash and suffix and is_attempt(call) else ""
