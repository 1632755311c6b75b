"""Proving who a caller is, within the limits, with a trail that an auditor can read.

An account that does not exist is treated as one that does, step by step: the same tallies, the same look-ups, the same
hash, the same answers. Nobody is proven whose proof could not be written down.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import structlog

from db.account_locks import AccountLocked
from db.audit import Audit, AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.identity_codes import IdentityCodes, IssuedCode, Moments
from db.identity_customers import Identified, IdentityCustomers
from db.identity_tries import Decision, IdentityTries, Tally, TryKey
from db.pins import PinRefused, Pins
from db.store import Store
from db.tier_changes import NoSuchCustomer
from ivr.flow.proof import How
from ivr.identity import limits
from ivr.identity.keys import Digests
from ivr.identity.limits import ACCOUNT, CALLER, WITHHELD, Rule, Standing
from ivr.identity.sms import SmsFailed, SmsSender, takes_texts

log = structlog.get_logger(__name__)

CODE_DIGITS: Final = 6
MAY_NOT_PROVE: Final = frozenset(("closed", "lost"))  # statuses of customers who are customers no more
# Attempts worked on at once, the others wait their turn: a flood of guesses must leave the store's connections (15) and
# its one writer (SQLite) to everybody else.
AT_ONCE: Final = 3
PRUNE_EVERY: Final = timedelta(hours=1)  # often enough that a flood of guesses leaves no full disk


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt to prove an identity ended.

    ``proven`` names the ``customer`` (the store's own number); ``wait``: nothing was checked, come back after
    ``seconds``; ``locked``: an agent has to open the account; ``unavailable``: the store is away.
    """

    how: Literal["proven", "wrong", "wait", "locked", "unavailable"]
    seconds: int = 0
    customer: int | None = None


@dataclass(frozen=True, slots=True)
class SentCode:
    """How asking for a code ended. ``sent`` says nothing of whether there is such an account."""

    how: Literal["sent", "off", "wait", "locked", "unavailable"]
    seconds: int = 0


PinChange = Literal["changed", "weak", "account_locked", "unavailable"]


