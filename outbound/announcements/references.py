"""The reference recordings and what each of them says: ``references/index.yaml``, read, checked, added to.

One entry for each recording. The sound stands beside the index, in a folder named after the outcome.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import NAME, Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse
from ivr.errors import GoldlineError
from ivr.speech.audio import alaw
from outbound.announcements.features import HOP_SECONDS, RATE, Samples, features
from outbound.announcements.matcher import Print, Prints
from outbound.announcements.sound_file import SUFFIXES, read_sound
from outbound.outcomes import ANNOUNCED, Outcome

REFERENCES: Final = Path(__file__).parent / "references"
INDEX: Final = "index.yaml"
SYNTHESISED: Final = "synthesised"  # so begins the source of those that came with Goldline
SHORTEST_SECONDS: Final = 1.5  # a reference that is shorter says too little to be told from other speech
LONGEST_SECONDS: Final = 20.0  # one round of it is enough: it is recognised in any round
WHOLE: Final = (0.1, 0.7)  # the decisive span, as shares, of a reference that names none
_SPAN: Final = re.compile(r"(\d{1,2}(?:\.\d{1,3})?)-(\d{1,2}(?:\.\d{1,3})?)")


class ReferencesInvalid(FileInvalid):
    """The reference recordings cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "announcements-invalid"


class NoSuchReference(GoldlineError):
    """There is no reference of this name."""

    error_id: ClassVar[str] = "no-such-announcement"


class ReferenceRefused(GoldlineError):
    """A recording that cannot become a reference."""

    error_id: ClassVar[str] = "announcement-refused"


@dataclass(frozen=True, slots=True)
class Reference:
    """One recording. ``decisive``: from and to which second it says the outcome; several, when it says it twice."""

    name: str
    outcome: Outcome
    file: str  # below the index's folder
    carrier: str
    text: str
    source: str  # where the recording comes from, and under which licence it may be kept
    decisive: tuple[tuple[float, float], ...] = ()


def read(folder: Path = REFERENCES) -> tuple[Reference, ...]:
    """The references of this folder, in the index's order. Raises ReferencesInvalid."""
    return read_checked(folder / INDEX, load, ReferencesInvalid)


