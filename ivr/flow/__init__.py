"""Flows as data: loaded and checked before they may take a call, run one node after the other, traced."""
