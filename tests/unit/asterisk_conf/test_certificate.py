"""The certificate of TLS and WSS: our own is made once and kept, a given one is taken as it is."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from ivr.asterisk.certificate import names, provide
from ivr.asterisk.errors import AsteriskError
from ivr.asterisk.layout import Layout
from ivr.config import ConfigError, Sip, load


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "run")
    layout.create()
    return layout


def described(certificate: Path) -> str:
    words = ["openssl", "x509", "-in", str(certificate), "-noout", "-text"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_our_own_is_made_once_and_says_every_name(layout: Layout) -> None:
    provide(Sip(external_address="203.0.113.5"), layout)
    made = layout.certificate.read_bytes()
    said = described(layout.certificate)
    assert "IP Address:203.0.113.5" in said
    assert "IP Address:127.0.0.1" in said
    assert "DNS:localhost" in said
    assert layout.certificate_key.stat().st_mode & 0o777 == 0o600
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(layout.certificate, layout.certificate_key)
    provide(Sip(external_address="203.0.113.5"), layout)
    assert layout.certificate.read_bytes() == made, "telephones that trust it go on doing so"


def test_a_given_one_is_taken_and_a_wrong_key_is_refused(tmp_path: Path, layout: Layout) -> None:
    other = Layout(tmp_path / "other")
    other.create()
    provide(Sip(), other)
    given = Sip(certificate=str(other.certificate), certificate_key=str(other.certificate_key))
    provide(given, layout)
    assert layout.certificate.read_bytes() == other.certificate.read_bytes()
    third = Layout(tmp_path / "third")
    third.create()
    provide(Sip(), third)
    with pytest.raises(AsteriskError, match="cannot be used"):
        provide(Sip(certificate=str(other.certificate), certificate_key=str(third.certificate_key)), layout)
    with pytest.raises(AsteriskError, match="No such file"):
        provide(Sip(certificate="/nowhere.pem", certificate_key="/nowhere.key"), layout)
    assert layout.certificate.read_bytes() == other.certificate.read_bytes(), "the good one stays"


def test_a_certificate_without_its_key_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="go together"):
        load(tmp_path / "none.toml", {}, {"sip.certificate": "/a.pem"})


def test_names_are_said_once() -> None:
    assert names(Sip(bind="127.0.0.1", external_address="hotline.example"), "box") == (
        "DNS:box",
        "DNS:localhost",
        "IP:127.0.0.1",
        "DNS:hotline.example",
    )
