"""Parts of the bench of announcements: voices, what a network does to sound, and the peers."""

from __future__ import annotations
