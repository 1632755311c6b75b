"""The picture ends the same, in whatever order a re-read and the events around it arrive."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from seen_by import NOW, POLICY, at_work, caller, joined, leg, picture, seen, session, told, waiting

from ivr.wallboard.lines import told as as_told
from ivr.wallboard.picture import Picture
from ivr.wallboard.sights import (
    Channel,
    ChannelGone,
    ChannelSeen,
    DeviceSeen,
    JournalRead,
    LinkSeen,
    RosterRead,
    Sight,
    StateRead,
    sights_of,
    state_of,
)

SEATS = ("S1", "S2")


class World:
    """A small hotline, which knows what is so and tells what happens, each as the real one would."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.devices = {"PJSIP/801": "NOT_INUSE", "PJSIP/802": "NOT_INUSE"}
        self.happened: list[Sight] = []
        self.number = 0
        self.versions = {"801": 0, "802": 0}

    def step(self, what: str, seat: str) -> None:
        callers = [one for one in self.channels.values() if not one.seat]
        legs = [one for one in self.channels.values() if one.seat]
        match what:
            case "calls":
                self.number += 1
                place = waiting(waited=self.number)
                one = caller(f"c{self.number}")
                self.tell(ChannelSeen(one, NOW - 50))
                self.channels[one.id] = Channel(**{**fields(one), "place": place})
                self.tell(joined(one.id, place))
            case "offer" if callers and not any(one.seat == seat for one in legs):
                self.number += 1
                one = leg(f"l{self.number}", seat, callers[0].id)
                self.tell(ChannelSeen(one, NOW - 40))
                self.channels[one.id] = one
            case "talk" if legs:
                one = Channel(**{**fields(legs[0]), "bridge": "b", "up": True})
                self.channels[one.id] = one
                self.tell(ChannelSeen(one, NOW - 30))
                self.tell(told("talk.began", one.call, seat=seat, waited=3.0))
            case "leave" if callers:
                self.channels[callers[-1].id] = Channel(**{**fields(callers[-1]), "place": None})
                self.tell(told("wait.left", callers[-1].id, how="key", waited=4.0))
            case "hang up" if self.channels:
                gone = next(iter(self.channels))
                del self.channels[gone]
                self.tell(ChannelGone(gone, NOW - 20))
            case "device":
                endpoint = "PJSIP/801" if seat == "S1" else "PJSIP/802"
                state = "UNAVAILABLE" if self.devices[endpoint] == "NOT_INUSE" else "NOT_INUSE"
                self.devices[endpoint] = state
                self.tell(DeviceSeen(endpoint, state, NOW - 10))
            case "session":
                agent = "801" if seat == "S1" else "802"
                self.versions[agent] += 1
                state: Any = ("idle", "paused", "wrap_up")[self.versions[agent] % 3]
                self.tell(session(agent, state, seat, version=self.versions[agent]))

    def tell(self, sight: Sight) -> None:
        self.happened.append(sight)

    def state(self) -> StateRead:
        return StateRead(tuple(self.channels.values()), dict(self.devices), NOW - 15)


def fields(channel: Channel) -> dict[str, Any]:
    return {name: getattr(channel, name) for name in Channel.__slots__}


def shown(one: Picture) -> dict[str, Any]:
    """The board without the moments that hang on when somebody began to look."""
    content = as_told(seen(one))
    for talk in content["talks"]:
        del talk["began"]
    for row in content["seats"]:
        del row["finding"]
    for tier in content["tiers"].values():
        del tier["lately"], tier["today"]
    content["alerts"] = [alert for alert in content["alerts"] if alert["kind"] not in ("disagreement", "below_target")]
    return content


STEPS = ["calls", "calls", "offer", "talk", "leave", "hang up", "device", "session"]
stories = st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(SEATS)), max_size=25)


@given(stories, st.data())
def test_a_re_read_in_the_middle_of_what_happens_makes_no_difference(
    story: list[tuple[str, str]], data: st.DataObject
) -> None:
    world, straight = World(), picture()
    reads: dict[int, StateRead] = {0: world.state()}
    for what, seat in story:
        world.step(what, seat)
        reads[len(world.happened)] = world.state()
    for sight in world.happened:
        straight.take(sight)
    at = data.draw(st.sampled_from(sorted(reads)), label="read after")
    late = data.draw(st.integers(0, at), label="events that arrive again after the read")
    onlooker = picture()
    for sight in world.happened[:at]:
        onlooker.take(sight)
    onlooker.take(reads[at])
    for sight in world.happened[late:]:
        onlooker.take(sight)
    assert shown(onlooker) == shown(straight)
    newcomer = picture()  # began to look then, and heard nothing of what was before
    for agent, version in world.versions.items():
        for sight in world.happened[:at]:
            if getattr(getattr(sight, "news", None), "agent", "") == agent and version:
                newcomer.take(sight)  # as the store has it
    newcomer.take(reads[at])
    for sight in world.happened[at:]:
        newcomer.take(sight)
    assert shown(newcomer) == shown(straight)


