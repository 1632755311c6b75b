"""What a caller can have done without a person: wishes, an urgent lock, changes, appointments, tickets, a watch-list.

Services over the store (``services.selfservice_services``), and what the clerk's desk reads from files. Knows no flow
by name and no call.
"""
