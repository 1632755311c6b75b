"""How tiers, languages and states are said, in every language of the hotline. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ivr.speech.values import Name

TIERS: Final[Mapping[str, Name]] = {
    "platinum": Name({"zh": "铂金客户", "en": "platinum"}),
    "gold": Name({"zh": "黄金客户", "en": "gold"}),
    "silver": Name({"zh": "白银客户", "en": "silver"}),
    "normal": Name({"zh": "普通客户", "en": "standard"}),
}
LANGUAGES: Final[Mapping[str, Name]] = {
    "zh": Name({"zh": "普通话", "en": "Chinese"}),
    "en": Name({"zh": "英语", "en": "English"}),
}
STATES: Final[Mapping[str, Name]] = {
    # of a ticket
    "open": Name({"zh": "已受理", "en": "received"}),
    "in_hand": Name({"zh": "处理中", "en": "being worked on"}),
    "answered": Name({"zh": "已答复", "en": "answered"}),
    "closed": Name({"zh": "已办结", "en": "closed"}),
    # of a change request
    "waiting": Name({"zh": "等待审核", "en": "waiting to be checked"}),
    "accepted": Name({"zh": "审核通过，已生效", "en": "accepted and in force"}),
    "refused": Name({"zh": "审核未通过", "en": "not accepted"}),
}
