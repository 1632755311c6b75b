"""Recordings of talks on both databases: kept with their digest, found again, never at a talk's cost."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from db.audit import Audit
from db.calls import Calls
from db.events import CALL_STARTED, OFFER_MADE, TALK_BEGAN, Event
from db.recording import Recording
from db.recordings import NoSuchRecording, Recordings
from db.store import Store
from ivr.recordings import retention
from ivr.recordings.errors import ExportFailed, RecordingChanged, RecordingGone
from ivr.recordings.folder import Folder, new_name
from ivr.recordings.keeper import Keeper
from ivr.recordings.release import export, purge
from ivr.recordings.retention import Retention, RetentionInvalid
from ivr.recordings.verification import Counts, Finding, verify
from tests.unit.recordings.talk_files import aged, being_written, closed

NAME = "0123456789abcdef0123456789abcdef"
NOW = datetime.datetime(2026, 11, 20, 3, 0, tzinfo=datetime.UTC)
BEGAN = NOW - datetime.timedelta(minutes=5)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder.below(tmp_path / "recordings")
    folder.create()
    return folder


@pytest.fixture
def keeper(store: Store, folder: Folder) -> Keeper:
    return Keeper(store, folder, Retention(20), lambda: NOW, settle_seconds=0.2)


async def adopted(keeper: Keeper, name: str = NAME) -> Recording:
    return await keeper.adopt(name, call="call-1", agent="801", seat="S1", began=BEGAN)


async def findings(store: Store, folder: Folder) -> list[tuple[str, str]]:
    return [(one.name, one.what) async for one in verify(store, folder, Counts())]


async def test_a_talk_is_kept_with_its_digest_for_twenty_years(store: Store, folder: Folder, keeper: Keeper) -> None:
    file = closed(folder.file(NAME), seconds=2)
    file.chmod(0o644)
    one = await adopted(keeper)
    assert (one.call, one.agent, one.seat, one.began) == ("call-1", "801", "S1", BEGAN)
    assert (one.seconds, one.bytes, one.state, one.fault) == (2.0, 32_044, "kept", "")
    assert one.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert one.kept_until == BEGAN.replace(year=2046)
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert await adopted(keeper) == one == await Recordings(store).get(NAME), "twice is once"
    assert await findings(store, folder) == []


async def test_the_file_is_waited_for_until_asterisk_has_closed_it(store: Store, folder: Folder) -> None:
    keeper = Keeper(store, folder, Retention(20), lambda: NOW, settle_seconds=30)
    file = being_written(folder.file(NAME))
    adopting = asyncio.create_task(adopted(keeper))
    done, _ = await asyncio.wait({adopting}, timeout=0.2)
    assert not done
    closed(file, seconds=3)
    assert (await adopting).seconds == 3.0


async def test_a_file_that_is_never_closed_is_kept_as_far_as_it_goes(
    store: Store, folder: Folder, keeper: Keeper
) -> None:
    being_written(folder.file(NAME), seconds=1.5)
    one = await adopted(keeper)
    assert (one.state, one.fault, one.seconds) == ("kept", "unfinished", 1.5)
    assert await findings(store, folder) == []


async def test_a_full_disk_or_a_missing_folder_is_a_row_that_says_so(
    store: Store, folder: Folder, keeper: Keeper
) -> None:
    folder.file(NAME).write_bytes(b"RIFF")
    one = await adopted(keeper)
    assert (one.state, one.fault, one.bytes, one.sha256) == ("lost", "empty", 0, "")
    other = new_name()
    folder.file(NAME).unlink()
    folder.path.rmdir()
    one = await adopted(keeper, other)
    assert (one.state, one.fault) == ("lost", "missing")
    assert await keeper.adopt_strays() == ()
    assert await keeper.prepare()
    assert folder.path.stat().st_mode & 0o777 == 0o700


async def test_a_folder_that_cannot_be_had_stops_nobody(store: Store, tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("a file in the way")
    keeper = Keeper(store, Folder.below(tmp_path / "recordings"), Retention(20), lambda: NOW, settle_seconds=0)
    assert not await keeper.prepare()
    assert await keeper.adopt_strays() == ()
    assert (await adopted(keeper)).state == "lost"


async def test_who_refuses_is_not_recorded_and_that_is_kept(store: Store, folder: Folder, keeper: Keeper) -> None:
    one = await keeper.adopt(NAME, call="call-1", agent="801", seat="S1", began=BEGAN, consent="refused")
    assert (one.consent, one.state, one.bytes, one.sha256) == ("refused", "refused", 0, "")
    assert await findings(store, folder) == []
    closed(folder.file(NAME))
    assert await findings(store, folder) == [(NAME, "not_to_be_there")]


# --- strays -----------------------------------------------------------------------------------------------------------


async def journal(store: Store, name: str) -> None:
    at = BEGAN - datetime.timedelta(seconds=9)
    await Calls(store).record(
        [
            Event("call-0", CALL_STARTED, {"caller": "13800138001"}, BEGAN - datetime.timedelta(minutes=2)),
            Event("call-1", CALL_STARTED, {"caller": "13800138000"}, BEGAN - datetime.timedelta(minutes=2)),
            Event("call-0", OFFER_MADE, {"agent": "803", "seat": "S3", "recording": new_name()}, at),
            Event("call-1", OFFER_MADE, {"agent": "802", "seat": "S2", "recording": name}, at),
            Event("call-1", TALK_BEGAN, {"agent": "802", "seat": "S2"}, BEGAN),
        ]
    )


async def test_what_ended_while_no_controller_was_there_gets_its_row_from_the_journal(
    store: Store, folder: Folder, keeper: Keeper
) -> None:
    await journal(store, NAME)
    aged(closed(folder.file(NAME), 60), 200, NOW.timestamp())
    assert await findings(store, folder) == [(NAME, "stray")]
    (one,) = await keeper.adopt_strays()
    assert (one.call, one.agent, one.seat, one.began, one.state) == ("call-1", "802", "S2", BEGAN, "kept")
    assert await keeper.adopt_strays() == ()
    assert await findings(store, folder) == []


async def test_a_file_of_which_the_journal_knows_nothing_is_kept_as_well(
    store: Store, folder: Folder, keeper: Keeper
) -> None:
    aged(closed(folder.file(NAME), 60), 200, NOW.timestamp())
    (one,) = await keeper.adopt_strays()
    assert (one.call, one.agent, one.state) == ("", "", "kept")
    assert one.began == NOW - datetime.timedelta(seconds=260)
    named = await adopted(keeper)
    assert (named.call, named.agent, named.sha256) == ("call-1", "801", one.sha256), "whoever knows more says it"


async def test_a_talk_that_goes_on_is_no_stray(store: Store, folder: Folder, keeper: Keeper) -> None:
    names = [new_name() for _ in range(4)]
    aged(being_written(folder.file(names[0])), 3600, NOW.timestamp())  # on hold for an hour
    aged(closed(folder.file(names[1])), 30, NOW.timestamp())  # just ended: being adopted
    aged(being_written(folder.file(names[2])), 7 * 3600, NOW.timestamp())  # of an Asterisk that was killed
    (folder.path / "notes.txt").write_text("not ours")
    (folder.path / "12.wav").write_text("not ours")
    strays = await keeper.adopt_strays()
    assert [(one.name, one.fault) for one in strays] == [(names[2], "unfinished")]


# --- verify, export, purge --------------------------------------------------------------------------------------------


async def test_what_was_changed_taken_away_or_opened_to_others_is_told(
    store: Store, folder: Folder, keeper: Keeper
) -> None:
    names = sorted(new_name() for _ in range(4))
    for name in names:
        closed(folder.file(name))
        await adopted(keeper, name)
    closed(folder.file(names[0]), sound=9).chmod(0o600)
    folder.file(names[1]).unlink()
    folder.file(names[2]).chmod(0o640)
    counts = Counts()
    found = [one async for one in verify(store, folder, counts)]
    assert found == [
        Finding(names[0], "changed", "call-1"),
        Finding(names[1], "missing", "call-1"),
        Finding(names[2], "open_to_others", "call-1"),
    ]
    assert all(one.remedy for one in found)
    assert (counts.rows, counts.files) == (4, 3)


async def test_taking_one_out_leaves_its_trail(store: Store, folder: Folder, keeper: Keeper, tmp_path: Path) -> None:
    closed(folder.file(NAME))
    await adopted(keeper)
    to = tmp_path / "for the court.wav"
    await export(store, folder, NAME, to, actor="li.si", why="court order 12")
    assert to.read_bytes() == folder.file(NAME).read_bytes()
    assert to.stat().st_mode & 0o777 == 0o600
    (entry,) = await Audit(store).latest()
    assert (entry.actor, entry.what, entry.data["why"], entry.data["call"]) == (
        "li.si",
        "recording.exported",
        "court order 12",
        "call-1",
    )
    with pytest.raises(ExportFailed, match="is there already"):
        await export(store, folder, NAME, to, actor="li.si", why="again")
    assert len(await Audit(store).latest()) == 1


async def test_what_is_not_what_was_recorded_is_not_taken_out(
    store: Store, folder: Folder, keeper: Keeper, tmp_path: Path
) -> None:
    closed(folder.file(NAME))
    await adopted(keeper)
    to = tmp_path / "out.wav"
    with pytest.raises(ExportFailed, match="cannot be written"):
        await export(store, folder, NAME, tmp_path / "none" / "out.wav", actor="li.si", why="order")
    closed(folder.file(NAME), sound=9)
    with pytest.raises(RecordingChanged):
        await export(store, folder, NAME, to, actor="li.si", why="order")
    folder.file(NAME).unlink()
    with pytest.raises(RecordingGone):
        await export(store, folder, NAME, to, actor="li.si", why="order")
    with pytest.raises(NoSuchRecording):
        await export(store, folder, new_name(), to, actor="li.si", why="order")
    assert [file.name for file in tmp_path.iterdir() if "out" in file.name] == []
    assert await Audit(store).latest() == ()


async def test_what_need_be_kept_no_more_is_deleted_and_its_row_stays(
    store: Store, folder: Folder, keeper: Keeper
) -> None:
    names = sorted(new_name() for _ in range(3))
    for name in names:
        closed(folder.file(name))
        await adopted(keeper, name)
    old = new_name()
    closed(folder.file(old))
    kept = await Recordings(store).get(names[0])
    await Recordings(store).add(replace(kept, name=old, kept_until=NOW - datetime.timedelta(days=1)))
    done = [(one.name, fault) async for one, fault in purge(store, folder, actor="cron", now=NOW)]
    assert done == [(old, "")]
    assert not folder.file(old).exists()
    row = await Recordings(store).get(old)
    assert (row.state, row.purged_at, row.sha256) == ("purged", NOW, kept.sha256)
    assert [entry.what for entry in await Audit(store).latest()] == ["recording.purged"]
    assert await findings(store, folder) == []
    later = NOW.replace(year=2046)
    assert len([one async for one in purge(store, folder, actor="cron", now=later)]) == 3
    closed(folder.file(old))
    assert await findings(store, folder) == [(old, "not_purged")]


async def test_a_purge_that_was_broken_off_is_finished_by_the_next(
    store: Store, folder: Folder, keeper: Keeper
) -> None:
    closed(folder.file(NAME))
    await adopted(keeper)
    folder.delete(NAME)
    later = NOW.replace(year=2047)
    assert [one.name async for one, _ in purge(store, folder, actor="cron", now=later)] == [NAME]
    assert (await Recordings(store).get(NAME)).state == "purged"


async def test_two_adopt_one_talk_at_once(store: Store, folder: Folder, keeper: Keeper) -> None:
    closed(folder.file(NAME))
    rows = await asyncio.gather(*(adopted(keeper) for _ in range(10)))
    assert len(set(rows)) == 1


# --- names and retention ----------------------------------------------------------------------------------------------


def test_a_name_is_random_and_leads_nowhere_else(folder: Folder) -> None:
    names = {new_name() for _ in range(100)}
    assert len(names) == 100
    for bad in ("../../etc/passwd", "", "1" * 31, "1" * 33, "A" * 32, "g" * 32, "１" * 32):
        with pytest.raises(ValueError, match="no name"):
            folder.file(bad)


def test_twenty_years_from_a_leap_day() -> None:
    leap = datetime.datetime(2028, 2, 29, tzinfo=datetime.UTC)
    assert Retention(1).until(leap) == datetime.datetime(2029, 3, 1, tzinfo=datetime.UTC)
    assert Retention(20).until(leap) == datetime.datetime(2048, 2, 29, tzinfo=datetime.UTC)


def test_the_retention_that_comes_with_goldline() -> None:
    assert retention.read() == Retention(20)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("years: 0", "f:1: years must be a whole number from 1 to 100"),
        ("year: 20", "f:1: unknown field 'year'. Did you mean 'years'?"),
        ("", "the file is empty"),
    ],
)
def test_faults_in_the_retention_are_told_by_their_line(text: str, says: str) -> None:
    _, problems = retention.load(text, "f")
    assert any(says in str(problem) for problem in problems), problems
    with pytest.raises(RetentionInvalid, match="cannot be read"):
        retention.read(Path("none.yaml"))
