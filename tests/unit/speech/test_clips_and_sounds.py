"""The clip cache and the sound store: complete files only, within their limits, nothing lost that may be playing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from speech_fakes import clip_lasting

from ivr.speech.clip_files import read_clip, write_clip
from ivr.speech.clips import Clips
from ivr.speech.sounds import IN_USE_SECONDS, Sounds

SECOND_BYTES = 40_000  # both forms of one second


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def put(sounds: Sounds, name: str, seconds: float = 1.0) -> None:
    clip = clip_lasting(seconds, name)
    sounds.write(name, clip)
    sounds.add(name, clip)


def opened(directory: Path, limit_bytes: int = 10 * SECOND_BYTES, clock: Clock | None = None) -> Sounds:
    sounds = Sounds(directory, limit_bytes, clock or Clock())
    sounds.open()
    return sounds


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def test_a_clip_on_disk_is_as_it_was_written(tmp_path: Path) -> None:
    clip = clip_lasting(0.5)
    write_clip(tmp_path / "a", clip)
    assert read_clip(tmp_path / "a") == clip
    assert names(tmp_path) == ["a.alaw", "a.sln16"]
    assert read_clip(tmp_path / "b") is None


@pytest.mark.parametrize("suffix", [".alaw", ".sln16"])
def test_a_clip_cut_short_is_no_clip(tmp_path: Path, suffix: str) -> None:
    write_clip(tmp_path / "a", clip_lasting(0.5))
    with (tmp_path / f"a{suffix}").open("r+b") as file:
        file.truncate(100)
    assert read_clip(tmp_path / "a") is None


def test_the_cache_gives_back_what_it_keeps_even_to_another_process(tmp_path: Path) -> None:
    clip = clip_lasting(0.5)
    Clips(tmp_path).keep("abcd", clip)
    assert Clips(tmp_path).get("abcd") == clip
    assert Clips(tmp_path).get("efgh") is None


def test_memory_is_bounded_and_the_disk_still_has_the_rest(tmp_path: Path) -> None:
    clips = Clips(tmp_path, memory_bytes=3 * SECOND_BYTES)
    for number in range(10):
        clips.keep(f"{number:04}", clip_lasting(1, str(number)))
    assert len(clips._in_memory) == 3
    assert clips.get("0000") == clip_lasting(1, "0")


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    clips = Clips(tmp_path, disk_bytes=3 * SECOND_BYTES)
    for number in range(5):
        clips.keep(f"{number:04}", clip_lasting(1, str(number)))
        os.utime(tmp_path / "00" / f"{number:04}.alaw", (number, number))
    assert clips.prune() == 2
    fresh = Clips(tmp_path)
    assert [fresh.get(f"{number:04}") is not None for number in range(5)] == [False, False, True, True, True]


def test_a_clip_in_use_is_not_forgotten_for_having_been_read_long_ago(tmp_path: Path) -> None:
    clips = Clips(tmp_path, disk_bytes=3 * 40_000)
    for number in range(5):
        clips.keep(f"{number:04}", clip_lasting(1, str(number)))
    clips = Clips(tmp_path, disk_bytes=3 * 40_000)
    assert not clips.grown
    assert clips.get("0000") is not None  # in memory now
    for number in range(5):
        os.utime(tmp_path / "00" / f"{number:04}.alaw", (number, number))
    clips.keep("0005", clip_lasting(1, "5"))
    assert clips.grown
    assert clips.prune() == 3
    assert not clips.grown
    fresh = Clips(tmp_path)
    assert [number for number in range(6) if fresh.get(f"{number:04}")] == [0, 4, 5]


def test_a_sound_is_found_by_a_path_without_extension(tmp_path: Path) -> None:
    sounds = opened(tmp_path)
    put(sounds, "quote", 1.5)
    sound = sounds.find("quote")
    assert sound is not None
    assert sound.path == str(tmp_path / "quote")
    assert sound.seconds == 1.5
    assert Path(sound.path + ".alaw").stat().st_size == 12_000
    assert Path(sound.path + ".sln16").stat().st_size == 48_000
    assert sounds.find("another") is None


def test_what_another_process_left_is_found_and_what_it_left_half_done_is_deleted(tmp_path: Path) -> None:
    put(opened(tmp_path), "whole")
    (tmp_path / "half.alaw").write_bytes(b"x" * 100)
    (tmp_path / "empty.alaw").touch()
    (tmp_path / "empty.sln16").touch()
    (tmp_path / "x.alaw.77.tmp").touch()
    (tmp_path / "notes.txt").touch()
    sounds = opened(tmp_path)
    assert sounds.find("whole") is not None
    assert len(sounds) == 1
    assert names(tmp_path) == ["notes.txt", "whole.alaw", "whole.sln16"]


def test_the_sound_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    clock = Clock()
    sounds = opened(tmp_path, 3 * SECOND_BYTES, clock)
    for name in "abc":
        put(sounds, name)
        clock.now += 1
    sounds.find("a")
    clock.now += IN_USE_SECONDS + 10
    put(sounds, "d")
    assert [sounds.find(name) is not None for name in "abcd"] == [True, False, True, True]
    assert not (tmp_path / "b.alaw").exists()
    assert sounds.total_bytes == 3 * SECOND_BYTES


def test_a_sound_that_may_be_playing_stays_even_over_the_limit(tmp_path: Path) -> None:
    clock = Clock()
    sounds = opened(tmp_path, 2 * SECOND_BYTES, clock)
    put(sounds, "long", 2)
    clock.now += IN_USE_SECONDS + 1  # still within its own two seconds
    put(sounds, "new")
    assert (tmp_path / "long.alaw").exists()
    clock.now += IN_USE_SECONDS + 10
    put(sounds, "newer")
    assert [sounds.find(name) is not None for name in ("long", "new", "newer")] == [False, True, True]


def test_the_newest_sound_stays_even_when_it_alone_is_over_the_limit(tmp_path: Path) -> None:
    sounds = opened(tmp_path, SECOND_BYTES)
    put(sounds, "huge", 5)
    assert sounds.find("huge") is not None
