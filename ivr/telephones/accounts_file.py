"""The file of the seats' accounts that Asterisk reads (``asterisk-conf/pjsip_seats.conf.j2``), as text. Pure.

Read back, because it is what Asterisk was told last: which accounts changed since is found out by comparing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import jinja2

from db.seat_passwords import SeatAccount
from ivr.asterisk.render import TEMPLATES

TEMPLATE: Final = "pjsip_seats.conf.j2"
_ACCOUNT: Final = re.compile(r"^username = (\S+)\nmd5_cred = (\S+)$", re.MULTILINE)


def text_of(accounts: Iterable[SeatAccount], templates: Path = TEMPLATES) -> str:
    """The file that holds these accounts."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Asterisk's files are no HTML; ids and endpoints are checked on their way in
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE).render(telephones=list(accounts))


def digests_in(text: str) -> dict[str, str]:
    """Endpoint to digest, of every account in the file."""
    return dict(_ACCOUNT.findall(text))


def outdated(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """The endpoints whose telephones have to go: removed, or registered with a password that is no more."""
    return {endpoint for endpoint, digest in before.items() if now.get(endpoint) != digest}
