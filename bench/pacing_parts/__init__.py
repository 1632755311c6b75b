"""Parts of ``bench/pacing.py``."""
