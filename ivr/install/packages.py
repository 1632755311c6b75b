"""System packages: which are needed, which are missing, and getting them with apt.

It must not know what is done with them. Root installs with apt-get; another user with sudo when there is one that
works; otherwise the installation stops and names the packages and the one command.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ivr.asterisk.locate import is_new_enough
from ivr.install.errors import InstallError
from ivr.install.progress import Progress

# What Goldline runs on, by Debian's names; each with its reason.
FOR_RUN = {
    "espeak-ng": "the voice, when no recording exists",
    "graphviz": "draws flows for `ivr graph`",
    "openssl": "makes the certificate that telephones see over TLS",
    "util-linux": "setpriv: no child outlives its parent",
}
FOR_TESTS = {
    "sip-tester": "SIPp places the calls of tests/asterisk",
    "postgresql": "the suite runs on SQLite and on PostgreSQL",
    "sox": "a second opinion on A-law",
    "tmux": "a terminal in which `make run` is tried",
    "shellcheck": "reads our shell lines",
}
FOR_PRIVATE_ASTERISK = {
    "mmdebstrap": "fetches and checks the packages of a private Asterisk",
    "bubblewrap": "the sandbox that a private Asterisk runs in",
}
FOR_SYSTEM_ASTERISK = {
    "asterisk": "the telephone exchange",
    "bubblewrap": "the sandbox that Asterisk runs in",
}
LISTS_DIR = Path("/var/lib/apt/lists")
LISTS_FRESH_SECONDS = 24 * 3600.0  # older package lists name versions that mirrors have dropped


def installed(names: Sequence[str]) -> set[str]:
    """Those of ``names`` that dpkg holds. Raises InstallError on a system without dpkg."""
    if not shutil.which("dpkg-query"):
        raise InstallError(
            "This system has no dpkg: Goldline installs itself on Debian 12, 13 and Ubuntu 24.04.",
            remedy=f"Elsewhere install {', '.join(names)} yourself and Asterisk 20 or newer in /usr/sbin.",
        )
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
        capture_output=True,
        text=True,
        check=False,  # it ends with 1 when one is unknown, which is what we want to know
    )
    return {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}


def missing(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that are not installed."""
    have = installed(names)
    return [name for name in names if name not in have]


def venv_packages() -> list[str]:
    """What this Python needs to make a virtual environment: Debian's own comes without ensurepip."""
    if importlib.util.find_spec("ensurepip") is not None:
        return []
    return [f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"]


def candidate_version(policy: str) -> str:
    """The upstream version that apt would install, out of ``apt-cache policy``; empty when there is none."""
    match = re.search(r"^\s*Candidate: (?:\d+:)?(\d+(?:\.\d+)*)", policy, re.MULTILINE)
    return match[1] if match else ""


def system_asterisk_offered() -> bool:
    """True when this system's own packages carry an Asterisk that is new enough."""
    done = subprocess.run(
        ["apt-cache", "policy", "asterisk"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return is_new_enough(candidate_version(done.stdout))


def lists_are_fresh(directory: Path = LISTS_DIR, now: float | None = None) -> bool:
    """True when apt knows what there is: a container image often comes with no lists at all."""
    if not any(directory.glob("*_Packages*")):
        return False
    # Not the lists' own times: apt gives each file the time at which the mirror made it.
    updated = max(place.stat().st_mtime for place in (directory, directory / "partial") if place.exists())
    return updated > (time.time() if now is None else now) - LISTS_FRESH_SECONDS


def as_root(names: Sequence[str]) -> list[str]:
    """The words to put before a command that needs root. Raises InstallError when there is no way.

    ``names`` are the packages wanted, for the message.
    """
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo:
        if subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
            return [sudo, "-n"]
        if sys.stdin.isatty() and sys.stderr.isatty():
            print("  sudo may ask for your password, to install: " + " ".join(names), file=sys.stderr)
            if subprocess.run([sudo, "-v"], check=False).returncode == 0:
                return [sudo, "-n"]
    raise InstallError(
        f"These system packages are missing, and you are neither root nor may use sudo here: {' '.join(names)}.",
        remedy=f"Have them installed with:\n\n    apt-get update && apt-get install --no-install-recommends"
        f" {' '.join(names)}\n\nand run the same command again.",
    )


def refresh_lists(progress: Progress, prefix: Sequence[str]) -> None:
    """``apt-get update``, when the lists are old or absent."""
    if lists_are_fresh():
        return
    with progress.step("Package lists"):
        progress.run(
            [*prefix, "apt-get", "update", "-q"],
            environment=apt_environment(),
            remedy="Check the network and /etc/apt, then try again.",
        )


def install(progress: Progress, names: Sequence[str]) -> None:
    """Make sure of ``names``. Raises InstallError."""
    wanted = missing(names)
    if not wanted:
        return
    prefix = as_root(wanted)
    refresh_lists(progress, prefix)
    words = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    words += ["apt-get", "install", "-y", "-q", "--no-install-recommends", *wanted]
    with progress.step(f"System packages: {', '.join(wanted)}"):
        progress.run(words, environment=apt_environment(), remedy="Read apt's message above; then try again.")
    if left := missing(wanted):
        raise InstallError(f"apt-get ended well, yet {', '.join(left)} is not installed.", remedy="Install it by hand.")
    if "asterisk" in wanted:
        _keep_service_quiet(progress, prefix)


def _keep_service_quiet(progress: Progress, prefix: Sequence[str]) -> None:
    """Debian's package starts a service of its own at once. We start ours ourselves; two would fight for the port."""
    if Path("/run/systemd/system").is_dir():
        words = [*prefix, "systemctl", "disable", "--now", "asterisk.service"]
        progress.note("The asterisk package's own service is switched off: Goldline starts its own instance.")
        progress.run(words, remedy="Switch it off by hand: systemctl disable --now asterisk.service")


def apt_environment() -> dict[str, str]:
    """apt's messages in English, no questions asked."""
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
