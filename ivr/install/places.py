"""The one setting that an installation needs before ``ivr.config`` can be imported: where the cache is.

``tests/unit/install`` keeps it in step with ``ivr.config.Settings.cache_dir``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ivr.install.errors import InstallError

CHECKOUT = Path(__file__).resolve().parents[2]
VENV = CHECKOUT / ".venv"


def cache_dir(environment: Mapping[str, str] = os.environ, checkout: Path = CHECKOUT) -> Path:
    """Where a private Asterisk stands. Raises InstallError when goldline.toml cannot be read."""
    if named := environment.get("GOLDLINE_CACHE_DIR"):
        return Path(named)
    file = Path(environment.get("GOLDLINE_CONFIG") or checkout / "goldline.toml")
    if file.is_file():
        try:
            value = tomllib.loads(file.read_text("utf-8")).get("cache_dir")
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InstallError(f"{file} cannot be read: {error}.", remedy="Mend it.") from error
        if isinstance(value, str):
            return Path(value)
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goldline"
