"""Early media is told apart by the references as they are at that moment."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from ivr.dialing.hearing import Heard, Hearing
from outbound.announcements import references
from outbound.announcements.sound_file import read_sound

STOPPED = next(one for one in references.read() if one.name == "other_stopped")


async def test_references_are_read_anew_when_they_change(tmp_path: Path) -> None:
    folder = tmp_path / "references"
    shutil.copytree(references.REFERENCES, folder)
    sound = (read_sound(folder / STOPPED.file) * 32767).astype(np.int16)
    index = folder / references.INDEX
    hearing = Hearing(folder)
    try:
        assert await hearing.listen(sound) == Heard("stopped", "other_stopped")
        references.remove(folder, "other_stopped")
        os.utime(index, ns=(1, 1))
        assert await hearing.listen(sound) == Heard()
        good = index.read_text("utf-8")
        index.write_text("references: {bad: {outcome: nonsense}}\n", "utf-8")
        os.utime(index, ns=(2, 2))
        busy = (read_sound(folder / "busy" / "mobile.alaw") * 32767).astype(np.int16)
        assert (await hearing.listen(busy)).outcome == "busy", "the last good ones stay"
        index.write_text(good, "utf-8")
        os.utime(index, ns=(3, 3))
        assert (await hearing.listen(busy)).outcome == "busy"
    finally:
        hearing.close()


async def test_without_references_nothing_is_heard_until_there_are_some(tmp_path: Path) -> None:
    hearing = Hearing(tmp_path / "references")
    sound = (read_sound(references.REFERENCES / STOPPED.file) * 32767).astype(np.int16)
    try:
        assert await hearing.listen(sound) == Heard()
        shutil.copytree(references.REFERENCES, tmp_path / "references")
        assert (await hearing.listen(sound)).outcome == "stopped"
    finally:
        hearing.close()
