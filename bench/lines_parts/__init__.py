"""The parts of ``bench/lines.py``."""

from __future__ import annotations
