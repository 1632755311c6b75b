"""Customers as files and figures: CSV in and out, and the nightly recompute of tiers.

Knows the store and the rules for tiers; knows no telephone call and no terminal.
"""
