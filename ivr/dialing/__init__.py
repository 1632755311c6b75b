"""Campaigns joined to calls: who is dialled when, what came of it, and who talks with whoever answers."""
