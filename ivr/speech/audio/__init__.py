"""Sound as numbers: A-law, levels, joining. Knows nothing of words, engines or Asterisk. Pure."""

from __future__ import annotations
