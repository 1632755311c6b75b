"""The passwords of this installation: made once, kept in ``secrets.toml`` (0600) in the run directory.

It must not know who uses them. Nothing here prints a secret.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ivr.asterisk.errors import AsteriskError

SECRET_BYTES = 24  # 192 bits: beyond any guessing, and short enough to type into a softphone
NAME_BYTES = 4  # tells installations apart; not a secret


@dataclass(frozen=True, slots=True)
class Secrets:
    """One value per account. ``repr`` shows none of them."""

    system_name: str  # part of every Uniqueid: not a secret, but made once and kept like one
    softphone: str = field(repr=False)
    self_call: str = field(repr=False)
    ami_events: str = field(repr=False)
    ami_actions: str = field(repr=False)
    ami_monitor: str = field(repr=False)
    ami_recorder: str = field(repr=False)
    http_token: str = field(repr=False)  # for the controller's live journal
    identity_key: str = field(repr=False)  # seals proofs of identity and peppers PINs: losing it voids every PIN


def _fresh(name: str) -> str:
    return f"goldline-{secrets.token_hex(NAME_BYTES)}" if name == "system_name" else secrets.token_urlsafe(SECRET_BYTES)


def load(file: Path) -> Secrets:
    """The secrets that stand in ``file``. Raises AsteriskError when it is missing, broken or lacks one."""
    remedy = "Run `ivr run` once: it makes what is missing. To have all of them made anew, delete the file first."
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise AsteriskError(f"There is no {file}.", remedy=remedy) from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AsteriskError(f"{file} cannot be read: {error}.", remedy=remedy) from error
    names = [one.name for one in dataclasses.fields(Secrets)]
    missing = [name for name in names if not (isinstance(table.get(name), str) and table[name])]
    if missing:
        raise AsteriskError(f"{file} lacks {', '.join(missing)}.", remedy=remedy)
    return Secrets(**{name: table[name] for name in names})


def load_or_create(file: Path) -> Secrets:
    """The same, after making those that are missing. What is there is never changed.

    Raises AsteriskError when the file is not TOML: it may hold the only copy of passwords that phones were given.
    """
    table: dict[str, object] = {}
    if file.exists():
        try:
            table = tomllib.loads(file.read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise AsteriskError(
                f"{file} cannot be read: {error}.", remedy="Mend it, or delete it to have new passwords made."
            ) from error
    names = [one.name for one in dataclasses.fields(Secrets)]
    if any(not table.get(name) for name in names):
        kept = {name: str(table.get(name) or _fresh(name)) for name in names}
        write_private(file, "".join(f'{name} = "{value}"\n' for name, value in kept.items()))
    file.chmod(0o600)
    return load(file)


def write_private(file: Path, text: str) -> None:
    """Put ``text`` into ``file`` in one step, readable by the owner only. Raises OSError, and then changes nothing."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
