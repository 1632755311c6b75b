"""Callers who wait for a person, joined to calls: the place that rides on a channel, the offers, the talks."""
