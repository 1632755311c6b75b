"""The spool: what goes in comes out, in order, whatever the disk does meanwhile."""

from __future__ import annotations

import datetime
import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import spool as spool_module
from db.errors import SpoolError, SpoolHeld
from db.events import Event
from db.spool import Spool, decode, encode


def lines(first: int, last: int) -> list[Event]:
    return [Event("1.1", "test.happened", {"n": number}) for number in range(first, last)]


def put(spool: Spool, events: list[Event]) -> None:
    for event in events:
        spool.append(encode(event))


def take(spool: Spool, most: int = 500) -> list[Event]:
    found: list[Event] = []
    while batch := spool.read(most):
        found += batch.events
        spool.let_go(batch)
    return found


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@given(
    st.builds(
        Event,
        call_id=st.text(st.characters(exclude_categories=()), max_size=20),
        kind=st.text(max_size=20),
        data=st.dictionaries(st.text(max_size=5), st.text(st.characters(exclude_categories=())) | st.floats()),
        at=st.datetimes(timezones=st.timezones()),
    )
)
def test_every_event_is_one_line_that_can_be_read_back(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    found = decode(line)
    assert found
    assert (found.id, found.at) == (event.id, event.at.astimezone(datetime.UTC))
    assert decode(encode(found)) == found


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[1,2]", b'["a","b","c","no date",{}]', b"\x00" * 50, b"\xff", b'["a","b","c","2026', b"[" * 9999],
)
def test_a_damaged_line_is_nothing(line: bytes) -> None:
    assert decode(line) is None


def test_lines_come_back_in_order_until_they_are_let_go(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    events = lines(0, 10)
    put(spool, events)
    first = spool.read(4)
    assert first
    assert spool.read(4) == first
    spool.let_go(first)
    assert spool.waiting == 6
    put(spool, lines(10, 11))
    assert [event.data["n"] for event in take(spool, 4)] == [4, 5, 6, 7, 8, 9, 10]
    assert (spool.waiting, spool.read(1)) == (0, None)
    spool.close()


def test_what_a_dead_process_left_is_taken_over_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 500)
    dead = Spool.open(tmp_path)
    put(dead, lines(0, 30))
    dead.close()
    assert len(list(tmp_path.glob("events-*"))) > 3
    spool = Spool.open(tmp_path)
    assert spool.waiting == 30
    put(spool, lines(30, 40))
    assert [event.data["n"] for event in take(spool, 7)] == list(range(40))
    assert spool.removable
    spool.retire()
    spool.remove_stored()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    put(spool, lines(40, 41))
    assert len(take(spool)) == 1
    spool.close()


def test_a_day_without_a_database_needs_no_descriptor_per_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 200)
    spool = Spool.open(tmp_path)
    before = open_descriptors()
    put(spool, lines(0, 200))
    assert len(list(tmp_path.glob("events-*"))) > 50
    assert open_descriptors() <= before + 2
    assert len(take(spool)) == 200
    spool.remove_stored()
    assert open_descriptors() <= before + 2
    spool.close()


@pytest.mark.parametrize("tail", [b'["half', b"\x00" * 4096, b"\n\n", b"\xff\xfe\n", b"\x00" * 300_000 + b"\n"])
def test_damage_costs_the_damaged_line_only(tmp_path: Path, tail: bytes, caplog: pytest.LogCaptureFixture) -> None:
    dead = Spool.open(tmp_path)
    put(dead, lines(0, 3))
    dead.close()
    (segment,) = tmp_path.glob("events-*")
    middle = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(middle[0] + b"rubbish\n" + middle[1] + middle[2] + tail)
    spool = Spool.open(tmp_path)
    put(spool, lines(3, 5))
    assert [event.data["n"] for event in take(spool)] == [0, 1, 2, 3, 4]
    assert spool.waiting == 0
    assert spool.damaged >= 2
    assert "damaged line" in caplog.text
    spool.close()


def test_a_segment_that_cannot_be_read_is_kept_and_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dead = Spool.open(tmp_path)
    put(dead, lines(0, 3))
    dead.close()
    spool = Spool.open(tmp_path)
    put(spool, lines(3, 5))
    pread = os.pread

    def broken(fd: int, size: int, offset: int) -> bytes:
        if str(Path(f"/proc/self/fd/{fd}").readlink()).endswith("00000001.jsonl"):
            raise OSError(errno.EIO, "Input/output error")
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", broken)
    assert [event.data["n"] for event in take(spool)] == [3, 4]
    spool.remove_stored()
    assert (tmp_path / "events-00000001.unreadable").exists()
    assert "cannot be read" in caplog.text
    spool.close()


def test_two_processes_do_not_share_a_spool(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib\nfrom db.spool import Spool\n"
            "spool = Spool.open(pathlib.Path(sys.argv[1]))\nprint('held', flush=True)\nsys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(SpoolHeld, match=f"process {holder.pid}"):
        Spool.open(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    Spool.open(tmp_path).close()


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("")
    with pytest.raises(SpoolError) as caught:
        Spool.open(tmp_path / "spool")
    assert caught.value.remedy


class Disk:
    """A disk that is full for a while: it takes ``room`` more bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: float = float("inf")
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(fd, data[: int(min(self.room, len(data)))])
        self.room -= written
        return written


def test_a_full_disk_costs_nothing_while_memory_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)
    spool = Spool.open(tmp_path)
    put(spool, lines(0, 3))
    disk.room = 40  # half a line
    put(spool, lines(3, 6))
    assert spool.disk_refuses
    assert spool.waiting == 6
    batch = spool.read(5)
    assert batch
    assert [event.data["n"] for event in batch.events] == [0, 1, 2, 3, 4]
    disk.room = float("inf")
    put(spool, lines(6, 7))  # finds room again, while the batch is being stored
    assert not spool.disk_refuses
    spool.let_go(batch)
    rest = [event.data["n"] for event in take(spool)]
    assert rest[-2:] == [5, 6]
    assert set(rest) <= {3, 4, 5, 6}  # storing one again is harmless: it has an id
    assert (spool.waiting, spool.damaged, spool.lost) == (0, 0, 0)
    assert "No space left" in caplog.text or "half a line" in caplog.text
    spool.close()


def test_events_from_memory_are_let_go_like_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    spool = Spool.open(tmp_path)
    disk.room = 0
    put(spool, lines(0, 5))
    assert [event.data["n"] for event in take(spool, 2)] == [0, 1, 2, 3, 4]
    assert (spool.waiting, spool.disk_refuses) == (0, False)
    spool.close()


def test_when_memory_is_full_too_the_newest_is_lost_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool_module, "MOST_HELD", 3)
    monkeypatch.setattr(spool_module, "LOUD_SECONDS", 0.0)
    disk = Disk(monkeypatch)
    spool = Spool.open(tmp_path)
    disk.room = 0
    with caplog.at_level(logging.ERROR):
        put(spool, lines(0, 5))
    assert (spool.lost, spool.waiting) == (2, 3)
    assert "events are being lost" in caplog.text
    assert [event.data["n"] for event in take(spool)] == [0, 1, 2]
    spool.close()


def test_a_directory_that_vanished_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 100)
    spool = Spool.open(tmp_path / "spool")
    put(spool, lines(0, 1))
    assert len(take(spool)) == 1
    for path in (tmp_path / "spool").iterdir():
        path.unlink()
    (tmp_path / "spool").rmdir()
    put(spool, lines(1, 3))
    assert [event.data["n"] for event in take(spool)] == [1, 2]
    spool.close()
