"""Quotes: what a share costs and where an index stands, from a provider, by way of a board in memory."""
