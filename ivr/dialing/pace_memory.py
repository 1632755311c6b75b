"""What pacers have learned, kept over a restart: one small file per campaign. Lost or damaged, it is learned anew."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import structlog

from outbound.pacing import History, Pacer, PacingRules

log = structlog.get_logger(__name__)


class PaceMemory:
    """The files of one controller."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, campaign: str) -> History | None:
        """What was learned of the campaign before."""
        try:
            found = History.from_data(json.loads(self._file(campaign).read_text("utf-8")))
            Pacer(PacingRules(), found)  # as one of another version may not do
            return found
        except OSError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            log.warning("what a pacer has learned cannot be read", campaign=campaign, error=str(error))
            return None

    def keep(self, campaign: str, learned: History) -> None:
        """Keep it, in one step. A full disk costs nothing but what was learned."""
        text = json.dumps(learned.as_data())
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            Path(name).replace(self._file(campaign))
        except OSError as error:
            log.warning("what a pacer has learned cannot be kept", campaign=campaign, error=str(error))

    def _file(self, campaign: str) -> Path:
        return self._folder / f"{campaign}.json"
