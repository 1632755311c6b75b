"""Parts of bench/queueing.py."""
