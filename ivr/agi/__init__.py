"""FastAGI: how Asterisk hands us calls. ``protocol`` (bytes and rules), ``session`` (one call), ``server`` (all)."""

from __future__ import annotations
