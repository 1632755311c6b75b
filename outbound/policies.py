"""The names by which a simulated day's policy is chosen: ``predictive``, ``power:2``, ``adaptive``, …"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from ivr.errors import GoldlineError
from outbound.pacing import Pacer, PacingRules
from outbound.pacing_peers import Adaptive, Clairvoyant
from outbound.simulation import Policy

NAMES: Final = ("predictive", "progressive", "preview", "power", "power:RATIO", "adaptive", "clairvoyant")


class PolicyUnknown(GoldlineError):
    """No pacing goes by this name."""

    error_id: ClassVar[str] = "outbound-policy-unknown"


def policy(name: str, ratio: float = 1.5) -> Callable[[], Policy]:
    """A maker of the policy of this name. ``ratio``: of ``power`` without one. Raises PolicyUnknown."""
    word, _, number = name.partition(":")
    if word == "power":
        try:
            ratio = float(number) if number else ratio
        except ValueError:
            ratio = 0.0
        if not 1.0 <= ratio <= 10.0:
            raise PolicyUnknown(f"power:{number} is no number of lines for each idle seat.", remedy="As power:2.5.")
        return lambda: Pacer(PacingRules(mode="power", ratio=ratio))
    if number or word not in NAMES:
        raise PolicyUnknown(f"There is no policy {name!r}.", remedy=f"Choose from: {', '.join(NAMES)}.")
    if word == "adaptive":
        return Adaptive
    if word == "clairvoyant":
        return Clairvoyant
    if word == "progressive":
        return lambda: Pacer(PacingRules(mode="progressive"))
    if word == "preview":
        return lambda: Pacer(PacingRules(mode="preview"))
    return lambda: Pacer(PacingRules(mode="predictive"))