def load(text: str, file: str) -> tuple[tuple[Reference, ...] | None, list[Problem]]:
    """The references in this text, and every problem. The sounds are not looked at (``prints``)."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    rows = fields.inner("references")
    if rows is None and not problems:
        fields.problem("references", "references is missing.", "Add `references:` with one entry for each recording.")
    found = tuple(_reference(rows, name) for name in rows.table.entries) if rows else ()
    fields.done()
    return found, sorted(problems)


def prints(folder: Path = REFERENCES) -> Prints:
    """All references of this folder, ready for a matcher. Raises ReferencesInvalid, SoundUnreadable."""
    found = read(folder)
    if not found:
        raise ReferencesInvalid(
            [
                Problem(
                    str(folder / INDEX), 1, "there is no reference.", "Add one: ivr outbound announcements add --help"
                )
            ]
        )
    return Prints([print_of(one, read_sound(folder / one.file)) for one in found])


def print_of(one: Reference, sound: Samples) -> Print:
    """A reference as the matcher sees it. Raises ReferenceRefused when the sound is not what the index says."""
    seconds = len(sound) / RATE
    if seconds < SHORTEST_SECONDS or seconds > LONGEST_SECONDS:
        raise ReferenceRefused(
            f"{one.name} lasts {seconds:.1f} s; a reference lasts {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g}.",
            remedy="Cut one round of the announcement out of it, from its first word to its last.",
        )
    if float(np.abs(sound).max()) < 0.01:
        raise ReferenceRefused(
            f"{one.name} is silent.", remedy="Is it the side of the network (MixMonitor's r option)?"
        )
    spans = one.decisive or (tuple(share * seconds for share in WHOLE),)
    for begin, end in spans:
        if end > seconds + 0.05:  # people round
            raise ReferenceRefused(
                f"{one.name}: the decisive span {begin:g}-{end:g} ends after {seconds:.2f} s.", remedy="Mend the index."
            )
    vectors = features(sound)
    # A frame is heard 64 ms after it began: the span that its words fill begins and ends half a window before.
    frames = tuple((max(0, int(begin / HOP_SECONDS) - 2), int(end / HOP_SECONDS) - 2) for begin, end in spans)
    return Print(one.name, one.outcome, vectors, frames)


def begin(folder: Path) -> None:
    """An empty index where there is none. Raises OSError."""
    if not (folder / INDEX).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / INDEX, b"references: {}\n")


def add(folder: Path, one: Reference, sound: Samples) -> Path:
    """Keep this sound as a reference, as A-law, and write it into the index. Returns the file it was kept in.

    Raises ReferenceRefused when the name is taken or the sound is of no use, ReferencesInvalid, OSError.
    """
    if not NAME.match(one.name):
        raise ReferenceRefused(f"{one.name!r} is no name.", remedy="Use small letters, digits and underscores.")
    if any(other.name == one.name for other in read(folder)):
        raise ReferenceRefused(
            f"There is a reference {one.name} already.", remedy=f"ivr outbound announcements remove {one.name}"
        )
    print_of(one, sound)
    file = folder / one.file
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file, alaw.encode(np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)))
    index = folder / INDEX
    before = index.read_text("utf-8")
    after = before.rstrip("\n").replace("references: {}", "references:") + "\n" + entry(one)
    _, problems = load(after, str(index))
    if problems:  # not by our own writing: a text from outside that YAML reads otherwise
        raise ReferencesInvalid(problems)
    _write(index, after.encode())
    return file


def remove(folder: Path, name: str) -> Reference:
    """Take a reference out of the index, and its sound away. Raises NoSuchReference, ReferencesInvalid, OSError."""
    one = next((one for one in read(folder) if one.name == name), None)
    if one is None:
        raise NoSuchReference(f"There is no reference {name!r}.", remedy="ivr outbound announcements list")
    index = folder / INDEX
    rows, inside = [], False
    for row in index.read_text("utf-8").splitlines(keepends=True):
        if re.match(r"  [a-z]", row):
            inside = row.startswith(f"  {name}:")
        if not inside:
            rows.append(row)
    text = "".join(rows)
    if not re.search(r"^  [a-z]", text, re.MULTILINE):
        text = re.sub(r"^references:.*$", "references: {}", text, flags=re.MULTILINE)
    _write(index, text.encode())
    (folder / one.file).unlink(missing_ok=True)
    return one


def entry(one: Reference) -> str:
    """The lines of one reference in the index."""
    rows = [
        f"  {one.name}:",
        f"    outcome: {one.outcome}",
        f"    file: {one.file}",
        f"    carrier: {_quoted(one.carrier)}",
        f"    text: {_quoted(one.text)}",
        f"    source: {_quoted(one.source)}",
    ]
    if one.decisive:
        rows.append(f"    decisive: [{', '.join(f'{begin:g}-{end:g}' for begin, end in one.decisive)}]")
    return "\n".join(rows) + "\n"


def spans_of(texts: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """Decisive spans as people write them: ``1.2-2.05``, in seconds. Raises ReferenceRefused."""
    found = []
    for text in texts:
        match = _SPAN.fullmatch(text.strip())
        span = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
        if span[1] - span[0] < 0.2:
            raise ReferenceRefused(
                f"{text!r} is no span of at least 0.2 s.", remedy="Write from and to in seconds: 1.2-2.05"
            )
        found.append(span)
    return tuple(found)


def added_today(source: str, day: datetime.date) -> str:
    """What the index says of a recording that was added by hand."""
    return f"{source}, added {day.isoformat()}"


def _reference(rows: Fields, name: str) -> Reference:
    if not NAME.match(name):
        rows.problem(name, f"{name!r} is no name.", "Use small letters, digits and underscores.")
    inner = rows.inner(name)
    if inner is None:
        return Reference(name, "unallocated", "", "", "", "")
    word = inner.one_of("outcome", ANNOUNCED, "unallocated")
    file = inner.text("file")
    if file and (".." in file or Path(file).is_absolute() or Path(file).suffix not in SUFFIXES):
        inner.problem("file", f"file: {file!r} is no sound below this folder.", f"It ends in {', '.join(SUFFIXES)}.")
    try:
        decisive = spans_of(inner.words("decisive", ()))
    except ReferenceRefused as error:
        inner.problem("decisive", f"decisive: {error.message}", error.remedy)
        decisive = ()
    found = Reference(
        name,
        next(outcome for outcome in ANNOUNCED if outcome == word),
        file,
        inner.text("carrier"),
        inner.text("text"),
        inner.text("source"),
        decisive,
    )
    inner.done()
    return found


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a YAML string in double quotes is one of JSON


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)
