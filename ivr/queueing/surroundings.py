"""What the queue stands on: store, Asterisk, words, folders; and the rules that are files."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self

from agent_routing import callback_rules, feature_codes, pause_reasons, policy_file, seat_times, talk_rules
from agent_routing.callback_rules import CallbackRules, Days
from agent_routing.feature_codes import FeatureCodes
from agent_routing.pause_reasons import PauseReasons
from agent_routing.policy import Policy
from agent_routing.seat_times import SeatTimes
from agent_routing.talk_rules import TalkRules
from db.events import EventSink
from db.store import Store
from ivr.ami.client import AmiClient
from ivr.call import Voice
from ivr.flow.prompts import Prompts


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the queue of one controller is given. ``actions`` is the manager's account that may act;
    ``recordings`` is a folder that Asterisk writes to, ``routing`` that of policy.yaml and its like; ``queue_log`` is
    Asterisk's record of its own queue. ``outside(number)`` says how a number outside is dialled; empty: not at all.
    ``days`` gives time zone and calendar that hold now; ``line`` is the hotline's number; ``beep`` a short sound."""

    store: Store
    journal: EventSink
    actions: AmiClient
    prompts: Prompts
    voice: Voice
    language: str
    recordings: PurePath
    routing: Path
    queue_log: Path
    outside: Callable[[str], str]
    days: Callable[[], tuple[datetime.tzinfo, Days]]
    line: str
    beep: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as their files have them at the start. Of these only the policy is read again (``PolicyFile``)."""

    policy: Policy
    times: SeatTimes
    reasons: PauseReasons
    callbacks: CallbackRules
    talks: TalkRules
    codes: FeatureCodes

    @classmethod
    def read(cls, routing: Path) -> Self:
        """From the files of this folder. Raises GoldlineError naming file and line."""
        return cls(
            policy_file.read(routing / policy_file.POLICY_FILE.name),
            seat_times.read(routing / seat_times.TIMES_FILE.name),
            pause_reasons.read(routing / pause_reasons.REASONS_FILE.name),
            callback_rules.read(routing / callback_rules.RULES_FILE.name),
            talk_rules.read(),
            feature_codes.read(),
        )
