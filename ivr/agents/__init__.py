"""Agents and seats as files: CSV in and out, and what a person at the command line may write of them.

Knows the store's records; knows no telephone call and no terminal.
"""
