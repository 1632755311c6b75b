"""Figures about calls, waits, talks and agents' time, each with its formula; and the story of one call's wait.

Everything is worked out from what the journal (``call_events``, ``calls``) and the history of agents
(``agent_changes``) hold, so that every figure can be had again. Pure but for ``reckoning``, which reads through
``db.report_rows``. Knows no controller, no telephone and no terminal. docs/report.md defines each word.
"""

from __future__ import annotations
