"""A guesser's siege of a live hotline: thousands of wrong PINs, from many callers, on many accounts, side by side.

Judges by three witnesses: what each caller was told, what the audit trail has, and what the limits allow in the time it
took (computed from ``ivr.identity.limits``, which say so to the hotline as well).
"""

from __future__ import annotations

import asyncio
import collections
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench.guessing_parts.caller import RawCaller
from db.customers import Customer, Customers
from db.identity_tries import Decision, IdentityTries, Tally
from db.models import AuditRow
from db.pins import Pins
from db.store import Store
from ivr.config import Settings
from ivr.identity import limits
from ivr.identity.keys import Digests, pepper
from ivr.identity.limits import ACCOUNT, CALLER, WITHHELD, Rule
from ivr.speech.speech import Speech
from ivr.speech.values import Count

GUESSES_PER_CALL = 5
AT_ONCE = 20
GUESSES_PER_ACCOUNT = 25  # far above the three that are free
GUESSES_PER_CALLER = 50
SHARE_WITHHELD = 5  # one call of so many withholds its caller ID
SHARE_UNKNOWN = 4  # one account of so many does not exist
QUOTES_PER_CALL = 10
CUSTOMERS = 2
CUSTOMER_PAUSE = 0.1  # seconds before a customer answers: without one, two of them would be a flood themselves
LOOK_SECONDS = 0.25  # between two looks at the controller's memory

ASKED = ("main_menu", "enter_account", "prove_how", "enter_pin", "account_menu", "enter_code", "after_quote")
TOLD = ("identity_wrong", "identity_locked", "identity_proven", "service_unavailable")
LONGEST_WAIT = 240  # minutes that ``identity_wait`` may name


@dataclass(frozen=True)
class Besieged:
    """Where the hotline is that is attacked."""

    settings: Settings
    identity_key: str
    controller: int  # its process id


