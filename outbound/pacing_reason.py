"""Why so many numbers were dialled: for the journal, and in words for supervisors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Mode = Literal["preview", "progressive", "power", "predictive"]
LimitedBy = Literal[
    "", "no_seats", "risk", "room", "learning", "channels", "per_second", "most", "candidates", "danger"
]


@dataclass(frozen=True, slots=True)
class PacingReason:
    """Why so many: written to the journal, read by supervisors."""

    mode: Mode
    acting: Mode  # what the mode fell back to
    seats: int  # logged in and not leaving
    idle: int  # seats free for this campaign now
    talking: int
    wrapping_up: int
    waiting: int  # answered calls that have no agent yet, callers of the hotline included
    live: int  # dials that ring, before this decision
    seats_expected: float  # idle seats and those expected within 12 s
    answers_expected: float  # answers expected within 12 s, the new dials included
    over_answer: float  # chance that the next answer finds no seat, after this decision
    threshold: float  # the highest such chance that is accepted now
    room: float  # calls that may yet be abandoned in the tightest window
    window: str  # that window
    answer_chance: float  # of an average new dial
    talk: float  # mean talk, s
    limited_by: LimitedBy
    shares: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # window: (answered, abandoned)

    def as_data(self) -> dict[str, Any]:
        """For the journal: plain numbers, rounded."""
        return {
            "mode": self.mode,
            "acting": self.acting,
            "seats": self.seats,
            "idle": self.idle,
            "talking": self.talking,
            "wrapping_up": self.wrapping_up,
            "waiting": self.waiting,
            "live": self.live,
            "seats_expected": round(self.seats_expected, 2),
            "answers_expected": round(self.answers_expected, 2),
            "over_answer": round(self.over_answer, 4),
            "threshold": round(self.threshold, 4),
            "room": round(self.room, 2),
            "window": self.window,
            "answer_chance": round(self.answer_chance, 3),
            "talk": round(self.talk, 1),
            "limited_by": self.limited_by,
            "abandoned": {name: round(lost / max(calls, 1.0), 4) for name, (calls, lost) in self.shares.items()},
        }

    def words(self, language: str, dial: int, cancelled: int = 0) -> str:
        """A sentence for a supervisor, in ``zh`` or ``en``: how many, out of what, and what bounds it."""
        words = _WORDS["en" if language == "en" else "zh"]
        parts = [words["dial"].format(dial=dial, mode=words[self.acting])]
        if cancelled:
            parts.append(words["cancelled"].format(cancelled=cancelled))
        parts.append(
            words["seats"].format(
                seats=self.seats,
                idle=self.idle,
                expected=self.seats_expected,
                answers=self.answers_expected,
                live=self.live + dial - cancelled,
            )
        )
        if self.acting == "predictive":
            parts.append(words["risk"].format(over=self.over_answer, threshold=self.threshold))
        if self.limited_by:
            parts.append(
                words[f"by_{self.limited_by}"].format(room=max(self.room, 0.0), window=words.get(self.window, ""))
            )
        return words["join"].join(parts) + words["stop"]


_WORDS: Final[dict[str, dict[str, str]]] = {
    "zh": {
        "join": "；",
        "stop": "。",
        "dial": "再拨 {dial} 个（{mode}）",
        "preview": "预览",
        "progressive": "逐个",
        "power": "倍率",
        "predictive": "预测",
        "cancelled": "放弃 {cancelled} 个久振未接的",
        "seats": "{seats} 席在线，空闲 {idle}，12 秒内预计空闲 {expected:.1f} 席、"
        "接通 {answers:.1f} 个（振铃中 {live} 个）",
        "risk": "再多一个接通而无人接听的可能 {over:.1%}，容许 {threshold:.1%}",
        "half_hour": "半小时",
        "hour": "一小时",
        "day": "24 小时",
        "month": "30 天",
        "by_no_seats": "没有坐席",
        "by_risk": "再拨就超过容许",
        "by_room": "{window}内的放弃率接近上限，还容许 {room:.1f} 个，改为逐个拨",
        "by_learning": "了解尚少，先逐个拨",
        "by_channels": "中继没有更多空闲线路",
        "by_per_second": "已达中继每秒呼叫数上限",
        "by_most": "已达设定的最多数",
        "by_candidates": "没有更多可拨的号码",
        "by_danger": "热线告急，共用坐席已让给来电",
    },
    "en": {
        "join": "; ",
        "stop": ".",
        "dial": "dial {dial} more ({mode})",
        "preview": "preview",
        "progressive": "progressive",
        "power": "power",
        "predictive": "predictive",
        "cancelled": "give up {cancelled} that ring for long",
        "seats": "{seats} seats, {idle} idle; within 12 s {expected:.1f} seats and {answers:.1f} answers are expected "
        "({live} ringing)",
        "risk": "chance that one more answer finds nobody {over:.1%}, accepted {threshold:.1%}",
        "half_hour": "half hour",
        "hour": "hour",
        "day": "24 hours",
        "month": "30 days",
        "by_no_seats": "no seats",
        "by_risk": "another dial would pass what is accepted",
        "by_room": "the abandoned share of the last {window} is near its cap, {room:.1f} more are allowed: "
        "one dial for each idle seat",
        "by_learning": "little is known yet: one dial for each idle seat",
        "by_channels": "the trunk has no more free channels",
        "by_per_second": "the trunk's calls per second are used up",
        "by_most": "no more were allowed",
        "by_candidates": "no more numbers to dial",
        "by_danger": "the hotline is in danger: shared seats are given up to it",
    },
}
