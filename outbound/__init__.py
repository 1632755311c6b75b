"""Whom we call: revisit campaigns and their pacing (arrives with the campaign work)."""
