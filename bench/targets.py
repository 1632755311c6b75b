"""A million targets: how fast they are planned, in how much memory, and how fast the next number is chosen among them.

    python bench/targets.py [--targets N] [--database sqlite|postgres|both] [--rounds N] [--json FILE]

Fills a scratch store with N dormant customers (a quarter of them with two telephones), plans the campaign by the
command ``ivr outbound plan`` in a process of its own (its peak memory is its own), plans it again (nothing is new), and
puts the campaign into the state of its tenth day: 35 % closed, 15 % put off, 10 % tried before, with their attempts.
Then the next number is chosen as the dialer does it: the next target, its telephones, wishes, lists and every dial of
the past, and the verdict of the rules. Beside it, on the same rows, the way one would write it at first: one query that
filters, counts the attempts for the caps, sorts, and takes the first. The floor that Goldline wants: under 5 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from db.dial_facts import DialFacts, next_facts
from db.store import Store
from db.targets import TargetMove, Targets
from db.trading_calendar import TradingCalendar
from ivr.cli.outbound_status import look
from ivr.lines.hours import Calendar
from outbound import campaign_file, rules_file
from outbound.coverage import coverage
from outbound.hours import Clock
from outbound.retry import Choice, Dial, choose

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
NOON = datetime.datetime(2026, 11, 20, 10, 30, tzinfo=SHANGHAI)  # a Friday, in the campaign's hours
CAMPAIGN = "dormant"
FLOOR_MS = 5.0
SECOND_PHONES = 100_000_000  # row numbers from here on

NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT :start UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(:start AS bigint), CAST(:rows AS bigint) - 1))",
}
CUSTOMERS = """INSERT INTO customers (id, account, name_zh, name_en, languages, dialect, tier, rules_tier, status,
 stage, manager, backups, do_not_call, recording_refused, email, address, created_at, opened_on)
 {numbers} SELECT i + 1, CAST(900000000000 + i AS VARCHAR(32)), '王芳', '', 'zh', '',
 CASE WHEN i % 50 = 0 THEN 'platinum' WHEN i % 10 = 0 THEN 'gold' WHEN i % 3 = 0 THEN 'silver' ELSE 'normal' END,
 'normal', 'dormant', '', '', '', i % 200 = 0, {no}, '', '', '2026-01-01', '2015-01-01' FROM n"""
PHONES = """INSERT INTO customer_phones (id, customer_id, number, rank, state)
 {numbers} SELECT i + 1 + :from, i * :step + 1, '+86' || CAST(:first + i AS VARCHAR(32)), :rank, 'good' FROM n"""
COPIES = """INSERT INTO targets (campaign, key, customer_id, account, name, branch, tier, language, numbers, data,
 state, why, due_at, rank, guaranteed, agent, attempts, last_outcome, last_at, closed_at, version)
 SELECT t.campaign, c.account, c.id, c.account, c.name_zh, '', c.tier, 'zh', t.numbers, t.data, t.state, t.why,
 t.due_at, CASE c.tier WHEN 'platinum' THEN 1 WHEN 'gold' THEN 3 WHEN 'silver' THEN 5 ELSE 7 END, t.guaranteed,
 '', 0, '', t.last_at, t.closed_at, 0
 FROM customers c CROSS JOIN (SELECT * FROM targets WHERE state = 'waiting' ORDER BY id LIMIT 1) t
 WHERE c.id > :start AND NOT c.do_not_call"""
STATES = """UPDATE targets SET state = CASE WHEN id % 20 < 7 THEN 'reached' ELSE 'waiting' END,
 closed_at = CASE WHEN id % 20 < 7 THEN due_at ELSE NULL END,
 due_at = CASE WHEN id % 20 IN (7, 8, 9) THEN :later ELSE :earlier END,
 attempts = CASE WHEN id % 20 IN (10, 11) THEN 2 ELSE 0 END,
 rank = CASE WHEN id % 20 IN (10, 11) THEN rank - 1 ELSE rank END WHERE state = 'waiting'"""
ATTEMPTS = """INSERT INTO attempts (campaign, target_id, customer_id, number, rank, mode, chance, state, holder,
 channel, trunk, leased_at, dialled_at, ended_at, agent, outcome, cause, sip, announcement, ring_seconds, live,
 abandoned, disposition, note, version)
 SELECT t.campaign, t.id, t.customer_id, p.number, 0, 'predictive', 0.3, 'ended', 'a', '', '', :at, :at, :at, '',
 'no_answer', 0, 0, '', 25.0, {no}, {no}, '', '', 0
 FROM targets t JOIN customer_phones p ON p.customer_id = t.customer_id AND p.rank = 0
 WHERE t.id % 20 IN (0, 3, 10, 11)"""
NAIVE = """SELECT t.id, p.number FROM targets t
 JOIN customers c ON c.id = t.customer_id JOIN customer_phones p ON p.customer_id = c.id
 WHERE t.campaign = :campaign AND t.state = 'waiting' AND t.due_at <= :now AND NOT c.do_not_call AND p.state = 'good'
 AND NOT EXISTS (SELECT 1 FROM do_not_call d WHERE d.number = p.number)
 AND (SELECT count(*) FROM attempts a WHERE a.customer_id = c.id AND a.dialled_at >= :day) < 1
 AND (SELECT count(*) FROM attempts a WHERE a.number = p.number AND a.dialled_at >= :week) < 2
 ORDER BY t.rank, t.due_at, p.rank LIMIT 1"""


async def fill(store: Store, rows: int, start: int = 0) -> None:
    """Customers and telephones from the number ``start`` on, up to ``rows``, by the database itself."""
    numbers = NUMBERS["sqlite" if store.is_sqlite else "postgresql"]
    no = "0" if store.is_sqlite else "false"
    async with store.engine.begin() as connection:
        if not store.is_sqlite:
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        await connection.execute(sa.text(CUSTOMERS.format(numbers=numbers, no=no)), {"start": start, "rows": rows})
        first = {"start": start, "rows": rows, "from": 0, "step": 1, "first": 13_000_000_000, "rank": 0}
        await connection.execute(sa.text(PHONES.format(numbers=numbers)), first)
        quarter = {"start": start // 4, "rows": rows // 4, "from": SECOND_PHONES, "step": 4}
        second = quarter | {"first": 15_000_000_000, "rank": 1}
        await connection.execute(sa.text(PHONES.format(numbers=numbers)), second)
    await analyse(store)


async def copy_the_rest(store: Store, rows: int, start: int) -> None:
    """Targets for the customers from ``start`` on, by the database itself, as planning would enter them."""
    if start >= rows:
        return
    await fill(store, rows, start)
    async with store.engine.begin() as connection:
        if not store.is_sqlite:
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        await connection.execute(sa.text(COPIES), {"start": start})


async def tenth_day(store: Store) -> None:
    """The campaign as it stands on its tenth day."""
    no = "0" if store.is_sqlite else "false"
    moments = {
        "later": NOON + datetime.timedelta(days=1),
        "earlier": NOON - datetime.timedelta(days=9),
        "at": NOON - datetime.timedelta(days=3),
    }
    values = {name: _stored(store, moment) for name, moment in moments.items()}
    async with store.engine.begin() as connection:
        if not store.is_sqlite:
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        await connection.execute(sa.text(STATES), {name: values[name] for name in ("later", "earlier")})
        await connection.execute(sa.text(ATTEMPTS.format(no=no)), {"at": values["at"]})
    await analyse(store)


def _stored(store: Store, moment: datetime.datetime) -> Any:
    utc = moment.astimezone(datetime.UTC)
    return utc.strftime("%Y-%m-%d %H:%M:%S.%f") if store.is_sqlite else utc


async def analyse(store: Store) -> None:
    async with store.engine.connect() as connection:
        raw = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await raw.exec_driver_sql("ANALYZE")


class Chooser:
    """Chooses as the dialer does. Whom it chooses is put off, so that the next one is another."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.targets = Targets(store)
        self.rules = rules_file.read()
        self.campaign = campaign_file.read(campaign_file.CAMPAIGNS / f"{CAMPAIGN}.yaml", self.rules)
        self.clock = Clock(SHANGHAI, Calendar(), TradingCalendar())

    async def numbers(self, most: int) -> float:
        """Choose ``most`` numbers; the milliseconds that it took for each."""
        began, found = time.perf_counter(), 0
        took = 0.0
        while not found:
            known = await next_facts(self.store, CAMPAIGN, NOON, most, NOON - self.rules.looks_back)
            choices = [(facts.target, self._choose(facts)) for facts in known]
            took = time.perf_counter() - began
            for target, choice in choices:
                later = TargetMove("waiting", "dialled", NOON + datetime.timedelta(hours=4))
                await self.targets.move(target, later if isinstance(choice, Dial) else choice, now=NOON)
                found += isinstance(choice, Dial)
        return took * 1000 / found

    def _choose(self, facts: DialFacts) -> Choice:
        ends_at = NOON + datetime.timedelta(days=50)
        return choose(NOON, self.rules, self.campaign, facts, ends_at=ends_at, clock=self.clock)


