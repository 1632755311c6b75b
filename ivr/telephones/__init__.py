"""Seats as telephones: their passwords, and Asterisk brought to what the store says of them.

Knows nothing of agents and their states.
"""

from __future__ import annotations
