"""The controller: answers the telephone, plays the flows, keeps the journal.

The rooms of the house and the floors they stand on are drawn in ``docs/architecture.md``; ``tests/unit/test_floors.py``
keeps imports going downwards only.
"""
