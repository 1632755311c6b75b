"""What must be ready before the first call: the tables, the demonstration data, the voice. Each a named step.

Every step is idempotent and costs next to nothing when its work is done already.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent_routing import pause_reasons
from db import demo
from db.agents import Agents
from db.branches import Branches
from db.events import utcnow
from db.instruments import Instruments
from db.slots import Slots
from db.store import Store
from ivr import contract
from ivr.asterisk.layout import Layout
from ivr.config import Settings
from ivr.selfservice import words
from ivr.selfservice.appointments import place
from ivr.services.quotes import words as quote_words
from ivr.speech.export import export_prompts
from ivr.speech.hold_music import write_hold_music
from ivr.speech.speech import Speech
from ivr.speech.values import Code, Name
from ivr.supervise import Step
from ivr.telephones.provisioning import write_accounts

MOST_SLOTS = 1000  # slots looked at for the names of advisers


def steps(settings: Settings) -> Sequence[Step]:
    """The steps in their order."""
    return (
        Step("Database and demonstration data", lambda: _database(settings)),
        Step("Telephones of the seats", lambda: _telephones(settings)),
        Step("Voice (the first time it reads the whole catalogue aloud)", lambda: _voice(settings)),
    )


async def _database(settings: Settings) -> None:
    store = await Store.open(settings.database_url)
    try:
        await store.migrate()
        await demo.load(store)
    finally:
        await store.close()


async def _telephones(settings: Settings) -> None:
    store = await Store.open(settings.database_url)
    try:
        await write_accounts(store, Layout(settings.run_dir))
    finally:
        await store.close()


async def _voice(settings: Settings) -> None:
    layout = Layout(settings.run_dir)
    store = await Store.open(settings.database_url)
    speech = Speech.open(settings.prompts, settings.cache_dir / "speech", settings.sounds_dir, settings.speech.manner())
    await speech.start()
    try:
        names, _ = await known(store)
        await speech.warm(names)
        await export_prompts(speech.catalogue, speech.composer, contract.PROMPTS_FIXED, layout.fixed_sounds_dir)
        write_hold_music(layout.music_dir)
    finally:
        await speech.stop()
        await store.close()


async def known(store: Store) -> tuple[list[Name], list[Code]]:
    """The names and codes that callers and agents will hear of what is in the store. Raises StoreError."""
    instruments = await Instruments(store).all()
    names = [Name(instrument.names) for instrument in instruments]
    names += quote_words.ALL
    names += [*words.TIERS.values(), *words.LANGUAGES.values(), *words.STATES.values()]
    names += [Name({"zh": reason.zh, "en": reason.en}) for reason in pause_reasons.read().by_id.values()]
    branches = {branch.code: branch for branch in await Branches(store).all()}
    names += [place(branch.name_zh, branch.name_en, "", "") for branch in branches.values()]
    for slot in await Slots(store).ahead(utcnow(), most=MOST_SLOTS):
        branch = branches[slot.branch]
        names.append(place(branch.name_zh, branch.name_en, slot.adviser_zh, slot.adviser_en))
    for agent in await Agents(store).all():
        names.append(Name({language: agent.name(language) or agent.id for language in ("zh", "en")}))
    return names, [Code(instrument.code) for instrument in instruments]