def random_code() -> str:
    """A one-time code that nobody foresees."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


class Identity:
    """Proofs of identity over one store. ``key`` is the installation's secret; ``sms`` None: codes are off.

    Its methods raise nothing of the store's: what cannot be looked up is ``unavailable``.
    """

    def __init__(
        self,
        store: Store,
        pins: Pins,
        key: bytes,
        now: Callable[[], datetime] = utcnow,
        *,
        sms: SmsSender | None = None,
        brokerage: str = "Goldline",
        new_code: Callable[[], str] = random_code,
    ) -> None:
        self._pins = pins
        self._digests = Digests(key)
        self._now = now
        self._sms = sms
        self._brokerage = brokerage
        self._new_code = new_code
        self._customers = IdentityCustomers(store)
        self._tries = IdentityTries(store)
        self._codes = IdentityCodes(store)
        self._audit = Audit(store)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._pruned_at: datetime | None = None
        self._last_text = (0.0, True)  # how long the gateway last took, in seconds, and whether it took the text

    async def prove_pin(self, call: str, caller_number: str, account: str, pin: str) -> Verdict:
        """Whether the caller knows the account's PIN."""

        async def right(_: Identified | None) -> bool:
            return await self._pins.check_pin(account, pin)

        return await self._prove(call, caller_number, account, "pin", right)

    async def prove_code(self, call: str, caller_number: str, account: str, code: str) -> Verdict:
        """Whether the caller has the code that was sent last. A right one is used up."""
        key = self._digests.account(account).digest

        async def right(customer: Identified | None) -> bool:
            sent_to = await self._codes.redeem(key, self._digests.code(account, code), self._now())
            return customer is not None and sent_to == customer.id

        return await self._prove(call, caller_number, account, "sms", right)

    async def send_code(self, call: str, caller_number: str, account: str) -> SentCode:
        """Send a one-time code to the customer's mobile.

        A text that the gateway did not take counts as sent all the same, for it may have been.
        """
        if self._sms is None:
            return SentCode("off")
        try:
            return await self._send_code(self._sms, call, caller_number, account)
        except StoreError as error:
            log.warning("no code can be sent: the store is away", call=call, error=error.error_id)
            return SentCode("unavailable")

    async def change_pin(self, call: str, customer: int, pin: str) -> PinChange:
        """Give a customer who has proven who they are a new PIN, unless it is one that is guessed at once."""
        try:
            await self._pins.change_pin(customer, pin, actor=call)
        except PinRefused:
            return "weak"
        except AccountLocked:
            return "account_locked"
        except StoreError as error:
            log.warning("a PIN cannot be changed: the store is away", call=call, error=error.error_id)
            return "unavailable"
        return "changed"

    async def standing_of_account(self, account: str) -> Standing:
        """What is held against an account. Raises StoreError."""
        return await self._standing(self._digests.account(account))

    async def standing_of_caller(self, number: str) -> Standing:
        """What is held against a caller ID; an empty one: against all who withhold theirs. Raises StoreError."""
        return await self._standing(self._digests.caller(number))

    async def unlock(self, account: str, *, actor: str, why: str) -> int:
        """Hold nothing against the account any more; gives how many tries were. Raises NoSuchCustomer, StoreError.

        Only an agent's decision: that is why it wants a name and a reason.
        """
        now = self._now()
        if await self._customers.by_account(account) is None:
            raise NoSuchCustomer(account)

        def forget(held: tuple[Tally, ...]) -> Decision[int]:
            tries = limits.standing(ACCOUNT, held[0], now).tries
            entry = AuditEntry(actor, "identity.unlocked", account, {"tries": tries, "why": why}, now)
            return Decision((limits.account_after_right(held[0], now),), tries, (entry,))

        return await self._tries.change([self._digests.account(account)], now, forget)

    # --- proving ------------------------------------------------------------------------------------------------------

    async def _prove(
        self,
        call: str,
        caller_number: str,
        account: str,
        how: How,
        right: Callable[[Identified | None], Awaitable[bool]],
    ) -> Verdict:
        keys = (self._digests.caller(caller_number), self._digests.account(account))
        try:
            async with self._turns:
                await self._prune()
                customer = await self._customers.by_account(account)
                refused = await self._reserve(call, customer, how, keys)
                if refused is not None:
                    return refused
                is_right = await right(customer)
                if customer is None or customer.status in MAY_NOT_PROVE or not is_right:
                    return await self._wrong(call, customer, how, keys)
                return await self._right(call, customer, how, keys)
        except StoreError as error:
            log.warning("nobody can be proven: the store is away", call=call, error=error.error_id)
            return Verdict("unavailable")

    async def _reserve(
        self, call: str, customer: Identified | None, how: How, keys: tuple[TryKey, TryKey]
    ) -> Verdict | None:
        """Count the try as wrong before it is looked at; a verdict when it may not be made at all."""
        now = self._now()

        def count(held: tuple[Tally, ...]) -> Decision[Verdict | None]:
            caller, account = (limits.standing(_rule(key), tally, now) for key, tally in zip(keys, held, strict=True))
            if caller.free and account.free:
                counted = tuple(limits.counted(_rule(key), tally, now) for key, tally in zip(keys, held, strict=True))
                return Decision(counted, None)
            # The caller's wait first: who has to wait anyhow is not told how the account stands.
            verdict = Verdict("locked")
            if wait := (caller.wait if not caller.free else account.wait):
                verdict = Verdict("wait", _seconds(wait))
            return Decision(held, verdict, (_refused(call, customer, how, verdict.how, now),))

        return await self._tries.change(keys, now, count)

    async def _wrong(self, call: str, customer: Identified | None, how: How, keys: tuple[TryKey, TryKey]) -> Verdict:
        now = self._now()

        def note(held: tuple[Tally, ...]) -> Decision[Verdict]:
            locked = limits.standing(ACCOUNT, held[1], now).locked
            entries = [_refused(call, customer, how, "wrong", now)]
            if locked:
                entries.append(AuditEntry(call, "identity.locked", _named(customer), {"how": how}, now))
            return Decision(held, Verdict("locked" if locked else "wrong"), tuple(entries))

        return await self._tries.change(keys, now, note)

    async def _right(self, call: str, customer: Identified, how: How, keys: tuple[TryKey, TryKey]) -> Verdict:
        now = self._now()

        def forgive(held: tuple[Tally, ...]) -> Decision[Verdict]:
            tallies = (
                limits.caller_after_right(_rule(keys[0]), held[0], now),
                limits.account_after_right(held[1], now),
            )
            entry = AuditEntry(call, "identity.proven", customer.account, {"how": how}, now)
            return Decision(tallies, Verdict("proven", customer=customer.id), (entry,))

        return await self._tries.change(keys, now, forgive)

    async def _standing(self, key: TryKey) -> Standing:
        tally = await self._tries.read(key)
        return Standing(0) if tally is None else limits.standing(_rule(key), tally, self._now())

    async def _prune(self) -> None:
        now = self._now()
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = now
            await self._tries.prune(now - limits.TALLY_KEPT, ACCOUNT.locks_at)
            await self._codes.prune(now - limits.CODE_KEPT)

    # --- codes --------------------------------------------------------------------------------------------------------

    async def _send_code(self, sms: SmsSender, call: str, caller_number: str, account: str) -> SentCode:
        now = self._now()
        await self._prune()
        caller_key, account_key = self._digests.caller(caller_number), self._digests.account(account)
        customer = await self._customers.by_account(account)
        for key in (caller_key, account_key):
            standing = await self._standing(key)
            if not standing.free:
                how: Literal["locked", "wait"] = "locked" if standing.locked else "wait"
                await self._note(call, customer, "identity.code_refused", {"why": how}, now)
                return SentCode(how, _seconds(standing.wait))
        phone = _mobile(customer)
        code = self._new_code()
        issued = IssuedCode(
            account=account_key.digest,
            caller=caller_key.digest,
            customer=customer.id if customer and phone else None,
            digest=self._digests.code(account, code),
            sent_at=now,
            expires_at=now + limits.CODE_LASTS,
        )
        per_caller = limits.CODES_WITHHELD if caller_key.bucket == "withheld" else limits.CODES_PER_CALLER

        def allowed(of_account: Moments, of_caller: Moments) -> timedelta:
            return max(
                limits.wait_for_code(of_account, limits.CODES_PER_ACCOUNT, now),
                limits.wait_for_code(of_caller, per_caller, now),
            )

        wait = await self._codes.issue(issued, now - limits.CODE_WINDOW, allowed)
        if wait > limits.NOTHING:
            await self._note(call, customer, "identity.code_refused", {"why": "wait"}, now)
            return SentCode("wait", _seconds(wait))
        sent = await self._text(sms, call, customer, phone, code)
        what = "identity.code_sent" if sent and phone else "identity.code_failed"
        await self._note(call, customer, what, {} if phone else {"why": "no mobile"}, now)
        return SentCode("sent" if sent else "unavailable")

    async def _text(self, sms: SmsSender, call: str, customer: Identified | None, phone: str, code: str) -> bool:
        if customer is None or not phone:
            seconds, taken = self._last_text  # as long, and as well, as it went for the last one who was sent a text
            await asyncio.sleep(seconds)
            return taken
        began = time.monotonic()
        try:
            await sms.send(phone, _words(customer.language, self._brokerage, code))
            taken = True
        except SmsFailed as error:
            log.warning("a code was not sent", call=call, error=str(error))
            taken = False
        self._last_text = (time.monotonic() - began, taken)
        return taken

    async def _note(
        self, call: str, customer: Identified | None, what: str, data: dict[str, str], now: datetime
    ) -> None:
        await self._audit.append(AuditEntry(call, what, _named(customer), data, now))


