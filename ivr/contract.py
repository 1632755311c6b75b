"""Every name that the dialplan and the controller share, in one place.

The templates in ``asterisk-conf/`` are rendered with ``names()``, the code imports the constants: neither side ever
writes such a name by hand. Pure: constants only.
"""

from __future__ import annotations

# Contexts
CONTEXT_TRUNK = "goldline-trunk"  # where calls from trunks arrive
CONTEXT_PHONE = "goldline-phone"  # where calls from the ready softphone and `ivr dial` arrive: callers like any other
CONTEXT_SEAT = "goldline-seat"  # where calls from seats arrive: feature codes, and the hotline's numbers
CONTEXT_CALL = "goldline-call"  # the loop that hands a call to the controller and takes it back
CONTEXT_OFFER = "goldline-offer"  # where a waiting caller is sent to ring a seat; falls back into the loop
CONTEXT_SEAT_LEG = "goldline-seat-leg"  # what is done on the leg to a seat: before it rings, and when it has answered
CONTEXT_AWAY = "goldline-away"  # no controller for long: a static menu, then Asterisk's own queue
CONTEXT_AWAY_SEAT = "goldline-away-seat"  # how that queue rings a seat
CONTEXT_CALLBACK = "goldline-callback"  # the leg to a seat that calls a customer back
CONTEXT_OPEN_LEG = "goldline-open-leg"  # a seat's leg that is kept on the line between calls
CONTEXT_OPEN_SEAT = "goldline-open-seat"  # how a caller gets to such a leg
CONTEXT_OUTBOUND = "goldline-outbound"  # a customer whom a campaign dialled, and who has answered
CONTEXT_SELF = "goldline-self"  # the caller's side of `ivr dial`
# … of talks that become more than two telephones joined by an offer (docs/talks.md). Of the caller's channel:
CONTEXT_TALK = "goldline-talk"  # together with the leg to a seat that VAR_LEG names
CONTEXT_HOLD = "goldline-hold"  # in music, until the leg fetches the caller
CONTEXT_OUTSIDE = "goldline-outside"  # rings a number outside and talks with it
CONTEXT_CONFERENCE = "goldline-conference"  # in a conference
CONTEXT_VERIFY = "goldline-verify"  # proves who it is, in a flow, and goes back to the leg
# … of the leg to a seat:
CONTEXT_SEAT_HOLD = "goldline-seat-hold"  # the caller is on hold; keys are read
CONTEXT_SEAT_JOIN = "goldline-seat-join"  # fetches the caller
CONTEXT_SEAT_ASK = "goldline-seat-ask"  # rings somebody else, the caller on hold; fetches the caller afterwards
CONTEXT_SEAT_CONFERENCE = "goldline-seat-conference"  # in the conference, into which it fetches the caller
CONTEXT_SEAT_LEFT = "goldline-seat-left"  # the caller has gone elsewhere: hangs up
CONTEXT_SPY = "goldline-spy"  # a supervisor's telephone at somebody else's talk: listen, whisper, barge

# Channel variables: the checkpoint that a call carries, so that a restarted controller can go on with it
VAR_LINE = "GOLDLINE_LINE"  # the number that was dialled
VAR_DONE = "GOLDLINE_DONE"  # set last by the controller: it ended well. Never trust AGISTATUS: a crash is SUCCESS
VAR_CHECKPOINT = "GOLDLINE_CHECKPOINT"  # flow, node, language, plain values (never secret ones); base64url
VAR_TRIES = "GOLDLINE_TRIES"  # how often in a row the dialplan found no controller

# The caller's place in the queue: TIER.MILLISECONDS.REST (ivr.queueing.place). Tier and joining time (since 1970) are
# plain, for the dialplan; who was given a place by the dialplan itself has no rest.
VAR_WAIT = "GOLDLINE_WAIT"
VAR_TALK = "GOLDLINE_TALK"  # how the last offer or talk ended, set by the dialplan: DIALSTATUS:MILLISECONDS:SEAT
VAR_LEG_CAUSE = "GOLDLINE_LEG_CAUSE"  # why the leg to the seat was hung up (Q.850)
VAR_SEAT = "GOLDLINE_SEAT"  # on the leg to a seat: the seat's id …
VAR_CALL = "GOLDLINE_CALL"  # … and the call that it is rung for (the Uniqueid of the caller's channel)

