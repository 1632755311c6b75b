"""The natural voice itself, where the extra ``voice`` is installed; without it, that it says what is missing."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from ivr.speech.audio import shaping
from ivr.speech.engines.kokoro import model
from ivr.speech.engines.kokoro.engine import VOICES_FOLDER, KokoroEngine
from ivr.speech.engines.kokoro.voices import VOICES
from ivr.speech.errors import EngineFailed

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goldline" / "speech"
there = pytest.mark.skipif(
    not model.installed()
    or not all((CACHE / VOICES_FOLDER / f"{voice.name}.bin").exists() for voice in VOICES.values()),
    reason="needs the extra voice, and its voices fetched once: ivr prompts build",
)


@pytest.fixture
async def engine() -> AsyncIterator[KokoroEngine]:
    engine = KokoroEngine(CACHE)
    await engine.start()
    yield engine
    await engine.stop()
    assert engine.pids == []


@there
async def test_it_says_both_languages_as_loud_as_everything_else_and_twice_the_same(engine: KokoroEngine) -> None:
    (pid,) = engine.pids
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    for language, words, shortest, longest in [
        ("zh", "欢迎致电金线证券服务热线", 2.0, 5.0),
        ("zh", "请按一。For English, press two", 2.0, 5.0),
        ("en", "Welcome to the Goldline Securities hotline", 1.5, 4.5),
        ("zh", "零", 0.15, 0.8),
    ]:
        rendered = await engine.render(language, words)
        assert rendered.engine == engine.identity
        assert rendered.clip.whole
        assert shortest < rendered.clip.seconds < longest, words
        wide = np.frombuffer(rendered.clip.sln16, "<i2").astype(np.float32) / 2**15
        assert shaping.level_dbfs(wide, 16000) == pytest.approx(shaping.TARGET_DBFS, abs=3), words
        assert np.abs(wide).max() <= shaping.CEILING + 0.001
    assert (await engine.render("zh", "零")).clip == rendered.clip


async def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MODEL_PARTS", ("no_such_part",))
    with pytest.raises(EngineFailed) as caught:
        await KokoroEngine(tmp_path).start()
    assert "voice" in caught.value.remedy


def test_without_npm_it_says_which_files_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EngineFailed) as caught:
        model.fetch_voices(tmp_path)
    assert "af_heart.bin" in caught.value.remedy


def test_a_voice_that_is_not_the_one_we_know_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What npm gives is believed only by its SHA-256."""
    npm = tmp_path / "npm"
    npm.write_text(
        "#!/bin/sh\nmkdir -p package/voices\n"
        + "".join(f"echo bad > package/voices/{voice.name}.bin\n" for voice in VOICES.values())
        + "tar czf kokoro.tgz package\n"
    )
    npm.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(npm))
    with pytest.raises(EngineFailed, match="not the one"):
        model.fetch_voices(tmp_path / "voices")
    assert list((tmp_path / "voices").iterdir()) == []


def test_a_model_with_another_sum_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "made_up_part"
    part.mkdir()
    (part / "__init__.py").write_text("")
    (part / "part.bin").write_bytes(b"no model")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(model, "MODEL_PARTS", ("made_up_part",))
    with pytest.raises(EngineFailed, match="not the one"):
        model._whole_model()


async def test_a_worker_without_voices_says_so_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "installed", lambda: True)
    monkeypatch.setattr(model, "fetch_voices", lambda _: [])
    engine = KokoroEngine(tmp_path)
    with pytest.raises(EngineFailed, match="no voice"):
        await asyncio.wait_for(engine.start(), 60)
    assert engine.pids == []
