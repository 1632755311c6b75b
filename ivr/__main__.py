"""``python -m ivr`` is ``ivr``."""

from __future__ import annotations

from ivr.cli import main

if __name__ == "__main__":
    main()
