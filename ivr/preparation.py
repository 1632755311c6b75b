"""What must be ready before the first call: the tables, the demonstration data, the voice. Each a named step.

Every step is idempotent and costs next to nothing when its work is done already.
"""

from __future__ import annotations

from collections.abc import Sequence

from db import demo
from db.instruments import Instruments
from db.store import Store
from ivr import contract
from ivr.asterisk.layout import Layout
from ivr.config import Settings
from ivr.speech.export import export_prompts
from ivr.speech.hold_music import write_hold_music
from ivr.speech.speech import Speech
from ivr.speech.values import Name
from ivr.supervise import Step
from ivr.telephones.provisioning import write_accounts


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
    speech = Speech.open(settings.prompts, settings.cache_dir / "speech", settings.sounds_dir, settings.speech.engine)
    await speech.start()
    try:
        names = [Name(instrument.names) for instrument in await Instruments(store).all()]
        await speech.warm(names)
        await export_prompts(speech.catalogue, speech.composer, contract.PROMPTS_FIXED, layout.fixed_sounds_dir)
        write_hold_music(layout.music_dir)
    finally:
        await speech.stop()
        await store.close()
