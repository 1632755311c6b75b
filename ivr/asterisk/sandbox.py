"""The command line that runs an Asterisk: in a bubblewrap sandbox where the machine allows one, plainly otherwise.

In the sandbox Asterisk sees its own programs (read-only), the run directory and the prompts, and nothing else of the
machine; it has no capabilities and is not root inside even when we are. The network is the machine's. Either way it
ends with the process that started it, even when that one is killed.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ivr.asterisk.errors import AsteriskError
from ivr.asterisk.layout import Layout
from ivr.asterisk.locate import Installation, system_program
from ivr.asterisk.secrets_file import write_private

HOST_NAME = "goldline"  # inside the sandbox; it resolves there, or every call would wait on DNS (acl.c)
INSIDE_ID = "1000"  # any user but root
PROBE_SECONDS = 10.0

ETC_FILES = {
    "hosts": f"127.0.0.1 localhost {HOST_NAME}\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "passwd": f"asterisk:x:{INSIDE_ID}:{INSIDE_ID}:Asterisk:/:/nonexistent\n",
    "group": f"asterisk:x:{INSIDE_ID}:\n",
}
ISOLATION = (
    *("--unshare-user", "--uid", INSIDE_ID, "--gid", INSIDE_ID, "--cap-drop", "ALL"),
    *("--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try", "--unshare-uts", "--hostname", HOST_NAME),
    "--die-with-parent",
)


@functools.cache
def is_possible() -> bool:
    """True when bubblewrap works here. A container or Ubuntu's AppArmor rules may forbid it."""
    program = shutil.which("bwrap")
    if not program:
        return False
    words = [program, *ISOLATION, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "true"]
    try:
        return subprocess.run(words, capture_output=True, timeout=PROBE_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def command(
    installation: Installation, layout: Layout, arguments: Sequence[str], read_only: Sequence[Path] = ()
) -> list[str]:
    """The words that run Asterisk with ``arguments`` in the best way this machine allows."""
    if is_possible():
        return sandboxed(installation, layout, arguments, read_only)
    return plain(installation, layout, arguments)


def sandboxed(
    installation: Installation, layout: Layout, arguments: Sequence[str], read_only: Sequence[Path] = ()
) -> list[str]:
    """Under bubblewrap. ``read_only`` are more directories that it may read, under the same path."""
    root, run_dir = installation.root, str(layout.run_dir)
    words = ["bwrap", *ISOLATION, "--ro-bind", str(root / "usr"), "/usr"]
    for name in ("bin", "sbin", "lib", "lib64"):
        words += ["--symlink", f"usr/{name}", f"/{name}"]
    words += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
    for name in ETC_FILES:
        words += ["--ro-bind", str(layout.system_dir / name), f"/etc/{name}"]
    for name in ("ld.so.cache", "alternatives"):
        words += ["--ro-bind-try", str(root / "etc" / name), f"/etc/{name}"]
    for name in ("resolv.conf", "localtime"):
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    if installation.is_private:  # its configuration names it by this path, in the sandbox or out of it
        words += ["--ro-bind", str(root), str(root)]
    for path in read_only:
        words += ["--ro-bind-try", str(path), str(path)]
    words += ["--bind", run_dir, run_dir, "--chdir", run_dir, "--clearenv"]
    for name, value in environment().items():
        words += ["--setenv", name, value]
    return [*words, "/usr/sbin/asterisk", "-C", str(layout.main_file), *arguments]


def plain(installation: Installation, layout: Layout, arguments: Sequence[str]) -> list[str]:
    """Without a sandbox, still with no capability and bound to its parent's life (setpriv, util-linux)."""
    if not shutil.which("setpriv"):
        raise AsteriskError("There is no setpriv.", remedy="Install the package util-linux.")
    words = ["setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--inh-caps=-all"]
    if os.geteuid() == 0:
        words += ["--bounding-set=-all"]
    if not installation.is_private:
        return [*words, system_program() or "asterisk", "-C", str(layout.main_file), *arguments]
    # A private root's own loader and libraries, so that the system's older ones are not asked.
    loaders = sorted(installation.root.glob("usr/lib*/ld-linux*.so.*"))
    if not loaders:
        raise AsteriskError(
            f"{installation.root} has no program loader, and this machine allows no sandbox.",
            remedy="Allow bubblewrap (unprivileged user namespaces), or install Asterisk in the system.",
        )
    libraries = installation.module_dir.parent.parent
    program = str(installation.root / "usr/sbin/asterisk")
    return [
        *(*words, str(loaders[0]), "--library-path", str(libraries), program),
        *("-C", str(layout.main_file), *arguments),
    ]


def environment() -> dict[str, str]:
    """All that Asterisk gets of the environment: none of our settings, proxies or tokens."""
    kept = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}
    if zone := os.environ.get("TZ"):
        kept["TZ"] = zone
    return kept


def write_system_files(layout: Layout) -> None:
    """The sandbox's own ``/etc``."""
    for name, text in ETC_FILES.items():
        write_private(layout.system_dir / name, text)