async def next_numbers(store: Store, rounds: int, at_once: int) -> dict[str, float]:
    """How long a number takes to choose, ``at_once`` of them in one go."""
    chooser = Chooser(store)
    return spread([await chooser.numbers(at_once) for _ in range(rounds)])


async def cpu_of_choosing(store: Store, rounds: int) -> float:
    """Milliseconds of this process's processor time for each number: what a machine that does nothing else takes."""
    chooser = Chooser(store)
    began = time.process_time()
    for _ in range(rounds):
        (facts,) = await next_facts(store, CAMPAIGN, NOON, 1, NOON - chooser.rules.looks_back)
        chooser._choose(facts)
    return round((time.process_time() - began) * 1000 / rounds, 2)


async def figures(store: Store) -> tuple[float, float]:
    """Seconds for the figures of `ivr outbound status`, and of `report`, over all targets."""
    began = time.perf_counter()
    await look(store, [CAMPAIGN])
    looked = time.perf_counter()
    coverage(await Targets(store).shares(CAMPAIGN))
    return round(looked - began, 2), round(time.perf_counter() - looked, 2)


async def naive_numbers(store: Store, rounds: int) -> dict[str, float]:
    """The same by one query that looks at everything."""
    values = {
        "campaign": CAMPAIGN,
        "now": _stored(store, NOON),
        "day": _stored(store, NOON - datetime.timedelta(days=1)),
        "week": _stored(store, NOON - datetime.timedelta(days=7)),
    }
    took = []
    async with store.engine.connect() as connection:
        if not store.is_sqlite:
            await connection.execute(sa.text("SET statement_timeout = 0"))
        for _ in range(rounds):
            began = time.perf_counter()
            found = (await connection.execute(sa.text(NAIVE), values)).one()
            took.append((time.perf_counter() - began) * 1000)
            assert found
    return spread(took)


