"""``run`` and ``test``: make sure of everything, then become the program that was asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
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


# What `make test` checks, in this order; the tests run even when a check before them has failed.
CHECKS: dict[str, list[str]] = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
}
# Real calls take minutes in which they mostly wait, so the other tests run beside them; politely, for calls are timed.
CALLS = "tests/asterisk"
POLITE = ["nice", "-n", "10"]
SEATS = "seats"  # the mark of calls with agents: they have an Asterisk of their own beside the others'


def run_parts(extra: Sequence[str], venv: Path) -> int:
    """Run all parts, then say which ran and how each ended. With ``extra`` there is one pytest, which is given that."""
    ended: dict[str, int] = {}
    for title, (name, *arguments) in CHECKS.items():
        print(f"── {title}", flush=True)
        ended[title] = subprocess.run([environment.program(venv, name), *arguments], check=False).returncode
    pytest = environment.program(venv, "pytest")
    if extra:
        print("── pytest", flush=True)
        ended["pytest"] = subprocess.run([pytest, *extra], check=False).returncode
    else:
        ended |= _run_tests(pytest)
    print("── parts that ran")
    for title, code in ended.items():
        print(f"{'✓' if code == 0 else '✗'} {title}" + (f" (exit code {code})" if code else ""))
    return 0 if not any(ended.values()) else 1


def _run_tests(pytest: str) -> dict[str, int]:
    """Real calls, shown as they run, and beside them the others, each shown when it has ended."""
    beside = {
        "pytest: real calls with agents": [pytest, CALLS, "-m", SEATS],
        "pytest: all but real calls": [*POLITE, pytest, f"--ignore={CALLS}"],
    }
    ended: dict[str, int] = {}
    with contextlib.ExitStack() as stack:
        running = {}
        for title, words in beside.items():
            output = stack.enter_context(tempfile.TemporaryFile())
            print(f"── {title}, in the background", flush=True)
            running[title] = (subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT), output)
        try:
            print("── pytest: real calls", flush=True)
            ended["pytest: real calls"] = subprocess.run([pytest, CALLS, "-m", f"not {SEATS}"], check=False).returncode
            for title, (process, _) in running.items():
                ended[title] = process.wait()
        except BaseException:
            for process, _ in running.values():
                process.send_signal(signal.SIGINT)  # they have servers of their own to end
            for process, _ in running.values():
                process.wait()
            raise
        for title, (_, output) in running.items():
            print(f"── {title}", flush=True)
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
    return ended
