"""Data that people edit, in YAML: read with line numbers, every problem told with its place and remedy.

Flows, policies and lists of lines are all read with this. Knows none of them.
"""
