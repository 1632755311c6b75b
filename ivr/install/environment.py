"""The virtual environment ``.venv``: made once, brought up to date when pyproject.toml or the Python changes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ivr.install.errors import InstallError
from ivr.install.progress import Progress

STAMP_FILE = "goldline-stamp.json"
NO_EXTRAS = ""
TEST_EXTRAS = "test"


def fingerprint(checkout: Path) -> str:
    """Changes when what must be installed does: the project file, the Python, the place."""
    digest = hashlib.sha256((checkout / "pyproject.toml").read_bytes())
    digest.update(f"{sys.version}\0{sys.base_prefix}\0{checkout}".encode())
    return digest.hexdigest()


def installed_extras(checkout: Path, venv: Path) -> set[str] | None:
    """The extras in an environment that is up to date; None when it is missing or out of date."""
    try:
        stamp = json.loads((venv / STAMP_FILE).read_text("utf-8"))
        fresh = stamp["fingerprint"] == fingerprint(checkout) and (venv / "bin" / "python").exists()
        return set(stamp["extras"]) if fresh else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def ensure(progress: Progress, checkout: Path, venv: Path, extras: str) -> None:
    """Make sure of the environment with ``extras``. Raises InstallError."""
    have = installed_extras(checkout, venv)
    if have is not None and extras in have | {NO_EXTRAS}:
        return
    (venv / STAMP_FILE).unlink(missing_ok=True)
    if not works(venv):
        with progress.step("Python environment"):
            if venv.exists():
                shutil.rmtree(venv)
            progress.run(
                [sys.executable, "-m", "venv", str(venv)],
                remedy="Install Python's venv module (python3-venv), or name another Python: make run PYTHON=…",
            )
    kept = sorted((have or set()) | {extras} - {NO_EXTRAS})
    target = f"{checkout}[{','.join(kept)}]" if kept else str(checkout)
    words = [str(venv / "bin" / "python"), "-m", "pip", "install", "--progress-bar", "off", "-e", target]
    with progress.step("Python packages"):
        progress.run(
            words,
            environment={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"},
            remedy="Check the network; then try again. Removing .venv begins anew.",
        )
    stamp = {"fingerprint": fingerprint(checkout), "extras": kept}
    (venv / STAMP_FILE).write_text(json.dumps(stamp), "utf-8")


def works(venv: Path) -> bool:
    """True when the environment's Python runs, has pip, and is of the version that is asking."""
    program = venv / "bin" / "python"
    if not program.exists():
        return False
    code = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([str(program), "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == f"{sys.version_info[0]}.{sys.version_info[1]}"


def program(venv: Path, name: str) -> str:
    """The path of a command in the environment. Raises InstallError when it is not there."""
    path = venv / "bin" / name
    if not path.exists():
        raise InstallError(f"{path} is missing.", remedy="Remove .venv and run the same command again.")
    return str(path)
