"""What a flow may ask about identity: ``identity.prove``, ``.send_code``, ``.prove_by_code``, ``.change_pin``.

Account numbers, PINs and codes come from gathers that are ``secret`` and are handed back by none of these.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from ivr.flow.proof import How, Proof
from ivr.flow.service import Caller, Result, Service
from ivr.identity.identity import Identity, Verdict
from ivr.identity.sms import GATEWAY_SECONDS
from ivr.speech.values import Code, Count, Value

# Proving takes a few milliseconds, and a queue of hashes on a bad day. Breaking off too early costs the caller a try.
PROVE_SECONDS: Final = 6.0
SEND_SECONDS: Final = GATEWAY_SECONDS + 3.0  # the gateway's own deadline comes first

WAIT: Final = {"minutes": "count"}
PROVING: Final[Mapping[str, Mapping[str, str]]] = {
    "proven": {},
    "wrong": {},
    "wait": WAIT,
    "locked": {},
    "unavailable": {},
}
SENDING: Final[Mapping[str, Mapping[str, str]]] = {"sent": {}, "off": {}, "wait": WAIT, "locked": {}, "unavailable": {}}
CHANGING: Final[Mapping[str, Mapping[str, str]]] = {
    "changed": {},
    "differ": {},
    "weak": {},
    "account_locked": {},
    "unavailable": {},
}

ACCOUNT: Final = frozenset({"account"})


def identity_services(identity: Identity) -> tuple[Service, ...]:
    """The services over one ``Identity``."""

    async def prove(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        account, pin = _digits(inputs, "account"), _digits(inputs, "pin")
        return _proven(await identity.prove_pin(caller.call_id, caller.number, account, pin), "pin")

    async def send_code(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        sent = await identity.send_code(caller.call_id, caller.number, _digits(inputs, "account"))
        return Result(sent.how, _minutes(sent.seconds) if sent.how == "wait" else {})

    async def prove_by_code(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        account, code = _digits(inputs, "account"), _digits(inputs, "sms_code")
        return _proven(await identity.prove_code(caller.call_id, caller.number, account, code), "sms")

    async def change_pin(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        pin, again = _digits(inputs, "pin"), _digits(inputs, "again")
        if not hmac.compare_digest(pin.encode(), again.encode()):
            return Result("differ")
        assert caller.customer is not None  # the engine lets nobody else come here
        return Result(await identity.change_pin(caller.call_id, caller.customer, pin))

    known = {"account": "code", "pin": "code"}
    coded = {"account": "code", "sms_code": "code"}
    chosen = {"pin": "code", "again": "code"}
    return (
        Service("identity.prove", PROVING, prove, known, PROVE_SECONDS, secret=frozenset(known)),
        Service("identity.send_code", SENDING, send_code, {"account": "code"}, SEND_SECONDS, secret=ACCOUNT),
        Service("identity.prove_by_code", PROVING, prove_by_code, coded, PROVE_SECONDS, secret=frozenset(coded)),
        Service(
            "identity.change_pin", CHANGING, change_pin, chosen, PROVE_SECONDS, proven=True, secret=frozenset(chosen)
        ),
    )


def _proven(verdict: Verdict, how: How) -> Result:
    if verdict.how == "proven":
        assert verdict.customer is not None
        return Result("proven", proof=Proof(verdict.customer, how))
    return Result(verdict.how, _minutes(verdict.seconds) if verdict.how == "wait" else {})


def _minutes(seconds: int) -> dict[str, Value]:
    return {"minutes": Count(max(1, -(-seconds // 60)))}


def _digits(inputs: Mapping[str, Value], name: str) -> str:
    value = inputs[name]
    if not isinstance(value, Code):
        raise TypeError(f"the input `{name}` is a {type(value).__name__}, not a Code")
    return value.digits
