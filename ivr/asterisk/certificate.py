"""The certificate that telephones see over TLS and WSS: the one that the settings name, or one that we make ourselves.

One of our own is made once, by OpenSSL, and kept: telephones that were told to trust it go on doing so. It must not
know who serves it.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from ivr.asterisk.errors import AsteriskError
from ivr.asterisk.layout import Layout
from ivr.asterisk.secrets_file import write_private
from ivr.config import Sip

LASTS_DAYS: Final = 3650  # nobody renews by hand what telephones trust one by one; who wants less brings a certificate
COMMON_NAME: Final = "Goldline"
OPENSSL_SECONDS: Final = 30.0  # an elliptic key takes no time; a machine that is short of it gets some


def provide(sip: Sip, layout: Layout) -> None:
    """Put certificate and key in place for one start of Asterisk.

    Given ones are copied, so that Asterisk in its sandbox can read them and nothing beside them. Raises AsteriskError
    when they do not fit together or OpenSSL is missing.
    """
    if sip.certificate:
        _copy(Path(sip.certificate), Path(sip.certificate_key), layout)
    elif not (layout.certificate.exists() and layout.certificate_key.exists()):
        _make(sip, layout)


def names(sip: Sip, host: str) -> tuple[str, ...]:
    """Under which names and addresses telephones may know us, as OpenSSL wants them said."""
    known = [host, "localhost", "127.0.0.1", sip.external_address]
    known += [address for address in (sip.bind, sip.browser_bind) if address != "0.0.0.0"]  # noqa: S104 - compared
    return tuple(dict.fromkeys(f"{_kind(name)}:{name}" for name in known if name))


def _kind(name: str) -> str:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "DNS"
    return "IP"


def _copy(certificate: Path, key: Path, layout: Layout) -> None:
    remedy = "Look at sip.certificate and sip.certificate_key: PEM files, the key without a password."
    try:
        # The empty password refuses a locked key at once, instead of asking at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        texts = certificate.read_text("ascii"), key.read_text("ascii")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise AsteriskError(
            f"The certificate {certificate} with {key} cannot be used: {error}.", remedy=remedy
        ) from error
    write_private(layout.certificate, texts[0])
    write_private(layout.certificate_key, texts[1])


def _make(sip: Sip, layout: Layout) -> None:
    program = shutil.which("openssl")
    if not program:
        raise AsteriskError("There is no openssl.", remedy="Install the package openssl, or set sip.certificate.")
    with tempfile.TemporaryDirectory(dir=layout.certificate.parent) as place:
        certificate, key = Path(place) / "certificate", Path(place) / "key"
        words = [
            *(program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"),
            *("-subj", f"/CN={COMMON_NAME}", "-addext", f"subjectAltName={','.join(names(sip, _host()))}"),
            *("-days", str(LASTS_DAYS), "-keyout", str(key), "-out", str(certificate)),
        ]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, errors="replace", timeout=OPENSSL_SECONDS, check=False
            )
            if done.returncode:
                raise AsteriskError(
                    f"openssl made no certificate: {done.stderr.strip()}.", remedy="Set sip.certificate."
                )
            write_private(layout.certificate_key, key.read_text("ascii"))
            write_private(layout.certificate, certificate.read_text("ascii"))
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AsteriskError(f"openssl made no certificate: {error}.", remedy="Set sip.certificate.") from error


def _host() -> str:
    name = socket.gethostname()
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else os.uname().sysname.lower()
