"""Where Asterisk's files stand in the run directory. Pure, but for ``create``.

The sandbox shows the run directory under the same path inside and outside, so one path serves both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ivr.asterisk.errors import AsteriskError

# sockaddr_un.sun_path holds 108 bytes, the last of them NUL (unix(7)).
SOCKET_PATH_BYTES = 107
# Characters that mean something in Asterisk's configuration files or in dialplan arguments.
FORBIDDEN_IN_PATHS = frozenset("\n\r\t;,&|$\"'\\[]{}()<>=#`*?! ")


@dataclass(frozen=True, slots=True)
class Layout:
    """The places below one run directory."""

    run_dir: Path

    @property
    def secrets_file(self) -> Path:
        """Passwords, made once."""
        return self.run_dir / "secrets.toml"

    @property
    def asterisk_dir(self) -> Path:
        """Everything that only Asterisk uses."""
        return self.run_dir / "asterisk"

    @property
    def etc_dir(self) -> Path:
        """The rendered configuration."""
        return self.asterisk_dir / "etc"

    @property
    def main_file(self) -> Path:
        """What ``asterisk -C`` is given."""
        return self.etc_dir / "asterisk.conf"

    @property
    def seats_file(self) -> Path:
        """The accounts of the seats' telephones: written whenever the store says other ones (``ivr.telephones``)."""
        return self.etc_dir / "pjsip_seats.conf"

    @property
    def certificate(self) -> Path:
        """The certificate that telephones see over TLS and WSS."""
        return self.asterisk_dir / "tls" / "certificate.pem"

    @property
    def certificate_key(self) -> Path:
        """Its key."""
        return self.asterisk_dir / "tls" / "key.pem"

    @property
    def var_dir(self) -> Path:
        """Its own database (registrations) and spool."""
        return self.asterisk_dir / "var"

    @property
    def control_socket(self) -> Path:
        """The socket of its command line."""
        return self.asterisk_dir / "asterisk.ctl"

    @property
    def system_dir(self) -> Path:
        """The few files of ``/etc`` that it sees in its sandbox."""
        return self.asterisk_dir / "system"

    @property
    def log_dir(self) -> Path:
        """Its logs and call records."""
        return self.run_dir / "log" / "asterisk"

    @property
    def messages_log(self) -> Path:
        """Notices, warnings and errors."""
        return self.log_dir / "messages.log"

    @property
    def security_log(self) -> Path:
        """Who tried to get in."""
        return self.log_dir / "security.log"

    @property
    def console_log(self) -> Path:
        """What it prints before its logger is up."""
        return self.log_dir / "console.log"

    @property
    def call_records(self) -> Path:
        """One CSV line for each call that the controller could not keep (cdr_csv)."""
        return self.log_dir / "cdr-csv" / "Master.csv"

    @property
    def queue_log(self) -> Path:
        """What happened in Asterisk's own queue while there was no controller."""
        return self.log_dir / "queue_log"

    @property
    def music_dir(self) -> Path:
        """Music on hold."""
        return self.run_dir / "sounds" / "music"

    @property
    def beep(self) -> Path:
        """The sound that opens a recording, without extension."""
        return self.run_dir / "sounds" / "beep"

    @property
    def fixed_sounds_dir(self) -> Path:
        """``<language>/<prompt id>.alaw``: what Asterisk itself plays when there is no controller."""
        return self.run_dir / "sounds" / "fixed"

    @property
    def recordings_dir(self) -> Path:
        """What MixMonitor writes, and what callers say after the beep."""
        return self.run_dir / "recordings"

    @property
    def talks_dir(self) -> Path:
        """Talks between callers and agents."""
        return self.recordings_dir / "talks"

    def check(self) -> None:
        """Raises AsteriskError when Asterisk could not work with this path."""
        path = str(self.run_dir)
        remedy = "Choose another run directory: GOLDLINE_RUN_DIR=/some/short/path, or run_dir in goldline.toml."
        if not self.run_dir.is_absolute():
            raise AsteriskError(f"The run directory {path!r} is not an absolute path.", remedy=remedy)
        if bad := sorted(FORBIDDEN_IN_PATHS & set(path)):
            raise AsteriskError(
                f"The run directory {path!r} holds {' '.join(map(repr, bad))}, which Asterisk's files cannot carry.",
                remedy=remedy,
            )
        length = len(str(self.control_socket).encode())
        if length > SOCKET_PATH_BYTES:
            raise AsteriskError(
                f"The path of Asterisk's control socket, {self.control_socket}, is {length} bytes long;"
                f" a socket's path may have {SOCKET_PATH_BYTES} (unix(7)).",
                remedy=remedy,
            )

    def create(self) -> None:
        """Make the directories, for the owner only. Raises AsteriskError as ``check`` does, and OSError."""
        self.check()
        for directory in (
            self.run_dir,
            self.asterisk_dir,
            self.etc_dir,
            self.certificate.parent,
            self.var_dir,
            self.var_dir / "spool",
            self.var_dir / "keys",  # res_crypto looks there, and complains when there is nothing to look into
            self.system_dir,
            self.log_dir.parent,
            self.log_dir,
            self.log_dir / "cdr-csv",
            self.run_dir / "sounds",
            self.music_dir,
            self.fixed_sounds_dir,
            self.recordings_dir,
            self.talks_dir,
        ):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
