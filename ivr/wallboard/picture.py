"""The picture: everything that was seen, folded together. Pure.

Sights come from three sides at once, Asterisk, the controller and the store, and their order between the sides is
nobody's to promise. So each sight replaces what it speaks of; what is gone stays gone; of two versions of a session
the higher counts. Whatever the order in which a re-read and the events around it arrive, the picture ends the same.
"""

from __future__ import annotations

import datetime
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from agent_routing.policy import Policy
from db.agent import Agent, Seat, Session
from db.customer import Branch
from db.events import TALK_BEGAN, TALK_ENDED, WAIT_JOINED, WAIT_LEFT
from ivr.contract import USER_EVENT_SESSION
from ivr.queueing.news import QueueNews
from ivr.queueing.place import Place, decode
from ivr.wallboard.service import Service
from ivr.wallboard.sights import (
    Channel,
    ChannelGone,
    ChannelSeen,
    DeviceSeen,
    JournalRead,
    LinkSeen,
    Part,
    RosterRead,
    Sight,
    StateRead,
    Told,
)

MOST_GONE: Final = 20_000  # ended channels remembered: many times what can be told late


@dataclass(frozen=True, slots=True)
class Link:
    """Whether a part is there, since when, and what was said when it went. ``first``: as it was found at the start."""

    up: bool
    since: float
    why: str = ""
    first: bool = False


class Picture:
    """What is seen now. ``take`` sights; read the rest."""

    def __init__(self, policy: Policy) -> None:
        self.channels: dict[str, Channel] = {}
        self.places: dict[str, Place] = {}  # by call: who waits, or talks and has kept the place
        self.devices: dict[str, str] = {}
        self.device_since: dict[str, float] = {}
        self.leg_since: dict[str, float] = {}  # by channel: since when it has rung, or been in its bridge
        self.agents: dict[str, Agent] = {}
        self.seats: dict[str, Seat] = {}
        self.branches: dict[str, Branch] = {}
        self.sessions: dict[str, Session] = {}  # by agent
        self.links: dict[Part, Link] = {}
        self.service = Service(policy)
        self._gone: OrderedDict[str, float] = OrderedDict()
        self._whole = False  # Asterisk's state has been read, and the link has held since

    @property
    def strangers(self) -> frozenset[str]:
        """Agents and seats in sessions that the roster does not know: it has to be read again."""
        agents = {session.agent for session in self.sessions.values()} - self.agents.keys()
        seats = {session.seat for session in self.sessions.values() if session.seat} - self.seats.keys()
        return frozenset(agents | seats)

    def take(self, sight: Sight) -> None:
        """Let the picture be as this sight says."""
        match sight:
            case StateRead():
                self._read(sight)
            case ChannelSeen(channel, at):
                self._see(channel, at)
            case ChannelGone(channel_id, at):
                self._lose(channel_id, at)
            case DeviceSeen(device, state, at):
                if self.devices.get(device) != state:
                    self.devices[device] = state
                    self.device_since[device] = at
            case Told(news, at):
                self._hear(news, at)
            case RosterRead():
                self._read_roster(sight)
            case JournalRead(events):
                self.service.read(events)
                self._settle()
            case LinkSeen(part, up, at, why):
                known = self.links.get(part)
                if known is None or known.up != up:
                    self.links[part] = Link(up, at, why, first=known is None)
                if part == "asterisk" and not up:
                    self._whole = False

    def _read(self, state: StateRead) -> None:
        before = self.channels
        self.channels = {}
        self.places = {}
        talking = {channel.call for channel in state.channels if channel.bridge}
        for channel in state.channels:
            if channel.id in self._gone:
                continue  # listed for a moment after its end was told
            self.channels[channel.id] = channel
            known = before.get(channel.id)
            if known is None or _stands(known) != _stands(channel) or channel.id not in self.leg_since:
                self.leg_since[channel.id] = state.at if known else channel.since
            if channel.place is not None:
                self.places[channel.id] = channel.place
                if channel.id not in talking:  # of whom it does talk the journal knows how long that took
                    self.service.joined(channel.id, channel.place.tier, channel.place.joined)
        for lost in before.keys() - self.channels.keys():
            self._lose(lost, state.at)
        self.device_since |= {d: state.at for d, word in state.devices.items() if self.devices.get(d) != word}
        self.devices = dict(state.devices)
        self._whole = True
        self._settle(state.at)

    def _see(self, channel: Channel, at: float) -> None:
        if channel.id in self._gone:
            return
        known = self.channels.get(channel.id)
        if known is not None:
            channel = replace(
                channel,
                caller=channel.caller or known.caller,
                line=channel.line or known.line,
                seat=channel.seat or known.seat,
                call=channel.call or known.call,
                bridge=known.bridge if channel.bridge is None else channel.bridge,
                since=known.since,
            )
        if known is None or _stands(known) != _stands(channel):
            self.leg_since[channel.id] = at
        self.channels[channel.id] = channel

    def _lose(self, channel_id: str, at: float) -> None:
        self._gone.setdefault(channel_id, at)
        while len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)
        self.channels.pop(channel_id, None)
        self.places.pop(channel_id, None)
        self.leg_since.pop(channel_id, None)
        self.service.gone(channel_id, at)

    def _hear(self, news: QueueNews, at: float) -> None:
        match news.kind:
            case k if k == WAIT_JOINED:
                place = decode(news.place)
                if place is None and news.tier is not None and news.joined is not None:
                    place = Place(news.joined, news.tier)
                if place is not None:
                    self.service.joined(news.call, place.tier, place.joined)
                    if news.call in self._gone:
                        self.service.gone(news.call, self._gone[news.call])
                    else:
                        self.places[news.call] = place
            case k if k == WAIT_LEFT:
                self.places.pop(news.call, None)
                self.service.left(news.call, news.how, news.waited or 0.0)
            case k if k == TALK_BEGAN:
                self.service.answered(news.call, news.waited or 0.0)
            case k if k == TALK_ENDED:
                self.places.pop(news.call, None)  # whoever was cut off joins anew, and that is told next
            case k if k == USER_EVENT_SESSION:
                self._hear_session(news, at)

    def _hear_session(self, news: QueueNews, at: float) -> None:
        known = self.sessions.get(news.agent)
        if not news.agent or news.state is None or news.version is None:
            return
        if known is not None and known.version >= news.version:
            return
        since = datetime.datetime.fromtimestamp(at if news.since is None else news.since, datetime.UTC)
        self.sessions[news.agent] = Session(
            news.agent, news.state, since, news.seat, news.call, reason=news.reason, version=news.version
        )

    def _read_roster(self, roster: RosterRead) -> None:
        self.agents = {agent.id: agent for agent in roster.agents}
        self.seats = {seat.id: seat for seat in roster.seats}
        self.branches = {branch.code: branch for branch in roster.branches}
        for session in roster.sessions:
            known = self.sessions.get(session.agent)
            if known is None or session.version >= known.version:
                self.sessions[session.agent] = session

    def _settle(self, at: float | None = None) -> None:
        """Calls that the journal left waiting and that Asterisk has no more were abandoned while nobody looked."""
        if not self._whole:
            return
        for call in self.service.open_calls:
            if call not in self.channels:
                self.service.gone(call, self._gone.get(call, at or 0.0))


def _stands(channel: Channel) -> tuple[bool, str, str]:
    return channel.up, channel.bridge or "", channel.seat
