"""What a flow sees of identity."""

from __future__ import annotations

import pytest

from ivr.flow.proof import Proof
from ivr.flow.service import Caller, Result, Service
from ivr.identity.services import identity_services
from ivr.speech.values import Code, Count
from tests.unit.identity.house import ACCOUNT, CODE, HOME, PIN, House

CALLER = Caller("call-1", HOME)


@pytest.fixture
def services(house: House) -> dict[str, Service]:
    return {service.name: service for service in identity_services(house.identity)}


async def call(service: Service, caller: Caller = CALLER, **digits: str) -> Result:
    assert set(digits) == set(service.inputs)
    result = await service.within_deadline(caller, {name: Code(value) for name, value in digits.items()})
    assert {name: value.kind for name, value in result.values.items()} == dict(service.exits[result.exit])
    return result


async def test_a_right_pin_hands_over_a_proof_and_no_value(services: dict[str, Service]) -> None:
    result = await call(services["identity.prove"], account=ACCOUNT, pin=PIN)
    assert result.exit == "proven"
    assert result.proof is not None
    assert result.proof.how == "pin"
    changing = services["identity.change_pin"]
    assert (await call(changing, pin="841902", again="841902")).exit == "not_proven"
    proven = Caller("call-1", HOME, customer=result.proof.customer)
    assert (await call(changing, proven, pin="841902", again="841903")).exit == "differ"
    assert (await call(changing, proven, pin="111111", again="111111")).exit == "weak"
    assert (await call(changing, proven, pin="841902", again="841902")).exit == "changed"


async def test_whoever_has_to_wait_is_told_minutes(services: dict[str, Service]) -> None:
    for _ in range(3):
        assert await call(services["identity.prove"], account=ACCOUNT, pin="730265") == Result("wrong")
    assert await call(services["identity.prove"], account=ACCOUNT, pin=PIN) == Result("wait", {"minutes": Count(5)})
    assert (await call(services["identity.send_code"], account=ACCOUNT)).values == {"minutes": Count(5)}


async def test_a_code_proves_as_a_pin_does(services: dict[str, Service]) -> None:
    assert await call(services["identity.send_code"], account=ACCOUNT) == Result("sent")
    result = await call(services["identity.prove_by_code"], account=ACCOUNT, sms_code=CODE)
    assert result.exit == "proven"
    assert isinstance(result.proof, Proof)
    assert result.proof.how == "sms"
