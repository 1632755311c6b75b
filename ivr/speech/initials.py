"""The pinyin initials of many names, worked out in a process of its own: the dictionary takes 55 MB, once, and ends.

``python -m ivr.speech.initials`` reads a JSON list of names and prints the list of their initials.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import ClassVar, Final

from ivr.errors import GoldlineError

SECONDS: Final = 60.0  # 6,000 names take one; a loaded machine takes longer


class InitialsFailed(GoldlineError):
    """The process that knows the dictionary failed."""

    error_id: ClassVar[str] = "initials-failed"


async def initials_of(names: Sequence[str]) -> list[str]:
    """The initials of each name. Raises InitialsFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate(json.dumps(list(names)).encode())
        found = json.loads(printed)
    except (TimeoutError, ValueError):
        raise InitialsFailed(
            "The initials of names could not be worked out.", remedy="Is pypinyin installed?"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if len(found) != len(names):
        raise InitialsFailed("The initials of some names are missing.", remedy="Please report this as a bug.")
    return [str(one) for one in found]


def main() -> None:
    """Answer one list."""
    from ivr.speech.pinyin import initials

    names = json.load(sys.stdin)
    sys.stdout.write(json.dumps([initials(name) for name in names]))


if __name__ == "__main__":
    main()
