"""Lines: which dialled number is which line, when it is open, and who gets through when lines are scarce.

Decisions are pure (``hours``, ``allocation``, ``blocking``, ``traffic``); ``book`` reads the file, ``desk`` counts the
calls that are up. Knows nothing of Asterisk, of flows' insides, or of the store.
"""
