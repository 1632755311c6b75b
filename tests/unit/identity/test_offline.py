"""The demonstration's first customer proves who they are with no network, as tests beside flows do."""

from __future__ import annotations

from ivr.flow.service import Caller
from ivr.services.offline import A_TRADING_MORNING, PROVABLE_ACCOUNT, PROVABLE_PIN, SMS_CODE, offline_services
from ivr.speech.values import Code

CALLER = Caller("call-1", "13800138000")


async def test_by_pin_and_by_code() -> None:
    services = await offline_services(lambda: A_TRADING_MORNING)
    account = {"account": Code(PROVABLE_ACCOUNT)}
    wrong = await services["identity.prove"].run(CALLER, {**account, "pin": Code("999999")})
    right = await services["identity.prove"].run(CALLER, {**account, "pin": Code(PROVABLE_PIN)})
    assert (wrong.exit, right.exit) == ("wrong", "proven")
    assert (await services["identity.send_code"].run(CALLER, account)).exit == "sent"
    by_code = await services["identity.prove_by_code"].run(CALLER, {**account, "sms_code": Code(SMS_CODE)})
    assert by_code.exit == "proven"
    assert by_code.proof is not None
    assert right.proof is not None
    assert by_code.proof.customer == right.proof.customer
