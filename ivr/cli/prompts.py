"""``ivr prompts``: what is said and in which voice; rendering ahead, listening, checking, a recording of one's own."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivr import config
from ivr.errors import GoldlineError

if TYPE_CHECKING:
    from ivr.config import Settings
    from ivr.speech.building import Built, Text
    from ivr.speech.catalogue import Catalogue
    from ivr.speech.clips import Clips
    from ivr.speech.foreseen import Foreseen
    from ivr.speech.recordings import Recordings
    from ivr.speech.values import Code, Name, Value
    from ivr.speech.voice_pack import VoicePack

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_LANGUAGE = click.option("--language", default="", help="Only this language: zh, en.")
SHOWN_MISSING = 10


@dataclass(frozen=True, slots=True)
class _House:
    """What the commands look at."""

    settings: Settings
    catalogue: Catalogue
    recordings: Recordings
    pack: VoicePack
    clips: Clips

    def languages(self, only: str) -> list[str]:
        if only and only not in self.catalogue.languages:
            raise click.BadParameter(f"There are no prompts in {only!r}: {', '.join(self.catalogue.languages)}.")
        return [only] if only else list(self.catalogue.languages)


def _house() -> _House:
    from ivr.speech.catalogue import Catalogue
    from ivr.speech.clips import Clips
    from ivr.speech.recordings import Recordings
    from ivr.speech.speech import CLIPS_FOLDER
    from ivr.speech.voice_pack import VoicePack

    settings = config.load()
    clips = Clips(settings.cache_dir / "speech" / CLIPS_FOLDER)
    prompts = settings.prompts
    return _House(settings, Catalogue.load(prompts), Recordings.load(prompts), VoicePack.load(prompts), clips)


@click.group()
def prompts() -> None:
    """What callers hear: the texts, the voice that says them, recordings of your own.

    \b
    ivr prompts list --missing
    ivr prompts play-file greeting -o greeting.wav
    ivr prompts check
    ivr prompts build
    ivr prompts override greeting studio/greeting.wav
    """


@prompts.command(name="list")
@_LANGUAGE
@click.option("--missing", is_flag=True, help="Only prompts that the plain voice says, wholly or in part.")
@_JSON
def list_(language: str, missing: bool, as_json: bool) -> None:
    """Every prompt with its text and who says it: a recording, the natural voice, or the plain one.

    \b
    ivr prompts list --language zh
    ivr prompts list --missing --json
    """
    from rich.console import Console
    from rich.table import Table

    house = _house()
    table = Table("prompt", "language", "voice", "text", box=None, pad_edge=False)
    for utterance in house.catalogue.utterances():
        (prompt,) = utterance.prompts
        if utterance.language not in house.languages(language):
            continue
        voice = _voice_of(house, utterance.language, prompt)
        if missing and voice != "plain":
            continue
        text = house.catalogue.text(prompt, utterance.language)
        if as_json:
            row = {"prompt": prompt, "language": utterance.language, "voice": voice, "text": text}
            click.echo(json.dumps(row, ensure_ascii=False))
        table.add_row(prompt, utterance.language, voice, text)
    if not as_json:
        Console().print(table)


def _voice_of(house: _House, language: str, prompt: str) -> str:
    from ivr.speech.building import Text, missing
    from ivr.speech.engines.kokoro.voices import identity

    pieces = next(u.pieces for u in house.catalogue.utterances() if (u.language, u.prompts) == (language, (prompt,)))
    texts = [
        Text(language, piece.words)
        for piece in pieces
        if not house.recordings.find(language, piece.words, piece.prompt)
    ]
    if not texts and pieces:
        return "recording"
    if not house.settings.speech.natural:
        return "plain"
    return "plain" if missing(texts, house.pack, house.clips, identity()) else "natural"


@prompts.command(name="play-file")
@click.argument("prompt")
@_LANGUAGE
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: PROMPT-LANGUAGE.wav.")
@click.option("--with", "given", multiple=True, metavar="NAME=VALUE", help="A value; without it, an example is said.")
def play_file(prompt: str, language: str, output: Path | None, given: tuple[str, ...]) -> None:
    """Write what callers hear of PROMPT to a WAV file (16 kHz), made by the same parts as in a call.

    \b
    ivr prompts play-file greeting
    ivr prompts play-file quote_share --language en --with last=12.34 -o quote.wav
    """
    house = _house()
    language = house.languages(language)[0]
    values = _examples(house.catalogue, prompt, given)
    file = output or Path(f"{prompt}-{language}.wav")
    seconds = asyncio.run(_play(house, prompt, language, values, file))
    click.echo(f"{file}: {seconds:.1f} s")


async def _play(house: _House, prompt: str, language: str, values: dict[str, Value], file: Path) -> float:
    import tempfile

    from ivr.speech.clip_files import read_clip
    from ivr.speech.speech import Speech

    settings = house.settings
    with tempfile.TemporaryDirectory(prefix="goldline-play-") as place:
        speech = Speech.open(settings.prompts, settings.cache_dir / "speech", Path(place), settings.speech.manner())
        await speech.start()
        try:
            sound = await speech.composer.compose(speech.catalogue.say(prompt, language, values))
            clip = read_clip(Path(sound.path))
            assert clip is not None
            _write_wav(file, clip.sln16)
            return sound.seconds
        finally:
            await speech.stop()


def _write_wav(file: Path, sln16: bytes) -> None:
    import wave

    from ivr.speech.audio.clip import SLN16_RATE

    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SLN16_RATE)
        out.writeframes(sln16)


def _examples(catalogue: Catalogue, prompt: str, given: tuple[str, ...]) -> dict[str, Value]:
    from ivr.speech.examples import example, parsed

    values: dict[str, Value] = {}
    words = dict(pair.partition("=")[::2] for pair in given)
    signature = catalogue.signature(prompt)
    if strange := [name for name in words if name not in signature]:
        raise click.UsageError(f"{prompt} takes no {strange[0]!r}; it takes {', '.join(signature) or 'no values'}.")
    for name, kind in signature.items():
        values[name] = parsed(kind, words[name]) if name in words else example(kind)
    return values


@prompts.command()
@_LANGUAGE
@_JSON
def check(language: str, as_json: bool) -> None:
    """Check texts, recordings and the voice pack, and say what the natural voice lacks.

    Exit code 0: callers hear everything, if some of it plainly; 1: a recording or a file of the pack is no good.

    \b
    ivr prompts check
    """
    from ivr.speech.building import missing
    from ivr.speech.engines.kokoro.voices import identity

    house = _house()
    problems = [*house.recordings.problems, *house.pack.problems, *_unreadable(house, language)]
    for problem in problems:
        click.echo(json.dumps({"problem": str(problem)}, ensure_ascii=False) if as_json else str(problem))
    names, codes = asyncio.run(_known())
    for each in house.languages(language):
        texts = _texts(each, _foreseen(house, each, names, codes))
        lacking = missing(texts, house.pack, house.clips, identity())
        voice = house.pack.identity(each)
        if as_json:
            row = {
                "language": each,
                "texts": len(texts),
                "missing": [text.words for text in lacking],
                "pack": voice,
                "pack_is_current": voice == identity(),
            }
            click.echo(json.dumps(row, ensure_ascii=False))
            continue
        click.echo(f"{each}: {len(texts)} texts, the natural voice says {len(texts) - len(lacking)} of them.")
        for text in lacking[:SHOWN_MISSING]:
            click.echo(f"    plain: {text.words}")
        if len(lacking) > SHOWN_MISSING:
            click.echo(f"    … and {len(lacking) - SHOWN_MISSING} more (--json lists them all)")
        if lacking:
            click.echo("    Render them: ivr prompts build.")
        if voice and voice != identity():
            click.echo("    The pack was rendered by an older voice; it serves. Renew it: ivr prompts build --pack.")
    sys.exit(1 if problems else 0)


def _unreadable(house: _House, only: str) -> list[GoldlineError]:
    from ivr.speech.errors import RecordingInvalid

    found: list[GoldlineError] = []
    for language in house.languages(only):
        for words in house.pack.words(language):
            packed = house.pack.find(language, words)
            try:
                if packed is not None:
                    packed.load()
            except RecordingInvalid as error:
                found.append(error)
    return found


async def _known() -> tuple[list[Name], list[Code]]:
    """What is in the store; nothing when there is none yet."""
    from db.errors import StoreError
    from db.store import Store
    from ivr.preparation import known

    store = await Store.open(config.load().database_url)
    try:
        return await known(store)
    except StoreError as error:
        click.echo(f"Names are left out, for there is no store to read them from: {error.message}", err=True)
        return [], []
    finally:
        await store.close()


def _foreseen(house: _House, language: str, names: list[Name], codes: list[Code]) -> Foreseen:
    from ivr.speech.foreseen import foreseen

    return foreseen(house.catalogue, language, names, codes)


def _texts(language: str, wanted: Foreseen) -> list[Text]:
    from ivr.speech.building import Text

    return [Text(language, words) for words in wanted.words]


@prompts.command()
@_LANGUAGE
@click.option("--only", multiple=True, metavar="PROMPT", help="Only prompts of that name; * stands for anything.")
@click.option("--pack", is_flag=True, help="Write the result into the voice pack beside the prompts as well.")
@_JSON
def build(language: str, only: tuple[str, ...], pack: bool, as_json: bool) -> None:
    """Render what the natural voice lacks: prompts, number words, names and codes. Needs the extra `voice`.

    One process of the lowest priority; it may be stopped at any time and goes on where it was. What is rendered is
    kept in the cache directory and heard from the next start of the controller on.

    \b
    ivr prompts build
    ivr prompts build --language zh --only "queue_*"
    ivr prompts build --pack                       before a release: the pack that everybody gets
    """
    house = _house()
    names, codes = asyncio.run(_known())
    wanted = {each: _foreseen(house, each, names, codes) for each in house.languages(language)}
    texts = [text for each in wanted for text in _texts(each, wanted[each]) if _chosen(house, text, only)]
    built, lacking = asyncio.run(_build(house, texts, pack, as_json))
    packed = {}
    if pack:
        from ivr.speech.building import pack_up
        from ivr.speech.engines.kokoro.voices import identity

        for each in wanted:
            packed[each] = pack_up(house.settings.prompts, each, identity(), wanted[each], house.clips)
    for text, why in built.failed:
        click.echo(f"{text.language} {text.words[:60]}: {why}", err=True)
    if as_json:
        told: dict[str, Any] = {"texts": len(texts), "lacking": lacking, "rendered": built.rendered}
        told |= {"seconds": round(built.seconds, 1), "failed": len(built.failed), "packed": packed}
        click.echo(json.dumps(told))
    else:
        click.echo(f"{built.rendered} texts rendered, {built.seconds:.0f} s of speech; {len(texts)} are there.")
        for each, count in packed.items():
            click.echo(f"{count} new clips in the pack of {each}.")
    sys.exit(1 if built.failed else 0)


def _chosen(house: _House, text: Text, only: tuple[str, ...]) -> bool:
    if not only:
        return True
    return any(
        piece.words == text.words and utterance.language == text.language
        for utterance in house.catalogue.utterances()
        if any(fnmatch(utterance.prompts[0], pattern) for pattern in only)
        for piece in utterance.pieces
    )


async def _build(house: _House, texts: list[Text], renew: bool, quiet: bool) -> tuple[Built, int]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ivr.speech.building import Built, build, missing
    from ivr.speech.engines.kokoro.engine import KokoroEngine

    engine = KokoroEngine(house.settings.cache_dir / "speech")
    lacking = missing(texts, house.pack, house.clips, engine.identity, renew=renew)
    if not lacking:
        return Built(), 0
    columns = (TextColumn("Rendering"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=len(lacking))
        await engine.start()
        try:
            built = await build(engine, lacking, house.clips, lambda done, _: bar.update(task, completed=done))
        finally:
            await engine.stop()
    return built, len(lacking)


@prompts.command()
@click.argument("prompt")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_LANGUAGE
@click.option("--remove", is_flag=True, help="Take the recording away: the voice says the prompt again.")
def override(prompt: str, file: Path | None, language: str, remove: bool) -> None:
    """Put a studio recording in the place of PROMPT, which must hold no values. WAV or FLAC, any rate.

    It is checked first: silence, clipping, length. Heard from the next start of the controller on.

    \b
    ivr prompts override greeting studio/greeting.wav --language zh
    ivr prompts override greeting --language zh --remove
    """
    from ivr.speech import recordings

    house = _house()
    if bool(file) == remove:
        raise click.UsageError("Give a FILE, or --remove.")
    if house.catalogue.signature(prompt):
        raise click.UsageError(f"{prompt} holds values: record its words instead (prompts/LANGUAGE/words/WORD.wav).")
    language = house.languages(language)[0]
    folder = house.settings.prompts / language
    if file is not None:
        target = recordings.put(file, folder, prompt)
        click.echo(f"{target} says {prompt} in {language} from the next start on.")
        return
    gone = recordings.remove(folder, prompt)
    click.echo(f"{len(gone)} recordings of {prompt} taken away." if gone else f"There is no recording of {prompt}.")
