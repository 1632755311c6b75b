"""What may be done with a talk in which stage."""

from __future__ import annotations

from typing import get_args

import pytest

from ivr.queueing.talk_stage import Act, NotNow, Stage, check

POSSIBLE: dict[Stage, set[Act]] = {
    "together": {"hold", "transfer", "consult", "verify", "take_over"},
    "held": {"resume", "transfer", "consult", "verify", "take_over"},
    "asking": {"resume"},
    "asked": {"resume", "complete", "conference"},
    "conference": set(),
    "verifying": set(),
    "elsewhere": set(),
}


@pytest.mark.parametrize("stage", get_args(Stage))
def test_what_is_possible_and_what_is_refused_with_a_remedy(stage: Stage) -> None:
    for act in get_args(Act):
        if act in POSSIBLE[stage]:
            check("801", act, stage)
        else:
            with pytest.raises(NotNow, match="801") as refused:
                check("801", act, stage)
            assert refused.value.remedy
