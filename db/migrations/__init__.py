"""The history of the tables. ``db.schema`` runs it.

Each step stands in ``versions`` and is never changed once released.
"""
