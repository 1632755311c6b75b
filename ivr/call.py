"""The verbs a flow may use on a call: answer, play, press, gather, record, checkpoint, finish.

One verb is one or two AGI commands; what callers do to us (keys before the prompt ends, a late ``#``, one digit too
many, hanging up anywhere) is settled here, so that flows never see it. Knows nothing of flows or services.

Sources: Asterisk's ``res/res_agi.c`` for the commands, ``main/app.c`` (``ast_app_getdata``) for how GET DATA ends,
``handle_recordfile`` for how RECORD FILE does.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, Protocol

from ivr.agi.errors import AgiError, CallerHungUp
from ivr.agi.protocol import Answer
from ivr.contract import VAR_CHECKPOINT, VAR_DONE, VAR_TALK, VAR_TRIES, VAR_WAIT
from ivr.speech.utterance import Sound, Utterance

ALL_KEYS = "0123456789*#"
SETTLE_SECONDS = 1.0  # after the last possible digit: time for the closing `#`, or for a digit too many
LATE_END_SECONDS = 3.0  # a closing `#` that comes this late still belongs to the digits, not to the next prompt
SAMPLES_PER_SECOND = 8000  # of endpos; a file at 16,000 seems twice as long, which errs on the side of not hurried
NEARLY_SECONDS = 0.1  # a key so shortly before the end of a prompt was not pressed ahead
MARGIN_SECONDS = 30.0
"""What a command may take beyond what it plays and waits. Not less than ``limits.command_seconds``, which the others
have: a session whose deadlines only grow need not set its timer anew for each (``ivr.agi.session``)."""
MOST_DIGITS = 64  # of one entry; GET DATA's own buffer is 1,024 (res_agi.c, handle_getdata)

MUSIC_SECONDS = 60.0  # of one wait in music at most: a session shows some life now and then

GatherEnd = Literal["length", "end_key", "cancel_key", "silence", "too_many"]


class PlaybackFailed(AgiError):
    """Asterisk could not play a sound that we gave it, though the caller is there."""

    error_id = "playback-failed"


class RecordingFailed(AgiError):
    """Asterisk could not record into the file that we named, though the caller is there."""

    error_id = "recording-failed"


class Channel(Protocol):
    """What a call needs of its session with Asterisk (``ivr.agi.server.AgiSession``, or a fake one)."""

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def hung_up(self) -> bool: ...

    async def command(self, *words: str | int | float, deadline: float | None = None) -> Answer: ...


class Voice(Protocol):
    """What a call needs of speech (``ivr.speech.composer.Composer``): words in, a playable file out."""

    def ready(self, utterance: Utterance) -> Sound | None: ...

    async def compose(self, utterance: Utterance) -> Sound: ...


class Played(NamedTuple):
    """How a prompt ended. ``key`` is the key that cut it short, empty when it was heard to the end."""

    key: str
    seconds: float


class Gathered(NamedTuple):
    """The digits of one entry (without the end key) and what ended it."""

    digits: str
    ended: GatherEnd


class Recorded(NamedTuple):
    """How a recording ended: ``seconds`` of sound in the file, and the key that ended it, if one did."""

    seconds: float
    key: str


NORMAL_CLEARING: Final = 16  # Q.850: somebody put the receiver down


class Returned(NamedTuple):
    """How an offer of this call to a seat ended, as the dialplan tells it (VAR_TALK, written in CONTEXT_OFFER).

    ``talked`` in seconds; None: the two never talked. ``cause`` is the seat's hang-up cause (Q.850), 0 when it was not
    known yet: the leg to the seat ends in a thread of its own. ``offer`` is the last offer's id (VAR_OFFER_ID).
    """

    status: str
    cause: int
    talked: float | None
    seat: str
    offer: str = ""

    @property
    def cut(self) -> bool:
        """The seat's line dropped in the middle of the talk."""
        return self.talked is not None and self.cause not in (0, NORMAL_CLEARING)


