"""Asterisk is brought to the accounts in the store, and kept there, without a call or another registration dropped.

What goes into the file is read by Asterisk in one piece (``module reload res_pjsip.so``): talks go on with what they
began with, accounts that did not change keep their registrations. A telephone whose account is gone, or has another
password, is also forgotten: otherwise it would be rung until its registration ends. Works over Asterisk's control
socket, so that no AMI account needs the right to change a configuration.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar, Final

import structlog

from db.errors import StoreError
from db.seat_passwords import SeatAccount, SeatPasswords
from db.store import Store
from ivr import contract
from ivr.asterisk import locate, process
from ivr.asterisk.errors import AsteriskError
from ivr.asterisk.layout import Layout
from ivr.asterisk.secrets_file import write_private
from ivr.errors import GoldlineError
from ivr.telephones.accounts_file import digests_in, outdated, text_of

LOOK_SECONDS: Final = 2.0  # between two looks at the store: one query over as many rows as there are seats
RELOAD: Final = "module reload res_pjsip.so"
RELOADED: Final = "reloaded successfully"
RESERVED: Final = frozenset((contract.ENDPOINT_SELF, contract.ENDPOINT_TRUNK, contract.ENDPOINT_SOFTPHONE))

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Console = Callable[[str], str]  # a command of Asterisk's command line; its answer. Blocking; raises AsteriskError

log = structlog.get_logger(__name__)


class NotTakenOver(GoldlineError):
    """Asterisk did not take the accounts over."""

    error_id: ClassVar[str] = "accounts-not-taken-over"


def servable(accounts: Iterable[SeatAccount]) -> tuple[SeatAccount, ...]:
    """Those that Asterisk may be given.

    An account with the name of one of Goldline's own would replace it; one with other characters, which no import lets
    in, would be read as more than a name.
    """
    return tuple(
        account
        for account in accounts
        if account.endpoint not in RESERVED and _NAME.fullmatch(account.endpoint) and _NAME.fullmatch(account.seat)
    )


async def write_accounts(store: Store, layout: Layout) -> None:
    """Write the file before Asterisk starts. Raises StoreError, OSError."""
    write_private(layout.seats_file, text_of(servable(await SeatPasswords(store).accounts())))


def console(cache_dir: Path, layout: Layout) -> Console:
    """The command line of the Asterisk that runs there, whoever started it."""

    def ask(command: str) -> str:
        return process.connect(locate.find(cache_dir), layout).cli(command)

    return ask


class Provisioning:
    """Follows the store for one running Asterisk."""

    def __init__(self, store: Store, layout: Layout, console: Console) -> None:
        self._passwords = SeatPasswords(store)
        self._file = layout.seats_file
        self._socket = layout.control_socket
        self._console = console
        self._taken: str | None = None  # the text that Asterisk has certainly read
        self._going: set[str] = set()  # endpoints whose telephones are not forgotten yet
        self._complaint = ""

    async def follow(self) -> None:
        """For ever. What fails is said once, and tried again."""
        while True:
            try:
                await self.look()
                self._complaint = ""
            except (StoreError, AsteriskError, NotTakenOver, OSError) as error:
                if str(error) != self._complaint:
                    self._complaint = str(error)
                    log.warning("the seats' telephones cannot be brought up to date", error=self._complaint)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> bool:
        """Look once; True when Asterisk had to be told something.

        Raises StoreError, AsteriskError, NotTakenOver, OSError; then what Asterisk was told last stays in force.
        """
        accounts = servable(await self._passwords.accounts())
        text = text_of(accounts)
        if text == self._taken:
            return False
        known = self._file.read_text("utf-8") if self._file.exists() else ""
        gone = self._going = self._going | outdated(digests_in(known), digests_in(text))
        if not self._socket.exists():  # Asterisk is down: it reads the file when it starts
            if known != text:
                write_private(self._file, text)
            return False
        if gone:
            # First without them: only a telephone whose account is away is forgotten entirely, its state included.
            staying = [account for account in accounts if account.endpoint not in gone]
            await asyncio.to_thread(self._tell, text_of(staying))
            await asyncio.to_thread(self._forget, gone)
        await asyncio.to_thread(self._tell, text)
        self._taken, self._going = text, set()
        log.info("seats' telephones", accounts=len(accounts), gone=sorted(gone))
        return True

    def _forget(self, gone: set[str]) -> None:
        for key in registrations(self._console("database show registrar/contact"), gone):
            self._console(f"database del registrar/contact {key}")

    def _tell(self, text: str) -> None:
        write_private(self._file, text)
        said = self._console(RELOAD)
        if RELOADED not in said:
            raise NotTakenOver(
                f"Asterisk did not read the seats' accounts: {said.strip()}", remedy="Its messages.log says why."
            )


def registrations(listed: str, endpoints: set[str]) -> list[str]:
    """Keys of the registrations of these endpoints, out of what ``database show registrar/contact`` prints. Pure."""
    keys = re.findall(r"^/registrar/contact/(\S+?)\s*:", listed, re.MULTILINE)
    return [key for key in keys if key.partition(";")[0] in endpoints]
