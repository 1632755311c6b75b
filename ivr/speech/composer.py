"""Utterances into sounds: each piece a clip, recorded or rendered or cached, joined into one file.

Knows nothing of engines beyond their interface, nothing of flows and calls. All on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import structlog

from ivr.speech.audio import shaping
from ivr.speech.audio.clip import Clip, join, silence
from ivr.speech.clips import Clips
from ivr.speech.engines.engine import Engine
from ivr.speech.errors import RecordingInvalid, SpeechError
from ivr.speech.recordings import Recording, Recordings, clip_of_recording
from ivr.speech.sounds import Sounds
from ivr.speech.utterance import Piece, Sound, Utterance

LEAD_MS = 60  # before the first word, so that a jitter buffer that is still filling eats no consonant
TAIL_MS = 40  # after the last, so that it is not cut off
NOTHING_MS = 100  # an utterance with nothing to say is a short silence, not an error
# Above this a file is written in a thread: some 25 s of sound, a few milliseconds of writing.
WRITTEN_ON_THE_LOOP_BYTES = 1 << 20
JOINING_VERSION = 1  # raise it when LEAD_MS, TAIL_MS or _joined change what is heard
MOST_NAMES = 20_000  # utterances whose sound's name is remembered: far more than the store has room for

_T = TypeVar("_T")
Progress = Callable[[int, int], None]  # is told how many of how many are done

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Need:
    """A clip that an utterance needs: its name in the cache, and how to come by it."""

    name: str
    language: str
    words: str
    recording: Recording | None


class Composer:
    """Makes one sound of each utterance, and remembers it."""

    def __init__(self, engine: Engine, recordings: Recordings, clips: Clips, sounds: Sounds) -> None:
        self._engine = engine
        self._recordings = recordings
        self._clips = clips
        self._sounds = sounds
        self._names: dict[str, str] = {}  # utterance key → name of its sound
        self._plain: set[str] = set()  # clips in memory that are not what their name says: a stand-in spoke
        self._rendering: dict[str, asyncio.Task[Clip]] = {}
        self._composing: dict[str, asyncio.Task[Sound]] = {}
        self.renders = 0  # clips rendered since the start, for metrics and tests

    def ready(self, utterance: Utterance) -> Sound | None:
        """The utterance's sound when it is there already. Looks only in memory."""
        key = utterance.key
        name = self._names.get(key)
        if name is None:
            name = self._sound_name(utterance, self._needs(utterance))
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            self._names[key] = name
        sound = self._sounds.find(name)
        if sound is None:
            self._names.pop(key, None)
        return sound

    async def compose(self, utterance: Utterance) -> Sound:
        """The utterance's sound, made if need be.

        Clips that are missing are rendered, each once however many ask for it. Raises SpeechError when no engine can
        say it, or it cannot be stored. Being cancelled ends the waiting, not the work: the next caller has it.
        """
        sound = self.ready(utterance)
        if sound is not None:
            return sound
        needs = self._needs(utterance)
        clips = [clip for need in needs if (clip := self._clips.get(need.name)) is not None]
        if len(clips) == len(needs) and sum(clip.size for clip in clips) <= WRITTEN_ON_THE_LOOP_BYTES:
            joined = _joined(utterance, clips)
            name = self._sound_name(utterance, needs)
            with _storing():
                self._sounds.write(name, joined)
            return self._sounds.add(name, joined)
        task = self._composing.get(utterance.key)
        if task is None:
            task = _shared(self._composing, utterance.key, self._compose_slowly(utterance, needs))
        return await asyncio.shield(task)

    async def warm(
        self,
        utterances: Iterable[Utterance],
        progress: Progress | None = None,
        engine: Engine | None = None,
    ) -> int:
        """Render every clip of these utterances that is not cached; returns how many were rendered.

        ``progress`` is told how many of how many are done. ``engine`` does the work in place of our own (with more
        processes, say). What cannot be said is logged and left out: it is rendered, or fails, when a caller needs it.
        """
        needs = {need.name: need for utterance in utterances for need in self._needs(utterance)}
        missing = [need for need in needs.values() if self._clips.get(need.name) is None]
        done = len(needs) - len(missing)
        before = self.renders
        if progress:
            progress(done, len(needs))

        async def one(need: _Need) -> None:
            nonlocal done
            try:
                await self._clip(need, engine or self._engine)
            except SpeechError as error:
                log.warning("cannot be rendered beforehand", words=need.words[:60], error=str(error))
            done += 1
            if progress:
                progress(done, len(needs))

        await asyncio.gather(*(one(need) for need in missing))
        return self.renders - before

    async def stop(self) -> None:
        """Give up what is being made."""
        tasks = [*self._composing.values(), *self._rendering.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _needs(self, utterance: Utterance) -> list[_Need]:
        return [self._need(utterance.language, piece) for piece in utterance.pieces]

    def _need(self, language: str, piece: Piece) -> _Need:
        recording = self._recordings.find(language, piece.words, piece.prompt)
        if recording:
            body = f"recording\x1f{recording.digest}\x1f{shaping.VERSION}"
        else:
            body = f"{self._engine.identity}\x1f{language}\x1f{piece.words}"
        return _Need(_hash(body), language, piece.words, recording)

    def _sound_name(self, utterance: Utterance, needs: list[_Need]) -> str:
        """Named by content: the clips and pauses in it. A stand-in's clip is marked: it serves this run only."""
        parts = (
            f"{need.name}{'~' if need.name in self._plain else ''}{piece.pause_after_ms}"
            for need, piece in zip(needs, utterance.pieces, strict=True)
        )
        return _hash(f"{JOINING_VERSION}\x1f" + "\x1f".join(parts))

    async def _compose_slowly(self, utterance: Utterance, needs: list[_Need]) -> Sound:
        rendered = await asyncio.gather(*(self._clip(need, self._engine) for need in needs), return_exceptions=True)
        clips: list[Clip] = []
        for result in rendered:
            if isinstance(result, BaseException):
                raise result
            clips.append(result)
        name = self._sound_name(utterance, needs)
        with _storing():
            if sum(clip.size for clip in clips) <= WRITTEN_ON_THE_LOOP_BYTES:
                joined = _joined(utterance, clips)
                self._sounds.write(name, joined)
            else:
                joined = await asyncio.to_thread(_joined, utterance, clips)
                await asyncio.to_thread(self._sounds.write, name, joined)
        return self._sounds.add(name, joined)

    async def _clip(self, need: _Need, engine: Engine) -> Clip:
        clip = self._clips.get(need.name)
        if clip is not None:
            return clip
        task = self._rendering.get(need.name)
        if task is None:
            task = _shared(self._rendering, need.name, self._render(need, engine))
        return await asyncio.shield(task)

    async def _render(self, need: _Need, engine: Engine) -> Clip:
        self.renders += 1
        if need.recording:
            try:
                clip = await asyncio.to_thread(clip_of_recording, need.recording)
            except RecordingInvalid as error:
                log.warning("recording cannot be used, the engine speaks", error=str(error))
                clip = (await engine.render(need.language, need.words)).clip
                return self._stood_in(need, clip)
        else:
            rendered = await engine.render(need.language, need.words)
            clip = rendered.clip
            if rendered.engine != self._engine.identity:
                return self._stood_in(need, clip)
        self._plain.discard(need.name)
        try:
            self._clips.keep(need.name, clip)
        except OSError as error:
            log.warning("the clip cache cannot be written", error=str(error))
            self._clips.hold(need.name, clip)
        return clip

    def _stood_in(self, need: _Need, clip: Clip) -> Clip:
        self._plain.add(need.name)
        self._clips.hold(need.name, clip)
        return clip


def _joined(utterance: Utterance, clips: list[Clip]) -> Clip:
    """The clips of an utterance with their pauses; the last pause is left to whatever comes next."""
    if not clips:
        return silence(NOTHING_MS)
    row = [silence(LEAD_MS)]
    for piece, clip in zip(utterance.pieces, clips, strict=True):
        row += [clip, silence(piece.pause_after_ms)]
    row[-1] = silence(TAIL_MS)
    return join(row)


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def _shared(tasks: dict[str, asyncio.Task[_T]], key: str, work: Coroutine[None, None, _T]) -> asyncio.Task[_T]:
    """A task that several may wait for, in ``tasks`` as long as it runs."""
    task = tasks[key] = asyncio.create_task(work)

    def ended(task: asyncio.Task[_T]) -> None:
        tasks.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever still waits is told; if nobody does, it is no "exception never retrieved"

    task.add_done_callback(ended)
    return task


@contextlib.contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpeechError(
            f"A composed sound cannot be stored: {error}.", remedy="Is the disk full, or the run directory read-only?"
        ) from error
