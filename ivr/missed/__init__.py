"""Which calls were missed: decided by what the journal tells of a call, while it happens and anew out of the journal.

Knows neither the queue nor telephones. The list itself is ``db.missed``.
"""
