"""Who answers: the matching of waiting callers with seats (arrives with the queueing work)."""
