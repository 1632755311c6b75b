"""``ivr doctor`` beside a real Asterisk: it says what is well, what is not, and never a secret."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

import pytest
from conftest import RunningAsterisk, settings_for

from db.store import Store
from ivr import contract, doctor
from ivr.config import Database
from ivr.doctor import Check, Status
from ivr.supervise import lock

pytestmark = pytest.mark.asterisk


async def found(settings: object) -> dict[str, doctor.Finding]:
    findings = await doctor.examine(settings)  # type: ignore[arg-type]
    json.dumps([dataclasses.asdict(one) for one in findings])  # plain values, for --json
    assert all(one.remedy for one in findings if one.status is not Status.OK)
    return {one.check: one for one in findings}


async def test_a_running_asterisk_is_well_and_a_missing_controller_is_not(asterisk: RunningAsterisk) -> None:
    with lock.held(asterisk.layout.run_dir):
        findings = await found(asterisk.settings)
    for name in ("asterisk answers", "speech", "secrets", "disk"):
        assert findings[name].status is Status.OK, findings[name]
    for account in (contract.AMI_EVENTS, contract.AMI_ACTIONS, contract.AMI_MONITOR):
        assert findings[f"ami {account}"].status is Status.OK
    assert findings["agi"].status is Status.FAIL
    assert "callers hear music" in findings["agi"].what
    assert findings["ports"].status is Status.FAIL
    assert "(ports.agi)" in findings["ports"].what
    assert findings["controller"].status is Status.FAIL
    assert not doctor.is_well(list(findings.values()))
    text = repr(findings)
    assert asterisk.secrets.ami_events not in text
    assert asterisk.secrets.softphone not in text


async def test_it_sees_a_controller_that_listens(asterisk: RunningAsterisk) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\n{"ami":0}')
        writer.close()

    async def nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    http = await asyncio.start_server(answer, "127.0.0.1", asterisk.port("http"))
    agi = await asyncio.start_server(nothing, "127.0.0.1", asterisk.port("agi"))
    async with http, agi:
        with lock.held(asterisk.layout.run_dir):
            findings = await found(asterisk.settings)
    assert findings["agi"].status is Status.OK
    assert findings["ports"].status is Status.OK
    assert findings["controller"].status is Status.FAIL
    assert '{"ami":0}' in findings["controller"].what


async def test_before_the_first_start_it_says_to_start(tmp_path: Path) -> None:
    findings = await found(settings_for(tmp_path / "run"))
    assert "does not run" in findings["asterisk answers"].what
    assert findings["ports"].status is Status.OK
    assert findings["database"].status is Status.FAIL
    assert "make run" in findings["database"].remedy
    assert findings["secrets"].status is Status.FAIL


async def test_the_database_is_well_when_its_tables_are_those_of_this_version(
    asterisk: RunningAsterisk, tmp_path: Path
) -> None:
    database = Database(url=f"sqlite+aiosqlite:///{tmp_path}/goldline.db")
    settings = asterisk.settings.model_copy(update={"database": database})
    store = await Store.open(settings.database_url)
    assert (await found(settings))["database"].status is Status.FAIL
    await store.migrate()
    await store.close()
    assert (await found(settings))["database"].status is Status.OK


async def test_a_secret_that_others_may_read_is_found(asterisk: RunningAsterisk) -> None:
    file = asterisk.layout.etc_dir / "manager.conf"
    file.chmod(0o644)
    try:
        findings = await found(asterisk.settings)
    finally:
        file.chmod(0o600)
    assert findings["secrets"].status is Status.FAIL
    assert str(file) in findings["secrets"].what


async def test_a_check_that_breaks_is_a_finding(asterisk: RunningAsterisk) -> None:
    async def breaks(_: object) -> tuple[Status, str, str]:
        raise RuntimeError("boom")

    (finding,) = await doctor.examine(asterisk.settings, [Check("odd", breaks)])
    assert (finding.status, finding.what) == (Status.FAIL, "RuntimeError: boom")