# What an offer needs, set on the caller's channel before it is sent to CONTEXT_OFFER
VAR_OFFER_ID = "GOLDLINE_OFFER_ID"  # which offer: random; of the talk that may come of it, too
VAR_OFFER_SEAT = "GOLDLINE_OFFER_SEAT"  # the seat's id
VAR_OFFER_DIAL = "GOLDLINE_OFFER_DIAL"  # how it is rung: PJSIP/…
VAR_OFFER_RING = "GOLDLINE_OFFER_RING"  # for how many seconds
VAR_OFFER_NAME = "GOLDLINE_OFFER_NAME"  # what its display shows: tier and name
VAR_OFFER_WHISPER = "GOLDLINE_OFFER_WHISPER"  # the sound that the agent hears first, without extension; empty: none
VAR_OFFER_ACCEPT = "GOLDLINE_OFFER_ACCEPT"  # the sound that asks for the key 1; empty: the answer is enough
VAR_OFFER_RECORD = "GOLDLINE_OFFER_RECORD"  # the file that the talk is recorded into; empty: not

# On the channel of a customer whom a campaign dialled: the number, as it was dialled
VAR_NUMBER = "GOLDLINE_NUMBER"

VAR_OPEN = "GOLDLINE_OPEN"  # on a seat's leg that is kept on the line: the seat's id
OPEN_LEG = "goldline-open-"  # … whose unique id is this and the seat's id: a seat never has two

# In Asterisk's own queue, inherited by all legs of it
VAR_AWAY_CALL = "GOLDLINE_AWAY_CALL"  # the caller's call, and …
VAR_AWAY_TIER = "GOLDLINE_AWAY_TIER"  # … tier
VAR_AWAY_TALK = "GOLDLINE_AWAY_TALK"  # SEAT:SECONDS: who took the call, and when (since 1970)

# What a talk needs that moves (docs/talks.md). On the caller's channel:
VAR_STAGE = "GOLDLINE_STAGE"  # where the caller is: STAGE_*; empty: in an offer's talk, or in none. Set by the dialplan
VAR_LEG = "GOLDLINE_LEG"  # the name of the leg that it belongs to …
VAR_LEG_SEAT = "GOLDLINE_LEG_SEAT"  # … and whose that is
VAR_TALK_BEGAN = "GOLDLINE_TALK_BEGAN"  # since when the two talk: seconds since 1970
VAR_KEPT = "GOLDLINE_KEPT"  # the checkpoint of the flow that waits, while another flow has the caller
# … and on the channel that rings somebody: whom (VAR_ASK_SEAT, for events), how, for how many seconds
VAR_ASK_SEAT = "GOLDLINE_ASK_SEAT"
VAR_ASK_DIAL = "GOLDLINE_ASK_DIAL"
VAR_ASK_RING = "GOLDLINE_ASK_RING"
VAR_ASK_NAME = "GOLDLINE_ASK_NAME"  # what is shown to whoever is rung
VAR_SPY = "GOLDLINE_SPY"  # on a supervisor's leg: the leg that it listens to …
VAR_SPY_HOW = "GOLDLINE_SPY_HOW"  # … and how: an extension of CONTEXT_SPY

# Values of VAR_STAGE
STAGE_TALK = "talk"
STAGE_HOLD = "hold"
STAGE_OUTSIDE = "outside"
STAGE_CONFERENCE = "conference"
STAGE_VERIFY = "verify"

ASKED = "ask-"  # before a call's id: the second call, in which an agent asks somebody else about the first
SEAT_OUTSIDE = "outside"  # stands where a seat's id would, for numbers that are no seat's

# Values of VAR_DONE
DONE_HANGUP = "hangup"  # say goodbye was said: hang up
DONE_SPY = "spy"  # of a supervisor's code: go on at CONTEXT_SPY
DONE_BUSY = "busy"  # the controller has its fill of calls: play the busy prompt and hang up
DONE_UNALLOCATED = "unallocated"  # the number is no line's: refuse the call, unanswered
DONE_DIAL = "dial"  # to the leg of a callback: dial what VAR_CALLBACK_DIAL says
DONE_FAILED = "failed"  # something is broken for this call: play the apology and hang up

# The FastAGI request: AGI(agi://host:port/PATH,${VAR_LINE},${VAR_CHECKPOINT},${VAR_TRIES})
AGI_PATH_CALL = "call"

# … of a feature code: AGI(agi://host:port/PATH,CODE,ENDPOINT)
AGI_PATH_SEAT = "seat"

# … of a leg that is to call a customer back: may it? AGI(agi://host:port/PATH)
AGI_PATH_CALLBACK = "callback"
VAR_CALLBACK_DIAL = "GOLDLINE_CALLBACK_DIAL"  # how the customer is dialled

# … of a seat that has its caller on hold: AGI(agi://host:port/PATH,CALL,SEAT)
AGI_PATH_TALK = "talk"

# … of a caller who is to prove who it is: AGI(agi://host:port/PATH,LINE,CHECKPOINT,TRIES)
AGI_PATH_VERIFY = "verify"

