"""``python3 -m ivr.install run|test``. This file alone must be readable by an older Python, to say so kindly."""

from __future__ import annotations

import sys

OLDEST_PYTHON = (3, 11)


def main() -> int:
    """Check the Python, then do the work with modules that may use its newer parts."""
    if sys.version_info < OLDEST_PYTHON:
        print(
            "Goldline needs Python {}.{} or newer; this is {}.{} ({}).\n"
            "Debian 12 and later and Ubuntu 24.04 have one: apt-get install python3. "
            "Another one is named with: make run PYTHON=/path/to/python3".format(
                *OLDEST_PYTHON, sys.version_info[0], sys.version_info[1], sys.executable
            ),
            file=sys.stderr,
        )
        return 2
    from ivr.install.command import command  # not before: its syntax is newer

    return command(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
