"""What a live Asterisk tells of dials into a whole network, read by ``ivr.dialing.seen``: every way a dial can go."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from carrier import Behaviour, Carrier, carrier, number
from conftest import RTP_STARTS, RunningAsterisk, free_ports, settings_for, start_asterisk

from ivr import contract
from ivr.ami.client import AmiClient
from ivr.dialing.early_media import EarlyMediaRecorder
from ivr.dialing.originate import ManagerDials
from ivr.dialing.seen import Answered, Began, DialFact, EarlyMedia, Failed, Gone, Rings, fact_of
from outbound.causes import Causes
from outbound.causes import read as read_causes
from outbound.outcomes import EndOfDial, Outcome, outcome_of

pytestmark = pytest.mark.asterisk

RING = 4.0  # seconds; the shortest that is worth anything here
PATIENCE = 30.0


@pytest.fixture(scope="module")
def network() -> Iterator[Carrier]:
    with carrier(free_ports(1)[0], random.randrange(*RTP_STARTS, 2)) as one:
        yield one


@pytest.fixture(scope="module")
def asterisk(network: Carrier) -> Iterator[RunningAsterisk]:
    run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))
    running = start_asterisk(settings_for(run_dir, **{"sip.trunks": [network.trunk()]}))
    yield running
    running.process.stop()
    shutil.rmtree(run_dir)


class Seen:
    """Facts by call, as they came."""

    def __init__(self) -> None:
        self.facts: defaultdict[str, list[DialFact]] = defaultdict(list)
        self.news = asyncio.Condition()

    async def follow(self, events: AmiClient, recorder: EarlyMediaRecorder) -> None:
        async for event in events.events():
            fact = fact_of(event)
            if fact is None:
                continue
            if isinstance(fact, EarlyMedia):
                recorder.begin(fact.call, fact.channel)
            async with self.news:
                self.facts[fact.call].append(fact)
                self.news.notify_all()

    async def over(self, calls: list[str]) -> None:
        async with asyncio.timeout(PATIENCE), self.news:
            await self.news.wait_for(lambda: all(self.is_over(call) for call in calls))

    def is_over(self, call: str) -> bool:
        kinds = [type(fact) for fact in self.facts[call]]
        return (Gone in kinds and (Answered in kinds or Failed in kinds)) or (Failed in kinds and Began not in kinds)

    def kinds(self, call: str) -> list[type[DialFact]]:
        return list(dict.fromkeys(type(fact) for fact in self.facts[call]))

    def end(self, call: str) -> EndOfDial:
        gone = next((fact for fact in self.facts[call] if isinstance(fact, Gone)), None)
        failed = next((fact for fact in self.facts[call] if isinstance(fact, Failed)), None)
        return EndOfDial(
            trunk="carrier",
            cause=gone.cause if gone else 0,
            sip=gone.sip if gone else 0,
            reason=failed.reason if failed else None,
            rang=Rings in self.kinds(call),
            answered=Answered in self.kinds(call),
        )


WAYS: dict[Behaviour, tuple[list[type[DialFact]], Outcome | None]] = {
    Behaviour.PERSON: ([Began, Rings, Answered, Gone], None),
    Behaviour.GLIMPSE: ([Began, Rings, Answered, Gone], "hung_up"),
    Behaviour.BUSY: ([Began, Failed, Gone], "busy"),
    Behaviour.RINGS: ([Began, Rings, Failed, Gone], "no_answer"),
    Behaviour.NO_SUCH: ([Began, Failed, Gone], "unallocated"),
    Behaviour.DECLINES: ([Began, Rings, Failed, Gone], "refused"),
    Behaviour.OVERLOADED: ([Began, Failed, Gone], "network"),
    Behaviour.NOT_THERE: ([Began, Failed, Gone], "out_of_reach"),
    Behaviour.FORBIDDEN: ([Began, Failed, Gone], "network"),
    Behaviour.SAYS_STOPPED: ([Began, EarlyMedia, Failed, Gone], None),
}


async def test_every_way_a_dial_can_go(asterisk: RunningAsterisk, network: Carrier) -> None:
    port, secrets, causes = asterisk.port("ami"), asterisk.secrets, read_causes()
    assert isinstance(causes, Causes)
    events = AmiClient(
        host="127.0.0.1",
        port=port,
        username=contract.AMI_EVENTS,
        secret=secrets.ami_events,
        wants_events="call,system,user",
    )
    actions = AmiClient(host="127.0.0.1", port=port, username=contract.AMI_ACTIONS, secret=secrets.ami_actions)
    record = AmiClient(host="127.0.0.1", port=port, username=contract.AMI_RECORDER, secret=secrets.ami_recorder)
    recorder = EarlyMediaRecorder(record, asterisk.settings.run_dir / "early")
    seen, dials = Seen(), ManagerDials(actions)
    for client in (events, actions, record):
        await client.start()
        await client.wait_connected(PATIENCE)
    following = asyncio.create_task(seen.follow(events, recorder))
    calls = {behaviour: f"attempt-{place}" for place, behaviour in enumerate(WAYS, 1)}
    numbers = {behaviour: number(behaviour, 1) for behaviour in WAYS}
    for behaviour, call in calls.items():
        variables = {contract.VAR_NUMBER: numbers[behaviour], contract.VAR_LINE: "95500"}
        await dials.dial(call, f"PJSIP/{numbers[behaviour]}@carrier", RING, "95500", variables)
    await dials.dial("attempt-99", "PJSIP/1@nowhere", RING, "95500", {})
    await seen.over([*calls.values(), "attempt-99"])
    for behaviour, (kinds, outcome) in WAYS.items():
        call = calls[behaviour]
        # OriginateResponse and Hangup come from two threads of Asterisk's: in either order
        assert set(seen.kinds(call)) == set(kinds), behaviour
        if outcome is not None:
            assert outcome_of(seen.end(call), causes) == outcome, behaviour
    assert seen.kinds("attempt-99") == [Failed]  # no such trunk: there never was a channel
    assert outcome_of(seen.end("attempt-99"), causes) == "network"
    # nobody was there to serve them: who answered was told so by the dialplan, and let go
    assert network.invited() == dict.fromkeys(numbers.values(), 1)
    assert {one.caller for one in network.record()} == {"95500"}
    sound = await recorder.take(calls[Behaviour.SAYS_STOPPED])
    assert sound is not None
    loud = np.sqrt(np.mean(sound.astype(np.float64) ** 2))
    assert 2.0 < len(sound) / 8000 < 6.0
    assert loud > 1000  # of 32,767: an announcement, and not silence
    assert not list((asterisk.settings.run_dir / "early").iterdir())
    following.cancel()
    for client in (events, actions, record):
        await client.stop()
