"""The feature codes: what was dialled, and a file that is refused with line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_routing import feature_codes
from agent_routing.feature_codes import CODES_FILE, Dialled, FeatureCodesInvalid, load

CODES = feature_codes.read()


@pytest.mark.parametrize(
    ("digits", "wanted"),
    [
        ("*11", Dialled("log_in")),
        ("*11#", Dialled("log_in")),
        ("*11801", Dialled("log_in", "801")),
        ("*122", Dialled("pause", "2")),
        ("*13", Dialled("resume")),
        ("*131", None),
        ("*12*", None),
        ("*1", None),
        ("", None),
        ("95500", None),
    ],
)
def test_what_was_dialled(digits: str, wanted: Dialled | None) -> None:
    assert CODES.dialled(digits) == wanted


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('code: "*13"', 'code: "*1"', "code *1 cannot be told from *11 (log_in, in line "),
        ('code: "*13"', 'code: "13"', "code cannot be '13'. It is a star and one to five digits."),
        ("resume:", "resumee:", "there is no act 'resumee'. Did you mean 'resume'?"),
        ("  log_in:", "  where2:", "log_in is missing"),
        ("zh: 示闲", "tone: 3, zh: 示闲", "unknown field 'tone'"),
        ("codes:", "code:", "codes is missing"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = CODES_FILE.read_text("utf-8").replace(old, new, 1)
    assert load(text, "codes.yaml")[1]
    file = tmp_path / "codes.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(FeatureCodesInvalid) as caught:
        feature_codes.read(file)
    assert said in str(caught.value)
    assert "codes.yaml:" in str(caught.value)
