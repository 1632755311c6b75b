"""What the controller's own process does without: memory that every installation would pay for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_pinyin_dictionary_is_loaded_where_words_are_rendered_only() -> None:
    program = "import ivr.app, sys; print('pypinyin' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