@given(stories, st.randoms(use_true_random=False))
def test_asterisk_and_the_controller_are_heard_in_any_order_between_them(
    story: list[tuple[str, str]], chance: Any
) -> None:
    world, straight = World(), picture()
    for what, seat in story:
        world.step(what, seat)
    for sight in world.happened:
        straight.take(sight)
    by_side: dict[bool, list[Sight]] = {True: [], False: []}
    for sight in world.happened:
        by_side[hasattr(sight, "news")].append(sight)
    mixed = picture()
    while by_side[True] or by_side[False]:
        side = chance.random() < 0.5
        if not by_side[side]:
            side = not side
        mixed.take(by_side[side].pop(0))
    assert shown(mixed) == shown(straight)
    assert mixed.service.today(NOW) == straight.service.today(NOW)


def test_a_channel_that_is_listed_after_its_end_was_told_is_gone() -> None:
    one = picture()
    one.take(ChannelSeen(caller(), NOW))
    one.take(ChannelGone("1.1", NOW))
    one.take(StateRead((caller(place=waiting()),), {}, NOW))
    one.take(joined("1.1", waiting()))
    assert seen(one).waiting == ()
    assert seen(one).tiers[1].today.abandoned == 1


def test_whom_the_journal_left_waiting_and_asterisk_does_not_have_has_abandoned() -> None:
    one = Picture(POLICY)
    one.service.joined("9.9", "gold", NOW - 100)
    one.take(JournalRead(()))
    assert one.service.open_calls == ("9.9",)  # nobody has looked at Asterisk yet
    one.take(StateRead((), {}, NOW))
    assert one.service.open_calls == ()


def test_an_older_version_of_a_session_changes_nothing() -> None:
    one = picture(sessions=(at_work(),))
    one.take(session("801", "paused", "S1", version=3))
    one.take(session("801", "idle", "S1", version=2))
    one.take(RosterRead(tuple(one.agents.values()), tuple(one.seats.values()), (), (at_work(),)))
    assert [row.state for row in seen(one).seats if row.agent] == ["paused"]
    assert not one.strangers
    one.take(session("999", "idle", "X9"))
    assert one.strangers == {"999", "X9"}


def test_events_of_asterisk_are_read_as_they_come() -> None:
    newchannel = {
        "Event": "Newchannel",
        "Timestamp": str(NOW),
        "Uniqueid": "1.1",
        "CallerIDNum": "<unknown>",
        "ChannelStateDesc": "Ring",
        "Exten": "95500",
        "ChanVariable": ["GOLDLINE_LINE=95500\x1b[2J", "GOLDLINE_SEAT=S1"],
    }
    (first,) = sights_of(newchannel, 0.0)
    assert isinstance(first, ChannelSeen)
    assert (first.channel.line, first.channel.caller, first.channel.seat, first.at) == ("95500[2J", "", "S1", NOW)
    (entered,) = sights_of({"Event": "BridgeEnter", "Uniqueid": "1.1", "BridgeUniqueid": "b-1"}, 7.0)
    assert isinstance(entered, ChannelSeen)
    assert (entered.channel.bridge, entered.at) == ("b-1", 7.0)
    (dialled,) = sights_of({"Event": "DialBegin", "DestUniqueid": "2.2", "DestChanVariable": "GOLDLINE_CALL=1.1"}, 7.0)
    assert isinstance(dialled, ChannelSeen)
    assert (dialled.channel.id, dialled.channel.call, dialled.channel.bridge) == ("2.2", "1.1", None)
    assert sights_of({"Event": "Hangup", "Uniqueid": "1.1", "Timestamp": "nan"}, 7.0) == (ChannelGone("1.1", 7.0),)
    assert sights_of({"Event": "DeviceStateChange", "Device": "PJSIP/801", "State": "INUSE"}, 7.0)
    for nothing in ({"Event": "RTCPSent"}, {"Event": "Newchannel"}, {"Event": "UserEvent", "UserEvent": "Other"}, {}):
        assert sights_of(nothing, 7.0) == ()


def test_a_variable_that_is_not_set_is_listed_as_null_and_read_as_nothing() -> None:
    item = {"Uniqueid": "1.1", "Seconds": "30", "Variable": ["GOLDLINE_SEAT=(null)", "GOLDLINE_WAIT=(null)"]}
    (channel,) = state_of([item, {}], [], NOW).channels
    assert (channel.seat, channel.place, channel.bridge, channel.since) == ("", None, "", NOW - 30)


def test_links_keep_the_moment_of_their_change() -> None:
    one = Picture(POLICY)
    for at, up in ((1.0, True), (2.0, True), (3.0, False), (4.0, False)):
        one.take(LinkSeen("asterisk", up, at, "gone" if at == 3.0 else "still"))
    assert (one.links["asterisk"].since, one.links["asterisk"].why) == (3.0, "gone")
