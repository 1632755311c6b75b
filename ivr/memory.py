"""How the garbage collector is told what lives as long as the process does."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 10_000  # allocations between two looks at the youngest; the default of 700 looks twice per call


def settle_memory() -> None:
    """Call once everything is loaded: what is there now is never looked at again by the collector.

    A full collection would otherwise walk the dictionaries of prompts and readings, a million objects, while callers
    wait. Measured with ``bench/agi.py``.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