@dataclass(frozen=True)
class Victims:
    """The accounts of a siege; ``pins`` of those that exist."""

    pins: Mapping[str, str]
    unknown: tuple[str, ...]
    callers: tuple[str, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        """All that are tried."""
        return (*self.pins, *self.unknown)


@dataclass
class Outcome:
    """What came of it."""

    seconds: float = 0.0
    told: collections.Counter[str] = field(default_factory=collections.Counter)
    checked: collections.Counter[str] = field(default_factory=collections.Counter)  # by account, from the audit trail
    checked_unknown: int = 0
    allowed_per_account: int = 0
    allowed_by_callers: int = 0
    right_while_waiting: collections.Counter[str] = field(default_factory=collections.Counter)
    right_while_locked: collections.Counter[str] = field(default_factory=collections.Counter)
    right_of_others: collections.Counter[str] = field(default_factory=collections.Counter)
    quote_waits: list[float] = field(default_factory=list)
    guess_waits: list[float] = field(default_factory=list)
    rss_before: int = 0  # KiB
    rss_most: int = 0

    @property
    def guesses(self) -> int:
        """All that were made."""
        return sum(self.told.values())

    @property
    def checks(self) -> int:
        """Those that came as far as an argon2 check."""
        return sum(self.checked.values()) + self.checked_unknown

    def faults(self, victims: Victims) -> list[str]:
        """What should not have happened."""
        found = []
        if self.told["proven"]:
            found.append(f"{self.told['proven']} wrong PINs proved somebody")
        if strange := set(self.told) - {"wrong", "wait", "locked"}:
            found.append(f"guesses ended as {sorted(strange)}")
        if (most := max(self.checked.values(), default=0)) > self.allowed_per_account:
            found.append(f"an account had {most} checks, {self.allowed_per_account} are allowed in that time")
        if self.checked_unknown > self.allowed_per_account * len(victims.unknown):
            found.append(f"{self.checked_unknown} checks of accounts that do not exist")
        if self.checks > self.allowed_by_callers:
            found.append(f"{self.checks} checks in all, the callers are allowed {self.allowed_by_callers}")
        if self.checks != self.told["wrong"]:
            found.append(f"{self.checks} checks in the audit trail, but {self.told['wrong']} callers were told `wrong`")
        for name, told, wanted in (
            ("while its account waited", self.right_while_waiting, "wait"),
            ("while its account was locked", self.right_while_locked, "locked"),
            ("of somebody who was not attacked", self.right_of_others, "proven"),
        ):
            if set(told) != {wanted}:
                found.append(f"a right PIN {name} ended as {dict(told)}, not {wanted}")
        return found


def quantile(values: Sequence[float], percent: int) -> float:
    """Of at least two values, in milliseconds."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] * 1000


class Siege:
    """One run of it. ``seed`` chooses accounts and PINs."""

    def __init__(self, besieged: Besieged, guesses: int, seed: int) -> None:
        self._besieged = besieged
        self._guesses = guesses
        self._random = random.Random(seed)
        self._prompts: dict[str, str] = {}
        self.outcome = Outcome()
        accounts = [f"88{self._random.randrange(10**12):012d}" for _ in range(max(8, guesses // GUESSES_PER_ACCOUNT))]
        unknown = len(accounts) // SHARE_UNKNOWN
        callers = [f"0{self._random.randrange(10**9, 2 * 10**9)}" for _ in range(max(4, guesses // GUESSES_PER_CALLER))]
        self.victims = Victims(
            {account: self._pin() for account in accounts[unknown:]}, tuple(accounts[:unknown]), tuple(callers)
        )
        self._bystanders = {f"89{self._random.randrange(10**12):012d}": self._pin() for _ in range(5)}
        self._locked = {f"87{self._random.randrange(10**12):012d}": self._pin() for _ in range(3)}

    async def prepare(self) -> None:
        """Customers with their PINs into the store (some seconds: each PIN is hashed), the names of the sounds."""
        settings = self._besieged.settings
        key = self._besieged.identity_key.encode()
        store = await Store.open(settings.database_url)
        pins = Pins(store, pepper(key))
        try:
            for account, pin in {**self.victims.pins, **self._bystanders, **self._locked}.items():
                await Customers(store).put(Customer(account, status="active"))
                await pins.set_pin(account, pin, actor="siege")
            # One wrong try before the lock, and long ago: reaching it by trying takes more than an hour, by the limits.
            for account in self._locked:
                tally = Tally(ACCOUNT.locks_at - 1.0, datetime.now(UTC) - timedelta(hours=2))
                await IdentityTries(store).change(
                    [Digests(key).account(account)], tally.at, lambda _, tally=tally: Decision((tally,), None)
                )
        finally:
            pins.close()
            await store.close()
        speech = Speech.open(
            settings.prompts, settings.cache_dir / "speech", settings.run_dir / "siege", settings.speech.manner()
        )
        await speech.start()
        try:
            for prompt in (*ASKED, *TOLD):
                sound = await speech.composer.compose(speech.catalogue.say(prompt, "zh", {}))
                self._prompts[Path(sound.path).name] = prompt
            for minutes in range(1, LONGEST_WAIT + 1):
                utterance = speech.catalogue.say("identity_wait", "zh", {"minutes": Count(minutes)})
                self._prompts[Path((await speech.composer.compose(utterance)).path).name] = "identity_wait"
        finally:
            await speech.stop()

    async def run(self) -> Outcome:
        """Besiege it, while others ask for prices; then try right PINs."""
        outcome = self.outcome
        outcome.rss_before = outcome.rss_most = self._resident()
        began = time.monotonic()
        customers = [asyncio.create_task(self._asks_for_prices()) for _ in range(CUSTOMERS)]
        memory = asyncio.create_task(self._watch_memory())
        try:
            await self._besiege()
        finally:
            outcome.seconds = time.monotonic() - began
            for task in (*customers, memory):
                task.cancel()
            await asyncio.gather(*customers, memory, return_exceptions=True)
        await self._read_the_trail()
        await self._right_ones()
        outcome.allowed_per_account = most_checks(ACCOUNT, outcome.seconds)
        outcome.allowed_by_callers = most_checks(WITHHELD, outcome.seconds) + len(self.victims.callers) * most_checks(
            CALLER, outcome.seconds
        )
        return outcome

    async def _besiege(self) -> None:
        accounts = self.victims.accounts
        queue = [self._random.choice(accounts) for _ in range(self._guesses)]
        calls = [queue[at : at + GUESSES_PER_CALL] for at in range(0, len(queue), GUESSES_PER_CALL)]
        waiting = iter(enumerate(calls))

        async def guess_on() -> None:
            for number, tried in waiting:
                caller = "" if number % SHARE_WITHHELD == 0 else self._random.choice(self.victims.callers)
                guesses = [(account, self._wrong(account)) for account in tried]
                told, waits = await self._tries(caller, guesses)
                self.outcome.told.update(told)
                self.outcome.guess_waits.extend(waits)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(guess_on())

    async def _tries(self, caller: str, guesses: Sequence[tuple[str, str]]) -> tuple[list[str], list[float]]:
        """One call that tries these, one after the other: how each ended, and how long each key took."""
        left = list(guesses)
        told: list[str] = []
        trying = False

        def answer(asked: str, heard: tuple[str, ...]) -> str:
            nonlocal trying
            if trying and asked in ("main_menu", "enter_account", "account_menu"):
                trying = False
                told.append(next((_ENDS[prompt] for prompt in heard if prompt in _ENDS), f"nothing known in {heard}"))
            if asked == "main_menu":
                return "3" if left else "#"
            if asked == "enter_account":
                return f"{left[0][0]}#" if left else "*"
            if asked == "prove_how":
                return "1"
            if asked == "enter_pin":
                trying = True
                return f"{left.pop(0)[1]}#"
            return "*" if asked == "account_menu" and not left else "#"

        raw = RawCaller(self._besieged.settings.ports.at("agi"), caller, self._prompts)
        await raw.call(answer)
        return told, raw.waits

    async def _asks_for_prices(self) -> None:
        """A customer who wants prices, call after call."""
        while True:
            left = QUOTES_PER_CALL

            def answer(asked: str, _: tuple[str, ...]) -> str:
                nonlocal left
                left -= asked == "enter_code"
                by_prompt = {"main_menu": "1", "enter_code": "600519#", "after_quote": "1" if left > 0 else "#"}
                return by_prompt.get(asked, "#")

            port = self._besieged.settings.ports.at("agi")
            raw = RawCaller(port, "01012345678", self._prompts, pause=CUSTOMER_PAUSE)
            await raw.call(answer)
            self.outcome.quote_waits.extend(raw.waits)

    async def _right_ones(self) -> None:
        """The right PIN, each from a telephone that nobody has tried from."""
        outcome = self.outcome
        waiting = [account for account, checks in outcome.checked.items() if checks == 3][:10]
        for account in waiting:
            told, _ = await self._tries(self._fresh_caller(), [(account, self.victims.pins[account])])
            outcome.right_while_waiting.update(told)
        for account, pin in self._locked.items():
            told, _ = await self._tries(self._fresh_caller(), [(account, self._wrong(account))])
            assert told == ["locked"], f"the sixth wrong try ended as {told}"
            told, _ = await self._tries(self._fresh_caller(), [(account, pin)])
            outcome.right_while_locked.update(told)
        for account, pin in self._bystanders.items():
            told, _ = await self._tries(self._fresh_caller(), [(account, pin)])
            outcome.right_of_others.update(told)

    async def _read_the_trail(self) -> None:
        """How many guesses came as far as a check: those are refused as ``wrong``, the others were not looked at."""
        store = await Store.open(self._besieged.settings.database_url)
        try:
            async with store.reading() as session:
                refused = sa.select(AuditRow.account, AuditRow.data).where(AuditRow.what == "identity.refused")
                rows = (await session.execute(refused)).all()
        finally:
            await store.close()
        for account, data in rows:
            if data["why"] == "wrong" and account in self.victims.pins:
                self.outcome.checked[account] += 1
            elif data["why"] == "wrong" and not account:
                self.outcome.checked_unknown += 1

    async def _watch_memory(self) -> None:
        while True:
            self.outcome.rss_most = max(self.outcome.rss_most, self._resident())
            await asyncio.sleep(LOOK_SECONDS)

    def _resident(self) -> int:
        for line in Path(f"/proc/{self._besieged.controller}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def _pin(self) -> str:
        return "".join(self._random.sample("2479", 3) + self._random.sample("0135", 3))

    def _wrong(self, account: str) -> str:
        right = {**self.victims.pins, **self._bystanders, **self._locked}.get(account)
        while (pin := self._pin()) == right:
            pass
        return pin

    def _fresh_caller(self) -> str:
        return f"03{self._random.randrange(10**9):09d}"


_ENDS = {
    "identity_wrong": "wrong",
    "identity_wait": "wait",
    "identity_locked": "locked",
    "identity_proven": "proven",
    "service_unavailable": "unavailable",
}


def most_checks(rule: Rule, seconds: float) -> int:
    """How many wrong tries the rule lets through in that time, for somebody who tries whenever it is allowed."""
    begin = datetime.fromtimestamp(0, UTC)
    tally, checks = Tally(0.0, begin), 0
    for second in range(int(seconds) + 2):
        now = begin + timedelta(seconds=second)
        while limits.standing(rule, tally, now).free:
            tally = limits.counted(rule, tally, now)
            checks += 1
            if checks > 1_000_000:
                raise AssertionError("the rule limits nothing")
    return checks