# An agent's keys within a talk: one UserEvent on the leg to the seat, made by Asterisk itself (features.conf)
USER_EVENT_KEY = "GoldlineTalkKey"
USER_EVENT_KEY_ACT = "Act"  # the act's name in agent_routing/feature_codes.yaml
FEATURE = "goldline-"  # before an act's name: its name in features.conf

# confbridge.conf
CONFERENCE = "goldline"
CONFERENCE_CALLER = "goldline-caller"
CONFERENCE_SEAT = "goldline-seat"

# PJSIP endpoints
SIP_REALM = "goldline"  # a part of every stored digest: with another one all passwords of seats are void
ENDPOINT_SELF = "goldline-self"  # the loopback account of `ivr dial`
ENDPOINT_TRUNK = "goldline-trunk"  # the trunk from which calls arrive
ENDPOINT_SOFTPHONE = "1001"  # the ready softphone account

# AMI accounts, each with the least rights for its work
AMI_EVENTS = "goldline-events"
AMI_ACTIONS = "goldline-actions"
AMI_MONITOR = "goldline-monitor"
AMI_RECORDER = "goldline-recorder"  # where calls go out: early media

# What the controller tells onlookers (`ivr monitor`) over AMI: one UserEvent for each thing that happens to a caller
# who waits, and to an agent's session. Made and read by ivr.queueing.news alone; the table stands in docs/monitor.md.
USER_EVENT = "GoldlineWait"
USER_EVENT_KIND = "Kind"  # as in the journal (db.events): wait.joined … talk.ended; or USER_EVENT_SESSION
USER_EVENT_CALL = "Call"  # the call's id
USER_EVENT_AGENT = "Agent"
USER_EVENT_SEAT = "Seat"
USER_EVENT_TIER = "Tier"
USER_EVENT_JOINED = "Joined"  # when the wait began: seconds since 1970, with three decimals
USER_EVENT_STATE = "State"  # of the agent's session …
USER_EVENT_SINCE = "Since"  # … from when on, as Joined …
USER_EVENT_REASON = "Reason"  # … of a pause, or of a seat that is gone …
USER_EVENT_VERSION = "Version"  # … and its version: the highest counts
USER_EVENT_HOW = "How"  # how a wait, an offer or a talk ended, as in the journal
USER_EVENT_WAITED = "Waited"  # seconds, when a wait ends in a talk or otherwise
USER_EVENT_PLACE = "Place"  # with wait.joined: the text of VAR_WAIT
USER_EVENT_SESSION = "session.changed"  # the one kind that is not in the journal

# Prompts that Asterisk itself plays when there is no controller, by catalogue id
PROMPT_BUSY = "all_lines_busy"
PROMPT_APOLOGY = "apology"
PROMPT_AWAY = "controller_away"
PROMPT_AWAY_MENU = "controller_away_menu"  # for a person press 1, or stay on the line
PROMPT_AWAY_QUEUE = "controller_away_queue"  # to who waits for a person already, or wants one
PROMPT_SAFE_HARBOUR = "outbound_nobody"  # to a customer whom we called, and with whom nobody can talk
PROMPT_ACCEPT = "accept_call"  # asks an agent for the key 1
PROMPT_WHISPER = "whisper_"  # … and the tier
PROMPTS_FIXED = (
    PROMPT_BUSY,
    PROMPT_APOLOGY,
    PROMPT_AWAY,
    PROMPT_AWAY_MENU,
    PROMPT_AWAY_QUEUE,
    PROMPT_SAFE_HARBOUR,
    PROMPT_ACCEPT,
    *(f"{PROMPT_WHISPER}{tier}" for tier in ("platinum", "gold", "silver", "normal")),
)

# Asterisk's own queue, for the time without a controller
QUEUE_AWAY = "goldline-away"
STATE_SEAT = "Custom:goldline-"  # … and a seat's id: the device whose state says that the seat has a call of ours
# What the dialplan writes into the record of that queue (queue_log), beside what app_queue itself writes
AWAY_CAME = "CAME"  # CALLER|LINE: a caller who found no controller for long
AWAY_WAITS = "WAITS"  # TIER|MILLISECONDS: waits there from now on; the joining time as in VAR_WAIT
AWAY_NOBODY = "NOBODY"  # there was no seat at work, and the caller was told so
AWAY_GONE = "GONE"  # the call is over
# … and of customers whom we called, and who answered when there was no controller
QUEUE_OUTBOUND = "goldline-outbound"
OUTBOUND_NOBODY = "NOBODY"  # was told who called


def names() -> dict[str, str]:
    """All of the above as template variables: ``{"VAR_LINE": "GOLDLINE_LINE", …}``."""
    return {key: value for key, value in globals().items() if key.isupper() and isinstance(value, str)}
