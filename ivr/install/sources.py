"""Where this machine's apt gets Debian from, read from its own configuration: deb822 files and one-line files.

Pure: texts in, mirrors out. sources.list(5) describes both formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mirror:
    """One archive: where it is and, when the source says so, which keyring signs it."""

    uri: str
    suite: str
    keyring: str = ""


def parse_deb822(text: str) -> Iterator[Mirror]:
    """The enabled binary sources of a ``*.sources`` file."""
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false"}:
            continue
        signed = fields.get("signed-by", "")
        keyring = signed if signed.startswith("/") and "\n" not in signed else ""  # it may also be the key itself
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Mirror(uri.rstrip("/"), suite, keyring)


def parse_one_line(text: str) -> Iterator[Mirror]:
    """The binary sources of a ``*.list`` file: ``deb [signed-by=/…] URI SUITE COMPONENT…``."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)", line)
        if match:
            signed = re.search(r"signed-by=(/\S+)", match[1] or "", re.IGNORECASE)
            yield Mirror(match[2].rstrip("/"), match[3], signed[1] if signed else "")


def debian_mirror(mirrors: Iterable[Mirror], codename: str) -> Mirror | None:
    """The mirror that carries the Debian release ``codename`` itself: it carries ``sid`` as well.

    Not the security archive, nor a vendor's that names its suites alike: a Debian mirror ends in ``/debian``, or serves
    at least the ``-updates`` suite of the same release.
    """
    known = [one for one in mirrors if re.match(r"(https?|file|copy|mirror\+\w+|tor\+https?):", one.uri)]
    updates = {one.uri for one in known if one.suite == f"{codename}-updates"}
    candidates = [one for one in known if one.suite in {codename, "sid", "unstable"} and "security" not in one.uri]
    for one in candidates:
        if one.uri.endswith("/debian"):
            return one
    for one in candidates:
        if one.uri in updates:
            return one
    return None
