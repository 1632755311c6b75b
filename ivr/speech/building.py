"""Rendering ahead: what the natural voice lacks, one text after the other, each kept as soon as it is there.

Cut short at any point, nothing is lost: the next run goes on where this one was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ivr.speech import voice_pack
from ivr.speech.audio.clip import Clip
from ivr.speech.clips import Clips, rendered_name
from ivr.speech.composer import Progress
from ivr.speech.engines.engine import Engine
from ivr.speech.errors import EngineFailed, SpeechError
from ivr.speech.foreseen import Foreseen
from ivr.speech.voice_pack import VoicePack


@dataclass(frozen=True, slots=True)
class Text:
    """Words to be rendered."""

    language: str
    words: str


@dataclass(slots=True)
class Built:
    """What a run has done. ``failed``: words and why."""

    rendered: int = 0
    seconds: float = 0.0  # of sound
    failed: list[tuple[Text, str]] = field(default_factory=list)


def missing(texts: Sequence[Text], pack: VoicePack, clips: Clips, identity: str, *, renew: bool = False) -> list[Text]:
    """Those of the texts that the natural voice cannot say. ``renew``: nor does an older voice in the pack count."""
    return [
        text
        for text in texts
        if not (pack.find(text.language, text.words) and (not renew or pack.identity(text.language) == identity))
        and clips.get(rendered_name(identity, text.language, text.words)) is None
    ]


async def build(engine: Engine, texts: Sequence[Text], clips: Clips, progress: Progress | None = None) -> Built:
    """Render the texts into the clip cache, in their order. ``engine`` is started already.

    A text that cannot be said is told in ``failed``. Raises OSError when the cache cannot be written.
    """
    built = Built()
    for done, text in enumerate(texts):
        if progress:
            progress(done, len(texts))
        try:
            rendered = await engine.render(text.language, text.words)
        except EngineFailed as error:
            built.failed.append((text, str(error)))
            continue
        clips.keep(rendered_name(engine.identity, text.language, text.words), rendered.clip)
        built.rendered += 1
        built.seconds += rendered.clip.seconds
    if progress:
        progress(len(texts), len(texts))
    return built


def pack_up(directory: Path, language: str, identity: str, wanted: Foreseen, clips: Clips) -> int:
    """Write the voice pack of one language out of the clip cache; returns how many clips were new to it.

    What is wanted and was not rendered is left out. Raises OSError.
    """
    pack = VoicePack.load(directory)
    ours = pack.identity(language) == identity

    def there(words: str) -> bool:
        known = ours and pack.find(language, words) is not None
        return known or clips.get(rendered_name(identity, language, words)) is not None

    def clip(words: str) -> Clip:
        found = clips.get(rendered_name(identity, language, words))
        if found is None:
            raise SpeechError(f"The clip of {words[:40]!r} has gone.", remedy="Build it again.")
        return found

    words = [each for each in wanted.words if there(each)]
    return voice_pack.write(directory, language, identity, words, wanted.starts, clip)
