"""Keys for each purpose, and whose tally a call is on."""

from __future__ import annotations

import pytest

from ivr.identity.keys import Digests, derived_key, pepper

KEY = b"a key of the tests"


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {derived_key(KEY, purpose) for purpose in ("seal", "pins", "callers", "accounts", "codes")}
    assert len(keys | {KEY}) == 6
    assert pepper(KEY) in keys
    assert derived_key(b"another", "pins") not in keys


@pytest.mark.parametrize("form", ["+8613800138000", "0138 0013 8000", "86-13800138000"])
def test_a_caller_id_is_one_however_it_is_written(form: str) -> None:
    assert Digests(KEY).caller(form) == Digests(KEY).caller("13800138000")


@pytest.mark.parametrize("form", ["", " ", "anonymous", "Anonymous", "UNKNOWN", "<unknown>", "restricted", "Private"])
def test_withheld_caller_ids_are_one_tally(form: str) -> None:
    assert Digests(KEY).caller(form) == Digests(KEY).caller("")
    assert Digests(KEY).caller(form).bucket == "withheld"


@pytest.mark.parametrize("form", ["1001", "agent1", "\ud800\udcff\x00", "九", "x" * 5_000])
def test_whatever_a_trunk_sends_is_somebody(form: str) -> None:
    key = Digests(KEY).caller(form)
    assert key.bucket == "caller"
    assert len(key.digest) == 64
    assert key != Digests(b"another").caller(form)


def test_a_code_is_of_its_account() -> None:
    digests = Digests(KEY)
    assert digests.code("1", "730264") != digests.code("2", "730264")
    assert digests.account("1").digest != digests.code("1", "")
