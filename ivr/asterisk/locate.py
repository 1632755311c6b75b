"""Which Asterisk is ours: the system's when it is new enough, otherwise a private one in the cache.

Standard library only: ``ivr.install`` asks it before any dependency is there. It must not know how a private one is
built (``ivr.install.private_asterisk``) nor how either is run (``ivr.asterisk.sandbox``).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ivr.asterisk.errors import AsteriskMissing

OLDEST_MAJOR = 20  # the oldest release line that still gets security fixes; Ubuntu 24.04 carries it
RECIPE = 1  # raise it when a private Asterisk must be built anew, e.g. because another package is needed
VERSION_FILE = "goldline-version"  # in a private root: written last, so a root with it is complete
VERSION_SECONDS = 10.0  # `asterisk -V` prints one line; longer means a broken program


@dataclass(frozen=True, slots=True)
class Installation:
    """One Asterisk. ``root`` is ``/`` for the system's, otherwise a directory holding a ``usr`` tree."""

    root: Path
    version: str

    @property
    def is_private(self) -> bool:
        """True when it stands in our cache and not in the system."""
        return self.root != Path("/")

    @property
    def module_dir(self) -> Path:
        """Where its modules stand, as a path outside any sandbox. Raises AsteriskMissing when there are none."""
        for pattern in ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules"):
            for found in sorted(self.root.glob(pattern)):
                return found
        raise AsteriskMissing(
            f"Asterisk {self.version} in {self.root} has no modules directory.",
            remedy="Install the package asterisk-modules, or delete that directory and run `make run` again.",
        )


def parse_version(text: str) -> str:
    """``22.10.1`` out of ``Asterisk 22.10.1+dfsg+~cs6…``; empty when the text is something else."""
    match = re.search(r"^Asterisk (?:certified[/-])?(\d+(?:\.\d+)*)", text, re.MULTILINE)
    return match[1] if match else ""


def version_key(version: str) -> tuple[int, ...]:
    """Sorts ``22.10`` after ``22.9``."""
    return tuple(int(part) for part in version.split("."))


def is_new_enough(version: str) -> bool:
    """True for a release line that we can work with."""
    return bool(version) and version_key(version)[0] >= OLDEST_MAJOR


def ask_version(program: str) -> str:
    """The version that ``program -V`` prints; empty when it cannot be run."""
    try:
        done = subprocess.run(
            [program, "-V"], capture_output=True, text=True, errors="replace", timeout=VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return parse_version(done.stdout)


def system_program() -> str:
    """The path of the system's ``asterisk``; empty when there is none. It stands in sbin, which users lack in PATH."""
    return shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/sbin:/usr/local/sbin") or ""


def find_system(program: Callable[[], str] = system_program) -> Installation | None:
    """The system's Asterisk when it is new enough. One under ``/usr/local`` is left alone: its layout is its own."""
    path = program()
    if not path or path.startswith("/usr/local/"):
        return None
    version = ask_version(path)
    return Installation(Path("/"), version) if is_new_enough(version) else None


def find_private(cache_dir: Path) -> Installation | None:
    """The newest complete private Asterisk in the cache."""
    found: list[Installation] = []
    for marker in cache_dir.glob(f"asterisk-r{RECIPE}-*/{VERSION_FILE}"):
        version = marker.read_text("utf-8").strip()
        if re.fullmatch(r"\d+(\.\d+)*", version):
            found.append(Installation(marker.parent, version))
    return max(found, key=lambda one: version_key(one.version), default=None)


def find(cache_dir: Path) -> Installation:
    """Our Asterisk. Raises AsteriskMissing."""
    if found := find_system() or find_private(cache_dir):
        return found
    raise AsteriskMissing(
        f"There is no Asterisk {OLDEST_MAJOR} or newer: neither the system's nor a private one in {cache_dir}.",
        remedy="Run `make run` (or `make test`), which installs one.",
    )