def plan(environment: dict[str, str]) -> dict[str, Any]:
    """``ivr outbound plan`` in a process of its own."""
    began = time.perf_counter()
    words = [sys.executable, "-m", "ivr", "outbound", "plan", CAMPAIGN, "--json"]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    said = process.stdout.read().strip().splitlines()[-1]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    seconds = time.perf_counter() - began
    found = json.loads(said)
    return {
        "seconds": round(seconds, 1),
        "targets_per_second": round(found["found"] / seconds),
        "peak_rss_mib": round(usage.ru_maxrss / 1024),
        "new": found["new"],
        "waiting": found["waiting"],
        "left_out": found["left_out"],
    }


def spread(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    at = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
    return {name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) for name, share in at.items()}


def measure(url: str, rows: int, planned: int, rounds: int, place: Path) -> dict[str, Any]:
    environment = {**os.environ, "GOLDLINE_RUN_DIR": str(place), "GOLDLINE_DATABASE__URL": url}
    environment.pop("GOLDLINE_CONFIG", None)

    async def prepare() -> None:
        store = await Store.open(url)
        await store.migrate()
        await fill(store, planned)
        await store.close()

    asyncio.run(prepare())
    results: dict[str, Any] = {"plan": plan(environment), "plan again": plan(environment)}

    async def choose_all() -> None:
        store = await Store.open(url)
        await copy_the_rest(store, rows, planned)
        await tenth_day(store)
        await next_numbers(store, 20, 1)  # what a dialer has behind it after its first seconds
        results["next number"] = await next_numbers(store, rounds, 1)
        results["of twenty"] = await next_numbers(store, max(3, rounds // 20), 20)
        results["next number"]["cpu_ms"] = await cpu_of_choosing(store, rounds)
        results["status"], results["coverage"] = await figures(store)
        results["one naive query"] = await naive_numbers(store, max(3, rounds // 50))
        await store.close()

    asyncio.run(choose_all())
    return results


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--targets", type=int, default=1_000_000)
    options.add_argument("--planned", type=int, help="so many by the command, the rest copied in; default: all")
    options.add_argument("--rounds", type=int, default=500, help="numbers that are chosen")
    options.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options.add_argument("--json", type=Path, help="write the figures here as well")
    chosen = options.parse_args()
    planned = chosen.planned or chosen.targets
    results: dict[str, Any] = {"targets": chosen.targets, "planned": planned, "rounds": chosen.rounds}
    with tempfile.TemporaryDirectory() as place:
        if chosen.database in ("sqlite", "both"):
            file = Path(place) / "sqlite" / "goldline.db"
            results["sqlite"] = measure(
                f"sqlite+aiosqlite:///{file}", chosen.targets, planned, chosen.rounds, file.parent
            )
            show("sqlite", results["sqlite"])
        if chosen.database in ("postgres", "both"):
            from tests.private_postgres import PrivatePostgres

            server = PrivatePostgres()
            server.start()
            try:
                url = server.new_database()
                results["postgres"] = measure(url, chosen.targets, planned, chosen.rounds, Path(place) / "postgres")
                show("postgres", results["postgres"])
            finally:
                server.remove()
    results["load_average"] = round(os.getloadavg()[0], 1)
    line = json.dumps(results, ensure_ascii=False)
    print(line)
    if chosen.json:
        chosen.json.write_text(line + "\n", "utf-8")


def show(name: str, found: dict[str, Any]) -> None:
    print(f"{name:<10} {'seconds':>8} {'targets/s':>10} {'peak MiB':>9}")
    for step in ("plan", "plan again"):
        one = found[step]
        figures = f"{one['seconds']:>8} {one['targets_per_second']:>10} {one['peak_rss_mib']:>9}"
        print(f"{step:<10} {figures}   {one['new']:,} new")
    print(f"{'':<16} {'p50 ms':>9} {'p95 ms':>9} {'p99 ms':>9} {'CPU ms':>9}")
    for step in ("next number", "of twenty", "one naive query"):
        one = found[step]
        print(f"{step:<16} {one['p50_ms']:>9} {one['p95_ms']:>9} {one['p99_ms']:>9} {one.get('cpu_ms', ''):>9}")
    print(f"status {found['status']} s, report {found['coverage']} s")
    print(f"wanted: under {FLOOR_MS:g} ms\n", flush=True)


if __name__ == "__main__":
    main()
