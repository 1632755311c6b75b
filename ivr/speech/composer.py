"""Utterances into sounds: each piece a clip, joined into one file.

A clip is a recording where there is one, else the natural voice's where it has been rendered ahead (in the voice pack
or the clip cache), else the plain engine's, which is rendered while the caller waits.

Knows nothing of engines beyond their interface, nothing of flows and calls. All on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import structlog

from ivr.speech.audio import shaping
from ivr.speech.audio.clip import Clip, join, silence
from ivr.speech.clips import Clips, hashed, rendered_name
from ivr.speech.engines.engine import Engine
from ivr.speech.errors import RecordingInvalid, SpeechError
from ivr.speech.recordings import Recording, Recordings, clip_of_recording
from ivr.speech.sounds import Sounds
from ivr.speech.utterance import Piece, Sound, Utterance
from ivr.speech.voice_pack import Packed, VoicePack, phrase

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
    """A clip that an utterance needs: its name in the cache, how to come by it, and the pause that follows it.

    ``ready_made`` is sound that only has to be read. ``natural``: the name is that of a clip of the natural voice.
    """

    name: str
    language: str
    words: str
    pause_after_ms: int
    ready_made: Recording | Packed | None = None
    natural: bool = False


@dataclass(frozen=True, slots=True)
class Natural:
    """The natural voice, as far as it was rendered ahead: the shipped pack, and what was rendered here since.

    ``identity`` is that of whoever renders here. ``wish`` is told of words that the plain engine had to say.
    """

    pack: VoicePack
    identity: str
    wish: Callable[[str, str], None] | None = None


class Composer:
    """Makes one sound of each utterance, and remembers it."""

    def __init__(
        self, engine: Engine, recordings: Recordings, clips: Clips, sounds: Sounds, natural: Natural | None = None
    ) -> None:
        """Without ``natural``, the plain engine says all that is not recorded."""
        self._engine = engine
        self._natural = natural
        self._absent: set[str] = set()  # names of natural clips that are not in the cache
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
            name = self._sound_name(self._needs(utterance))
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
            joined = _joined(needs, clips)
            name = self._sound_name(needs)
            with _storing():
                self._sounds.write(name, joined)
            return self._sounds.add(name, joined)
        task = self._composing.get(utterance.key)
        if task is None:
            task = _shared(self._composing, utterance.key, self._compose_slowly(needs))
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

    def learn(self, language: str, words: str, clip: Clip) -> None:
        """Keep a clip of the natural voice: from now on it says these words. Raises nothing."""
        assert self._natural is not None
        name = rendered_name(self._natural.identity, language, words)
        self._keep(name, clip)
        self._absent.discard(name)
        self._names.clear()

    def has_learnt(self, language: str, words: str) -> bool:
        """Whether the natural voice has these words, in the pack or because they were rendered here."""
        return self._natural is not None and self._natural_need(self._natural, language, Piece(words)) is not None

    def _needs(self, utterance: Utterance) -> list[_Need]:
        needs: list[_Need] = []
        pieces = list(utterance.pieces)
        while pieces:
            count = self._said_together(utterance.language, pieces)
            piece = pieces[0]
            if count > 1:
                piece = Piece(
                    phrase(utterance.language, pieces[:count]), pause_after_ms=pieces[count - 1].pause_after_ms
                )
            needs.append(self._need(utterance.language, piece))
            del pieces[:count]
        return needs

    def _said_together(self, language: str, pieces: list[Piece]) -> int:
        if self._natural is None:
            return 1
        count = self._natural.pack.longest(language, pieces)
        recorded = any(self._recordings.find(language, piece.words, piece.prompt) for piece in pieces[:count])
        return 1 if recorded else count

    def _need(self, language: str, piece: Piece) -> _Need:
        recording = self._recordings.find(language, piece.words, piece.prompt)
        if recording:
            body = f"recording\x1f{recording.digest}\x1f{shaping.VERSION}"
            return _Need(hashed(body), language, piece.words, piece.pause_after_ms, recording)
        if self._natural is not None:
            need = self._natural_need(self._natural, language, piece)
            if need is not None:
                return need
            if self._natural.wish is not None:
                self._natural.wish(language, piece.words)
        name = rendered_name(self._engine.identity, language, piece.words)
        return _Need(name, language, piece.words, piece.pause_after_ms)

    def _natural_need(self, natural: Natural, language: str, piece: Piece) -> _Need | None:
        packed = natural.pack.find(language, piece.words)
        if packed is not None:
            name = rendered_name(natural.pack.identity(language), language, piece.words)
            return _Need(name, language, piece.words, piece.pause_after_ms, packed, natural=True)
        name = rendered_name(natural.identity, language, piece.words)
        if name in self._absent:
            return None
        if self._clips.get(name) is None:
            if len(self._absent) >= MOST_NAMES:
                self._absent.clear()
            self._absent.add(name)
            return None
        return _Need(name, language, piece.words, piece.pause_after_ms, natural=True)

    def _sound_name(self, needs: list[_Need]) -> str:
        """Named by content: the clips and pauses in it. A stand-in's clip is marked: it serves this run only."""
        parts = (f"{need.name}{'~' if need.name in self._plain else ''}{need.pause_after_ms}" for need in needs)
        return hashed(f"{JOINING_VERSION}\x1f" + "\x1f".join(parts))

    async def _compose_slowly(self, needs: list[_Need]) -> Sound:
        rendered = await asyncio.gather(*(self._clip(need, self._engine) for need in needs), return_exceptions=True)
        clips: list[Clip] = []
        for result in rendered:
            if isinstance(result, BaseException):
                raise result
            clips.append(result)
        name = self._sound_name(needs)
        with _storing():
            if sum(clip.size for clip in clips) <= WRITTEN_ON_THE_LOOP_BYTES:
                joined = _joined(needs, clips)
                self._sounds.write(name, joined)
            else:
                joined = await asyncio.to_thread(_joined, needs, clips)
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
        if need.ready_made:
            try:
                clip = await asyncio.to_thread(_clip_of, need.ready_made)
            except RecordingInvalid as error:
                log.warning("recording cannot be used, the engine speaks", error=str(error))
                clip = (await engine.render(need.language, need.words)).clip
                return self._stood_in(need, clip)
        else:
            rendered = await engine.render(need.language, need.words)
            clip = rendered.clip
            if need.natural or rendered.engine != self._engine.identity:
                return self._stood_in(need, clip)
        self._plain.discard(need.name)
        self._keep(need.name, clip)
        return clip

    def _keep(self, name: str, clip: Clip) -> None:
        try:
            self._clips.keep(name, clip)
        except OSError as error:
            log.warning("the clip cache cannot be written", error=str(error))
            self._clips.hold(name, clip)

    def _stood_in(self, need: _Need, clip: Clip) -> Clip:
        self._plain.add(need.name)
        self._clips.hold(need.name, clip)
        return clip


def _clip_of(ready_made: Recording | Packed) -> Clip:
    return ready_made.load() if isinstance(ready_made, Packed) else clip_of_recording(ready_made)


def _joined(needs: list[_Need], clips: list[Clip]) -> Clip:
    """The clips with their pauses; the last pause is left to whatever comes next."""
    if not clips:
        return silence(NOTHING_MS)
    row = [silence(LEAD_MS)]
    for need, clip in zip(needs, clips, strict=True):
        row += [clip, silence(need.pause_after_ms)]
    row[-1] = silence(TAIL_MS)
    return join(row)


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
