"""The Debian mirror is found in both formats of apt's configuration, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.install.private_asterisk import build_words, codename, machine_mirrors
from ivr.install.sources import Mirror, debian_mirror, parse_deb822, parse_one_line

DEB822 = """\
Types: deb
# http://snapshot.debian.example/archive/20250520T000000Z
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def test_a_deb822_file_of_debian() -> None:
    found = list(parse_deb822(DEB822))
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert found == [
        Mirror("http://mirror.example/debian", "bookworm", keyring),
        Mirror("http://mirror.example/debian", "bookworm-updates", keyring),
        Mirror("http://mirror.example/debian-security", "bookworm-security", keyring),
    ]
    assert debian_mirror(found, "bookworm") == found[0]


def test_a_one_line_file() -> None:
    text = """\
# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/x.gpg] https://deb.example/debian/ trixie main contrib # ours
deb-src https://deb.example/debian trixie main
deb http://security.example/debian-security trixie-security main
  deb   http://plain.example/debian trixie main
"""
    assert list(parse_one_line(text)) == [
        Mirror("https://deb.example/debian", "trixie", "/etc/apt/keyrings/x.gpg"),
        Mirror("http://security.example/debian-security", "trixie-security"),
        Mirror("http://plain.example/debian", "trixie"),
    ]


@pytest.mark.parametrize(
    "stanza",
    [
        "Types: deb-src\nURIs: http://a/debian\nSuites: bookworm\n",
        "Enabled: no\nTypes: deb\nURIs: http://a/debian\nSuites: bookworm\n",
        "enabled: False\nTypes: deb\nURIs: http://a/debian\nSuites: bookworm\n",
    ],
)
def test_sources_that_are_off_do_not_count(stanza: str) -> None:
    assert list(parse_deb822(stanza)) == []


def test_a_key_inside_the_file_is_no_keyring() -> None:
    stanza = (
        "Types: deb\nURIs: http://a/debian\nSuites: sid\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ\n"
    )
    assert list(parse_deb822(stanza)) == [Mirror("http://a/debian", "sid")]


def test_several_suites_and_mirrors_on_lines_of_their_own() -> None:
    stanza = "Types: deb deb-src\nURIs: http://a/debian\n http://b/debian\nSuites: trixie\n trixie-updates\n"
    assert [(one.uri[7], one.suite) for one in parse_deb822(stanza)] == [
        ("a", "trixie"),
        ("a", "trixie-updates"),
        ("b", "trixie"),
        ("b", "trixie-updates"),
    ]


@pytest.mark.parametrize(
    "mirrors",
    [
        [Mirror("http://archive.example/ubuntu", "noble"), Mirror("http://archive.example/ubuntu", "noble-updates")],
        [Mirror("https://apt.vendor.example", "bookworm")],  # a vendor that names its suites as Debian does
        [Mirror("http://mirror.example/debian-security", "bookworm")],
        [Mirror("cdrom:[Debian 12]", "bookworm")],
        [],
    ],
)
def test_what_is_no_debian_mirror(mirrors: list[Mirror]) -> None:
    assert debian_mirror(mirrors, "bookworm") is None


def test_a_mirror_under_another_name_is_known_by_its_updates() -> None:
    vendor = Mirror("https://apt.vendor.example", "trixie")
    ours = Mirror("http://cache.example/deb", "trixie")
    updates = Mirror("http://cache.example/deb", "trixie-updates")
    assert debian_mirror([vendor, ours, updates], "trixie") == ours


def test_the_machines_files_are_read_in_both_formats(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/vendor.list").write_text("deb https://apt.vendor.example stable main\n")
    (tmp_path / "sources.list").write_text("deb http://one.example/debian bookworm main\n")
    assert {one.uri for one in machine_mirrors(tmp_path)} == {
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
        "https://apt.vendor.example",
        "http://one.example/debian",
    }


def test_the_release_is_read(tmp_path: Path) -> None:
    file = tmp_path / "os-release"
    file.write_text('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_CODENAME=trixie\n')
    assert codename(file) == "trixie"
    assert codename(tmp_path / "none") == ""


def test_signatures_are_checked_with_the_mirrors_own_keyring(tmp_path: Path) -> None:
    words = build_words(Mirror("http://mirror.example/debian", "bookworm", "/etc/apt/keyrings/x.gpg"), tmp_path / "new")
    assert "--keyring=/etc/apt/keyrings/x.gpg" in words
    assert words[-3:] == ["sid", str(tmp_path / "new"), "http://mirror.example/debian"]
    assert not any("AllowUnauthenticated" in word or "trusted=yes" in word for word in words)
