"""Engines: words in, a clip out. Know nothing of prompts, caches or calls."""

from __future__ import annotations
