"""Fixed prompts under stable names, for the dialplan to play when there is no controller.

``<directory>/<language>/<prompt id>.alaw`` and ``.sln16``: the busy, apology and away prompts of ``ivr.contract``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from ivr.speech.catalogue import Catalogue
from ivr.speech.clip_files import read_clip, write_clip
from ivr.speech.composer import Composer
from ivr.speech.errors import SpeechError


async def export_prompts(
    catalogue: Catalogue, composer: Composer, prompts: Iterable[str], directory: Path
) -> list[Path]:
    """Write these prompts in every language; returns their paths without extension.

    Raises SpeechError for a prompt that is not there, takes values, or cannot be rendered.
    """
    written: list[Path] = []
    for prompt in prompts:
        if catalogue.signature(prompt):
            raise SpeechError(f"Prompt {prompt} takes values.", remedy="Only a fixed prompt can be exported.")
        for language in catalogue.languages:
            sound = await composer.compose(catalogue.say(prompt, language))
            clip = await asyncio.to_thread(read_clip, Path(sound.path))
            if clip is None:
                raise SpeechError(f"The sound of prompt {prompt} has gone.", remedy="Start again.")
            base = directory / language / prompt
            if await asyncio.to_thread(read_clip, base) != clip:
                base.parent.mkdir(parents=True, exist_ok=True)
                await asyncio.to_thread(write_clip, base, clip)
            written.append(base)
    return written
