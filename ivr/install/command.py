"""``run`` and ``test``: make sure of everything, then become the program that was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ivr.asterisk.locate import Installation, find_private, find_system
from ivr.errors import GoldlineError
from ivr.install import environment, packages, places, private_asterisk
from ivr.install.progress import Progress

USAGE = """usage: python3 -m ivr.install run    install what is missing, then start Goldline
       python3 -m ivr.install test   install what is missing, then check and test everything"""


def command(arguments: Sequence[str]) -> int:
    """The exit code: 0 well, 1 something failed, 2 a wrong call."""
    # Ours would be found first wherever a Python is started from here, and mislead pip.
    os.chdir(places.CHECKOUT)
    progress = Progress()
    try:
        match arguments:
            case ["run", *rest]:
                prepare(progress, [*packages.FOR_RUN], environment.NO_EXTRAS)
                program = environment.program(places.VENV, "ivr")
                os.execv(program, [program, "run", *rest])
            case ["test", *rest]:
                prepare(progress, [*packages.FOR_RUN, *packages.FOR_TESTS], environment.TEST_EXTRAS)
                return run_parts(rest, places.VENV)
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except GoldlineError as error:
        print(f"\n{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing half done is left: the same command goes on from here.", file=sys.stderr)
        return 130


def prepare(progress: Progress, wanted: Sequence[str], extras: str) -> Installation:
    """Packages, environment, Asterisk. Costs nothing when all is there. Raises InstallError."""
    cache = places.cache_dir()
    asterisk = find_system() or find_private(cache)
    names = [*wanted, *packages.venv_packages()]
    if asterisk is None:
        # Whether the system offers one is known only from fresh lists; without root they are taken as they are.
        if not packages.lists_are_fresh() and os.geteuid() == 0:
            packages.refresh_lists(progress, [])
        offered = packages.system_asterisk_offered()
        names += packages.FOR_SYSTEM_ASTERISK if offered else packages.FOR_PRIVATE_ASTERISK
    packages.install(progress, list(dict.fromkeys(names)))
    environment.ensure(progress, places.CHECKOUT, places.VENV, extras)
    return asterisk or find_system() or private_asterisk.ensure(progress, cache)


# What `make test` runs, in this order; the tests run even when a check before them has failed.
PARTS: dict[str, list[str]] = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "pytest": ["pytest"],
}


def run_parts(extra: Sequence[str], venv: Path) -> int:
    """Run all parts, then say which ran and how each ended. ``extra`` goes to pytest."""
    ended: dict[str, int] = {}
    for title, (name, *arguments) in PARTS.items():
        print(f"── {title}", flush=True)
        words = [environment.program(venv, name), *arguments, *(extra if name == "pytest" else [])]
        ended[title] = subprocess.run(words, check=False).returncode
    print("── parts that ran")
    for title, code in ended.items():
        print(f"{'✓' if code == 0 else '✗'} {title}" + (f" (exit code {code})" if code else ""))
    return 0 if not any(ended.values()) else 1