def _rule(key: TryKey) -> Rule:
    return {"account": ACCOUNT, "caller": CALLER, "withheld": WITHHELD}[key.bucket]


def _seconds(wait: timedelta) -> int:
    return math.ceil(wait.total_seconds())


def _named(customer: Identified | None) -> str:
    return customer.account if customer else ""


def _refused(call: str, customer: Identified | None, how: How, why: str, now: datetime) -> AuditEntry:
    return AuditEntry(call, "identity.refused", _named(customer), {"how": how, "why": why}, now)


def _mobile(customer: Identified | None) -> str:
    """Where the customer's texts go: the first good mobile; empty when there is none, or they are no customer now."""
    if customer is None or customer.status in MAY_NOT_PROVE:
        return ""
    return next((phone for phone in customer.phones if takes_texts(phone)), "")


def _words(language: str, brokerage: str, code: str) -> str:
    """The text: who sends it and what for, never the account. Operators in China want the sender so: 【name】."""
    minutes = int(limits.CODE_LASTS.total_seconds() // 60)
    if language == "en":
        return (
            f"[{brokerage}] Your code for the hotline is {code}, good for {minutes} minutes. Never tell it to anyone."
        )
    return f"【{brokerage}】您的热线验证码是{code}，{minutes}分钟内有效。请勿告诉任何人。"
