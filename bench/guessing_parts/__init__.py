"""What bench/guessing.py and the test of the same name are made of."""

from __future__ import annotations
