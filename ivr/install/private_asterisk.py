"""A private Asterisk from Debian unstable, for a system whose own packages carry none.

The packages are fetched and their signatures checked by mmdebstrap, from the mirror in the machine's own apt
configuration, and unpacked without running any of their scripts: it needs no root, and there is no shell in the result.
It is built beside its place and renamed when it has been seen to run, under a lock, so two checkouts may try at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ivr.asterisk.locate import RECIPE, VERSION_FILE, Installation, find_private, is_new_enough, parse_version
from ivr.install.errors import InstallError
from ivr.install.progress import Progress
from ivr.install.sources import Mirror, debian_mirror, parse_deb822, parse_one_line

SUITE = "sid"  # the only Debian suite that carries Asterisk; its libraries come from the same suite
PACKAGES = ("asterisk",)
BUILD_SECONDS = 1200.0  # about 10 s on a fast line, 80 MB to fetch
NEEDED_BYTES = 700 * 1024 * 1024  # unpacked 270 MB, and its packages while that is done
FALLBACK_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_OPTIONS = (
    'APT::Install-Recommends "false"',
    # A mirror that stands still has a Release file past its date. Signatures stay checked.
    'Acquire::Check-Valid-Until "false"',
)


def machine_mirrors(etc_apt: Path = Path("/etc/apt")) -> list[Mirror]:
    """Every archive that apt is told of."""
    found: list[Mirror] = []
    one_line = [etc_apt / "sources.list", *sorted(etc_apt.glob("sources.list.d/*.list"))]
    for files, parse in ((sorted(etc_apt.glob("sources.list.d/*.sources")), parse_deb822), (one_line, parse_one_line)):
        for file in files:
            with contextlib.suppress(OSError):
                found += parse(file.read_text("utf-8", "replace"))
    return found


def codename(os_release: Path = Path("/etc/os-release")) -> str:
    """``bookworm`` on Debian 12."""
    with contextlib.suppress(OSError):
        match = re.search(r'^VERSION_CODENAME="?([a-z]+)', os_release.read_text("utf-8"), re.MULTILINE)
        return match[1] if match else ""
    return ""


def ensure(progress: Progress, cache_dir: Path) -> Installation:
    """The private Asterisk, built when there is none yet. Raises InstallError."""
    if found := find_private(cache_dir):
        return found
    cache_dir.mkdir(parents=True, exist_ok=True)
    with locked(cache_dir / "asterisk.lock", progress):
        if found := find_private(cache_dir):  # another checkout built it while we waited
            return found
        return build(progress, cache_dir)


def build(progress: Progress, cache_dir: Path) -> Installation:
    """Fetch, unpack, try, put in place. Raises InstallError, and then leaves nothing behind."""
    mirror = debian_mirror(machine_mirrors(), codename())
    if mirror is None:
        raise InstallError(
            "This system's packages carry no Asterisk 20 or newer, and its apt configuration names no Debian mirror.",
            remedy="On Ubuntu enable the section universe (add-apt-repository universe); on Debian name a mirror.",
        )
    free = shutil.disk_usage(cache_dir).free
    if free < NEEDED_BYTES:
        raise InstallError(
            f"{cache_dir} has {free // 2**20} MB free; a private Asterisk needs {NEEDED_BYTES // 2**20} MB.",
            remedy="Make room, or choose another place: GOLDLINE_CACHE_DIR=/path.",
        )
    for old in cache_dir.glob(".asterisk-building-*"):
        shutil.rmtree(old, ignore_errors=True)  # ours is the lock: whoever left it was killed
    building = cache_dir / f".asterisk-building-{os.getpid()}"
    try:
        with progress.step("A private Asterisk from Debian unstable (80 MB, once)"):
            progress.run(
                build_words(mirror, building),
                seconds=BUILD_SECONDS,
                environment={**os.environ, "LC_ALL": "C.UTF-8"},
                remedy="Check the network and /etc/apt, then try again.",
            )
            version = try_version(building)
            if not is_new_enough(version):
                raise InstallError(
                    f"The Asterisk that was fetched does not run here (it said {version or 'nothing'!r}).",
                    remedy="Check that bubblewrap works for you: bwrap --unshare-user --ro-bind / / true.",
                )
            place = cache_dir / f"asterisk-r{RECIPE}-{version}"
            if place.exists():
                shutil.rmtree(place)  # it has no version file, or we would have found it
            (building / VERSION_FILE).write_text(version + "\n", "utf-8")
            building.rename(place)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return Installation(place, version)


def build_words(mirror: Mirror, target: Path) -> list[str]:
    """The mmdebstrap command. Pure but for looking whether the keyring exists."""
    words = ["mmdebstrap", "--mode=chrootless", "--variant=extract", "--format=directory"]
    words += [f"--aptopt={option}" for option in APT_OPTIONS]
    words += [f"--include={','.join(PACKAGES)}"]
    keyring = mirror.keyring or (str(FALLBACK_KEYRING) if FALLBACK_KEYRING.exists() else "")
    if keyring:
        words += [f"--keyring={keyring}"]
    return [*words, SUITE, str(target), mirror.uri]


def try_version(root: Path) -> str:
    """What ``asterisk -V`` says when run with the root's own libraries; empty when it does not run."""
    loaders = sorted(root.glob("usr/lib*/ld-linux*.so.*"))
    libraries = sorted(root.glob("usr/lib/*/asterisk"))
    if not (loaders and libraries):
        return ""
    words = [str(loaders[0]), "--library-path", str(libraries[0].parent), str(root / "usr/sbin/asterisk"), "-V"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return parse_version(done.stdout)


@contextlib.contextmanager
def locked(file: Path, progress: Progress) -> Iterator[None]:
    """Hold ``file``'s lock; say so when another holds it. It goes with the process, however that ends (flock(2))."""
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("Waiting for another checkout that is building Asterisk"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
