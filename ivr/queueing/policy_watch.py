"""The routing policy that serves: taken over when its file changes, kept when the file is bad."""

from __future__ import annotations

from pathlib import Path

import structlog

from agent_routing import policy_file
from agent_routing.policy import Policy

log = structlog.get_logger(__name__)


class PolicyWatch:
    """One file, as it was when the policy that serves was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = path.stat().st_mtime_ns

    def changed(self) -> Policy | None:
        """Another good policy since the last look; a bad one is said in the log, and changes nothing."""
        try:
            stamp = self._path.stat().st_mtime_ns
        except OSError:
            return None
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            policy = policy_file.read(self._path)
        except policy_file.PolicyInvalid as error:
            log.error("the routing policy has faults; the last good one serves", error=str(error))
            return None
        log.info("another routing policy serves")
        return policy
