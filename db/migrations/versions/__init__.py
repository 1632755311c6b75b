"""One module per step, named by number and what it brings."""
