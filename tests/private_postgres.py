"""A PostgreSQL server of the tests' own: a scratch cluster, one loopback port, trust for that port only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import psycopg

STARTS_WITHIN = 60.0  # seconds; a loaded machine takes ten
TRIES = 5  # the port found free may be taken a moment later


class NoPostgres(Exception):
    """PostgreSQL cannot be started here."""


class PrivatePostgres:
    """One cluster. ``start`` and ``stop`` it as often as a test likes: the data stays, and so does the port."""

    def __init__(self) -> None:
        self._bin = find_binaries()
        self._account = _account()
        self.directory = Path(tempfile.mkdtemp(prefix="goldline-postgres-"))
        self.port = 0
        self._server: subprocess.Popen[bytes] | None = None
        if self._account:
            os.chown(self.directory, self._account.pw_uid, self._account.pw_gid)
        self._run("initdb", "-D", "data", "-U", "goldline", "-E", "UTF8", "--no-locale", "-A", "trust", "--no-sync")

    @property
    def running(self) -> bool:
        """The server runs."""
        return self._server is not None and self._server.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Only from the main thread: the server ends with the thread that started it, so a killed test run leaves none.
        """
        for attempt in range(TRIES):
            self.port = self.port or _free_port()
            if self._start_once():
                return
            if attempt == 0 and self._server_was_here():
                continue  # our own earlier server may have kept the port for a moment
            self.port = 0
        raise NoPostgres(f"PostgreSQL does not start; it says:\n{self.log()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT breaks off what runs, SIGQUIT is a crash."""
        if self._server:
            self._server.send_signal(how)
            self._server.wait(STARTS_WITHIN)
            self._server = None

    def remove(self) -> None:
        """Stop, and leave nothing behind.

        Without writing out first what is thrown away next: after a few hundred databases that takes ten seconds, which
        the report on slow tests ascribes to whichever test happens to be the last.
        """
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        name = f"t{uuid.uuid4().hex}"
        with self._connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        return f"postgresql+psycopg://goldline@127.0.0.1:{self.port}/{name}"

    def log(self) -> str:
        """What the server wrote."""
        file = self.directory / "log"
        return file.read_text("utf-8", "replace") if file.is_file() else ""

    def _start_once(self) -> bool:
        guard = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "fsync": "off",  # the data is thrown away; kill -9 of a process is safe all the same
            "full_page_writes": "off",
            "max_connections": "60",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.directory / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [*guard, str(self._bin / "postgres"), "-D", "data", *words],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._as_account(),
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self._server.kill()
        self._server.wait()
        self._server = None
        return False

    def _server_was_here(self) -> bool:
        return "ready to accept connections" in self.log()

    def _connect(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=goldline dbname={name} connect_timeout=2", autocommit=True
        )

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *words],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self._as_account(),
        )
        if done.returncode:
            raise NoPostgres(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _as_account(self) -> dict[str, object]:
        if not self._account:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}


def find_binaries() -> Path:
    """The directory with ``postgres`` and ``initdb``: the newest installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).parent
    raise NoPostgres(
        "PostgreSQL is not installed, and the database tests run on it too. `make test` installs it "
        "(apt-get install postgresql); GOLDLINE_TEST_WITHOUT=postgres skips these tests."
    )


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account that its package made does it then."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise NoPostgres("PostgreSQL does not run as root, and there is no account `postgres` to run it.") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
