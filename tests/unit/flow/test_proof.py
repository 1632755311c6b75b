"""A proof of identity that rides on a channel: ours, for this call, or none at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.proof import Proof, Seal

SEAL = Seal(b"a secret of this installation")
CALL = "goldline-1.7"


@given(st.integers(0, 10**18 - 1), st.sampled_from(["pin", "sms"]), st.text(max_size=30))
def test_what_was_sealed_for_a_call_is_read_back_in_that_call(customer: int, how: str, call: str) -> None:
    proof = Proof(customer, "pin" if how == "pin" else "sms")
    assert SEAL.read(call, SEAL.write(call, proof)) == proof


@pytest.mark.parametrize(
    "text",
    ["", "pin-7-", "pin-7", "pin-7-" + "0" * 32, "sms-7-" + "f" * 32, "pin--7-" + "0" * 32, "pin-7-" + "é" * 32],
)
def test_what_others_write_proves_nothing(text: str) -> None:
    assert SEAL.read(CALL, text) is None


def test_a_proof_holds_for_its_own_call_customer_and_installation_only() -> None:
    text = SEAL.write(CALL, Proof(7, "pin"))
    assert SEAL.read("goldline-1.8", text) is None
    assert SEAL.read(CALL, text.replace("-7-", "-8-")) is None
    assert SEAL.read(CALL, text.replace("pin", "sms")) is None
    assert Seal(b"another").read(CALL, text) is None


def test_it_holds_nothing_that_an_agi_argument_or_a_checkpoint_cannot_carry() -> None:
    assert set(SEAL.write(CALL, Proof(7, "pin"))) <= set("pinsm-0123456789abcdef")
