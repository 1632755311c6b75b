"""PINs are guessed on a live hotline, and the limits hold: a thousand guesses over AGI, thirty by telephone.

Both at the same time. ``bench/guessing.py`` makes ten thousand, and tells the figures.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from conftest import RunningAsterisk
from hotline import Hotline, Journal, Together, Voice
from known_customers import Conversation, Known, KnownCustomers, acts, own_hotline, running_with, strong_pin
from sipp import PATIENCE

from bench.guessing_parts.siege import Besieged, Siege, quantile

pytestmark = pytest.mark.asterisk

known = KnownCustomers()
together = Together()
told = together.fixture()

GUESSES = 1_000
MOST_GROWTH_KIB = 80 * 1024  # two hashes at once have 38 MiB
VICTIMS = tuple(known.one() for _ in range(3))
TELEPHONES, GUESSES_EACH = 6, 5
FREE = 3  # wrong tries on an account before the first wait, of five minutes (docs/identity.md)


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    """A controller with the real limits."""
    with running_with(own_hotline(asterisk, "guessing"), known) as one:
        yield one


@together
async def test_a_thousand_guesses_over_agi_come_to_nothing(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    assert hotline.process
    besieged = Besieged(hotline.settings, hotline.asterisk.secrets.identity_key, hotline.process.pid)
    siege = Siege(besieged, GUESSES, seed=7)
    await siege.prepare()
    outcome = await siege.run()
    assert outcome.guesses == GUESSES
    assert outcome.faults(siege.victims) == []
    assert outcome.rss_most - outcome.rss_before < MOST_GROWTH_KIB
    log = hotline.output.read_text("utf-8")
    assert not [account for account in siege.victims.accounts if account in log]
    print(  # noqa: T201  # told, not judged: the machine has other work
        f"{outcome.guesses} guesses in {outcome.seconds:.0f} s, {outcome.checks} of them checked; "
        f"others' keys: p99 {quantile(outcome.quote_waits, 99):.1f} ms"
    )


@together
async def test_thirty_guesses_by_telephone_come_to_nothing(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    ends: Counter[str] = Counter()

    async def guesses(number: int) -> None:
        async with hotline.dialled() as phone:
            talk = await Conversation.of(phone, journal, voice)
            await phone.hears_more(0.1)
            phone.press("3")
            for guess in range(GUESSES_EACH):
                await talk.call.until_said("enter_account")
                end = await guessed(talk, VICTIMS[(number + guess) % len(VICTIMS)])
                ends[end] += 1
                if end == "wait" and guess < GUESSES_EACH - 1:
                    await talk.hears("main_menu")
                    phone.press("3")
            await talk.hangs_up()

    await asyncio.gather(*(guesses(number) for number in range(TELEPHONES)))
    assert ends == {"wrong": FREE * len(VICTIMS), "wait": TELEPHONES * GUESSES_EACH - FREE * len(VICTIMS)}
    async with hotline.dialled() as phone:  # the right one, from a telephone that nobody has tried from
        talk = await Conversation.of(phone, journal, voice)
        await phone.hears_more(0.1)
        phone.press(f"3{VICTIMS[0].account}#1{VICTIMS[0].pin}#")
        await talk.hears("identity_wait")
        await talk.hangs_up()
    for victim in VICTIMS:
        whats = {what for _, what in await acts(journal, victim)}
        assert whats == {"identity.refused"}


async def guessed(talk: Conversation, victim: Known) -> str:
    """One wrong PIN on this account: how the hotline took it, from the journal."""
    before = len(await answers(talk))
    talk.phone.press(f"{victim.account}#1{wrong(victim)}#")
    async with asyncio.timeout(PATIENCE):
        while len(now := await answers(talk)) == before:
            await talk.call.journal.something()
    return now[-1]


async def answers(talk: Conversation) -> list[str]:
    """How this call's tries ended, as the live feed has it."""
    return [
        one["data"]["exit"]
        for one in talk.call.journal.fed
        if one["call"] == talk.call.id and one["kind"] == "service" and one["data"]["name"] == "identity.prove"
    ]


def wrong(victim: Known) -> str:
    """A PIN that is not this customer's."""
    while (pin := strong_pin()) == victim.pin:
        pass
    return pin