class Call:
    """One caller, from the moment Asterisk hands the call over until it is given back.

    Every verb raises CallerHungUp when the caller is gone, and another AgiError when Asterisk refuses.
    """

    def __init__(self, channel: Channel, voice: Voice, *, aside: Callable[[str, str], None] | None = None) -> None:
        """``aside(call id, checkpoint)`` leaves a checkpoint by another road than this session, without waiting."""
        self._channel = channel
        self._aside = aside
        self._voice = voice
        self._typed_ahead: deque[str] = deque()
        self._late_end: tuple[str, float] | None = None
        self.hurried = False
        """The last question was answered before it was asked out: more keys may be on their way, and Asterisk drops
        those that end while no command runs. Leave no more than one command's time between this key and the next
        question."""
        environment = channel.environment
        self.id = environment.get("agi_uniqueid", "")
        self.caller = _known(environment.get("agi_callerid", ""))
        self.caller_name = _known(environment.get("agi_calleridname", ""))
        self.channel_name = environment.get("agi_channel", "")
        self.line = environment.get("agi_arg_1", "") or _known(environment.get("agi_dnid", ""))
        self.carried_checkpoint = environment.get("agi_arg_2", "")
        self.was_lost = environment.get("agi_arg_3", "").strip("0") != ""
        """The dialplan has looked for a controller before it found us, and counts that."""
        self.returned = _returned(*(environment.get(f"agi_arg_{number}", "") for number in (4, 5, 6)))
        self._checkpoint = self.carried_checkpoint

    @property
    def hung_up(self) -> bool:
        """The caller is known to be gone."""
        return self._channel.hung_up

    @property
    def keys_waiting(self) -> bool:
        """The caller has typed ahead."""
        return bool(self._typed_ahead)

    async def answer(self) -> None:
        """Pick up. Harmless on a call that is up."""
        await self._channel.command("ANSWER")

    async def progressed(self) -> None:
        """The call got somewhere with this controller: the dialplan may stop counting how often it lost one.

        Not before: a call that brings every controller down must not go round for ever.
        """
        self.was_lost = False
        await self._channel.command("SET", "VARIABLE", VAR_TRIES, 0)

    async def play(self, utterance: Utterance, *, until_end: bool = False) -> Played:
        """Say something. A key cuts it short and waits for the next ``press`` or ``gather``.

        With ``until_end`` it is said to the end all the same; keys pressed meanwhile still wait.
        """
        sound = self._voice.ready(utterance) or await self._voice.compose(utterance)
        began = time.monotonic()
        offset = 0
        first_key = ""
        while True:
            answer = await self._channel.command(
                "STREAM", "FILE", sound.path, ALL_KEYS, offset, deadline=sound.seconds + MARGIN_SECONDS
            )
            _check_played(answer, sound)
            key = answer.digit
            if key and self._is_late_end(key):
                offset = answer.endpos or 0
                continue
            if key:
                self._typed_ahead.append(key)
                first_key = first_key or key
                if until_end:
                    offset = answer.endpos or 0
                    continue
            return Played(first_key, time.monotonic() - began)

    async def play_unless(self, utterance: Utterance, keys: str) -> str:
        """Say something to the end, unless one of these keys is pressed, which ends it at once and is returned.

        Other keys, also those that were typed ahead, mean nothing here: they answer what was not yet said.
        """
        ahead, self._late_end = list(self._typed_ahead), None
        self._typed_ahead.clear()
        for key in ahead:
            if key in keys:
                return key
        sound = self._voice.ready(utterance) or await self._voice.compose(utterance)
        offset = 0
        while True:
            answer = await self._channel.command(
                "STREAM", "FILE", sound.path, keys, offset, deadline=sound.seconds + MARGIN_SECONDS
            )
            _check_played(answer, sound)
            if not answer.digit or answer.digit in keys:
                return answer.digit
            offset = answer.endpos or 0

    async def press(self, utterance: Utterance, *, seconds: float) -> str:
        """Ask for one key: say the prompt, then wait. Returns the key, or an empty string for silence."""
        if self._typed_ahead:
            self._late_end = None
            self.hurried = True
            return self._typed_ahead.popleft()
        sound = self._voice.ready(utterance) or await self._voice.compose(utterance)
        deadline = sound.seconds + seconds + MARGIN_SECONDS
        answer = await self._channel.command("GET", "OPTION", sound.path, ALL_KEYS, _ms(seconds), deadline=deadline)
        _check_played(answer, sound)
        key = answer.digit
        heard = math.inf if answer.endpos is None else answer.endpos / SAMPLES_PER_SECOND
        self.hurried = bool(key) and heard < sound.seconds - NEARLY_SECONDS
        if key and self._is_late_end(key):
            return await self.press(utterance, seconds=seconds)
        if not key:
            # A caller who hangs up in the wait reads as silence (res_agi.c, handle_getoption): ask whether anyone is
            # there, so that nothing is said to nobody and the journal does not call it silence.
            await self._channel.command("CHANNEL", "STATUS")
            if self._channel.hung_up:
                raise CallerHungUp(verb="GET OPTION")
        return key

    async def gather(
        self, utterance: Utterance, *, most: int, end: str = "#", cancel: str = "", seconds: float = 5.0
    ) -> Gathered:
        """Ask for digits: say the prompt, collect until ``most`` digits, the end key, or ``seconds`` of silence.

        The prompt and the first key are one command, so that ``cancel`` works at once; one digit too many is noticed
        (``too_many``), not left over for whatever comes next.
        """
        digits = ""
        while len(digits) <= most:
            if self._typed_ahead or not digits:
                key = await self.press(utterance, seconds=seconds)
            else:
                break
            if not key:
                return Gathered(digits, "silence")
            if key == end:
                return Gathered(digits, "end_key")
            if key == cancel:
                return Gathered("", "cancel_key")
            digits += key
        if len(digits) > most:
            return await self._too_many(digits, end, seconds)
        missing = most - len(digits)
        if missing:
            # The rest is collected inside Asterisk, so that a slow moment of ours loses no digit.
            deadline = seconds * missing + MARGIN_SECONDS
            answer = await self._channel.command("GET", "DATA", "", _ms(seconds), missing, deadline=deadline)
            digits += answer.result
            if cancel and cancel in answer.result:
                return Gathered("", "cancel_key")
            if answer.timed_out:
                return Gathered(digits, "silence")
            if len(answer.result) < missing:
                return Gathered(digits, "end_key")
        return await self._settle(digits, end, seconds)

    async def record(self, path: str, *, beep: str, most: float, silence: float, end: str = "#") -> Recorded:
        """Beep, and record what the caller says into ``path`` (8 kHz, ``.wav``).

        Ends at the key ``end``, after ``silence`` seconds of silence or ``most`` seconds in all. When the caller hangs
        up CallerHungUp is raised, and what was said until then is in the file. Not with the command's own beep: that
        plays a sound of Asterisk's, which need not be there.
        """
        self._typed_ahead.clear()  # a key from before is no answer to what is said now
        await self._channel.command("STREAM", "FILE", beep, "", deadline=MARGIN_SECONDS)
        answer = await self._channel.command(
            "RECORD", "FILE", path, "wav", end, _ms(most), f"s={math.ceil(silence)}", deadline=most + MARGIN_SECONDS
        )
        if answer.result == "-1":
            raise RecordingFailed(
                f"Asterisk could not write {path}.", remedy="Is the folder there, writable, and the disk not full?"
            )
        return Recorded((answer.endpos or 0) / SAMPLES_PER_SECOND, answer.digit)

    async def checkpoint(self, text: str) -> None:
        """Leave a mark on the channel, so that a restarted controller can go on from here. ``text``: no commas."""
        if text != self._checkpoint:
            self._checkpoint = text
            await self._channel.command("SET", "VARIABLE", VAR_CHECKPOINT, text)

    def checkpoint_aside(self, text: str) -> None:
        """The same without a command, for a caller in a hurry: no key is lost for it. A little later, or never."""
        if self._aside and text != self._checkpoint:
            self._checkpoint = text
            self._aside(self.id, text)

    async def carried_place(self) -> str:
        """The place in the queue that the channel carries (``ivr.contract.VAR_WAIT``); empty for none."""
        return await self.carried(VAR_WAIT)

    async def keep_place(self, text: str) -> None:
        """Have the channel carry this place in the queue from now on; empty: none. The last offer is done with."""
        self.returned = None
        await self._channel.command("SET", "VARIABLE", VAR_WAIT, text)
        await self._channel.command("SET", "VARIABLE", VAR_TALK, "")

    async def wait_in_music(self, music: str, seconds: float) -> str:
        """Music of that class, until a key is pressed (returned), or for so long (at most MUSIC_SECONDS)."""
        if self._typed_ahead:
            return self._typed_ahead.popleft()
        seconds = min(seconds, MUSIC_SECONDS)
        await self._channel.command("SET", "MUSIC", "ON", music)
        key = await self._wait_for_key(seconds)
        await self._channel.command("SET", "MUSIC", "OFF")
        return key

    async def wait_quietly(self, seconds: float) -> str:
        """Silence, until a key is pressed (returned), or for so long."""
        if self._typed_ahead:
            return self._typed_ahead.popleft()
        return await self._wait_for_key(seconds)

    async def more_digits(self, most: int, *, seconds: float) -> str:
        """What else is keyed, in silence, in one command: so many digits, or until ``seconds`` without one."""
        answer = await self._channel.command(
            "GET", "DATA", "", _ms(seconds), most, deadline=seconds * most + MARGIN_SECONDS
        )
        return answer.result

    async def carried(self, name: str) -> str:
        """A variable that the channel carries; empty for none."""
        answer = await self._channel.command("GET", "VARIABLE", name)
        return (answer.data or "") if answer.result == "1" else ""

    async def carry(self, variables: Mapping[str, str]) -> None:
        """Have the channel carry these variables."""
        for name, value in variables.items():
            await self._channel.command("SET", "VARIABLE", name, value)

    async def finish(self, how: str) -> None:
        """Hand the call back to the dialplan: the session ended well (``ivr.contract.DONE_*``). The last command."""
        await self._channel.command("SET", "VARIABLE", VAR_DONE, how)

    async def _settle(self, digits: str, end: str, seconds: float) -> Gathered:
        if not end:
            return Gathered(digits, "length")
        key = await self._wait_for_key(SETTLE_SECONDS)
        if key == end:
            return Gathered(digits, "end_key")
        if key:
            return await self._too_many(digits + key, end, seconds)
        self._late_end = (end, time.monotonic() + LATE_END_SECONDS)
        return Gathered(digits, "length")

    async def _too_many(self, digits: str, end: str, seconds: float) -> Gathered:
        """Let the caller finish typing, so that the rest does not answer the next question."""
        while len(digits) < MOST_DIGITS:
            if self._typed_ahead:
                key = self._typed_ahead.popleft()
            else:
                key = await self._wait_for_key(min(seconds, 2.0))
            if not key or key == end:
                break
            digits += key
        return Gathered(digits, "too_many")

    def _is_late_end(self, key: str) -> bool:
        late, self._late_end = self._late_end, None
        return late is not None and key == late[0] and time.monotonic() < late[1]

    async def _wait_for_key(self, seconds: float) -> str:
        answer = await self._channel.command("WAIT", "FOR", "DIGIT", _ms(seconds), deadline=seconds + MARGIN_SECONDS)
        return answer.digit


def _check_played(answer: Answer, sound: Sound) -> None:
    if answer.result == "-1":  # the caller is there (the session would have raised), so it was the file
        raise PlaybackFailed(
            f"Asterisk could not play {sound.path}.",
            remedy="Look for the file in the run directory's sounds and for its format module in modules.conf.",
        )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _returned(text: str, cause: str, offer: str) -> Returned | None:
    """Written by our own dialplan; what is not of its form says nothing."""
    status, _, rest = text.partition(":")
    ms, _, seat = rest.partition(":")
    if not status or not seat:
        return None
    talked = int(ms) / 1000 if _is_number(ms) else None
    return Returned(status, int(cause) if _is_number(cause) else 0, talked, seat, offer)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _known(value: str) -> str:
    """AGI writes ``unknown`` where Asterisk knows nothing (res_agi.c, setup_env)."""
    return "" if value == "unknown" else value
