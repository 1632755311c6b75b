"""The states of a campaign, of a target and of an attempt, and the ways in which a number is dialled. Words only."""

from __future__ import annotations

from typing import Final, Literal

CampaignState = Literal["planned", "running", "paused", "stopped", "done"]
TargetState = Literal["waiting", "held", "reached", "refused", "exhausted", "expired", "excluded", "by_hand"]
AttemptState = Literal["leased", "dialling", "answered", "talking", "ended"]
Mode = Literal["preview", "progressive", "power", "predictive", "reserved", "automatic"]

CAMPAIGN_STATES: Final[tuple[CampaignState, ...]] = ("planned", "running", "paused", "stopped", "done")

# Open: somebody still has to be called. Of the others nobody is dialled again by the campaign.
OPEN_TARGETS: Final[tuple[TargetState, ...]] = ("waiting", "held")
CLOSED_TARGETS: Final[tuple[TargetState, ...]] = (
    "reached",  # the campaign has what it wanted of this customer
    "refused",  # the customer wants no such call
    "exhausted",  # tried as often as may be, in vain
    "expired",  # the campaign ended first
    "excluded",  # left out when the campaign was planned
    "by_hand",  # on the branch's list: people see to it
)
TARGET_STATES: Final[tuple[TargetState, ...]] = OPEN_TARGETS + CLOSED_TARGETS

DIALLED: Final[tuple[AttemptState, ...]] = ("dialling", "answered", "talking")  # the network knows of it
OPEN_ATTEMPTS: Final[tuple[AttemptState, ...]] = ("leased", *DIALLED)
ATTEMPT_STATES: Final[tuple[AttemptState, ...]] = (*OPEN_ATTEMPTS, "ended")

MODES: Final[tuple[Mode, ...]] = ("preview", "progressive", "power", "predictive", "reserved", "automatic")

RANKS: Final = 10  # targets are dialled by rank, 0 first
