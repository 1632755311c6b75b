"""The parts of ``bench/report.py``; the unit tests of the report use its made-up day as well."""

from __future__ import annotations
