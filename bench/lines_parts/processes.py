"""What processes cost: CPU seconds and resident memory, read from /proc (proc(5))."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes, all their threads included. One that has ended counts nothing."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_mb(pids: list[int]) -> float:
    """Memory in use now; pages that two processes share count twice."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return total * PAGE_MB


def waited_seconds(pid: int) -> float:
    """How long the main thread was ready to run and had no core (proc(5), schedstat: the second figure)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):  # a kernel without CONFIG_SCHEDSTATS
        return 0.0


def machine_busy_seconds() -> float:
    """CPU seconds that all processors together have spent on anything since the start of the machine."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK  # less idle and iowait
