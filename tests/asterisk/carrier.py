"""A whole telephone network: a second Asterisk, and behind it a telephone for every mobile number there is.

How a telephone behaves is written in its number: ``139``, two digits of ``Behaviour``, two digits of seconds that it
rings first, four digits of its own. Every INVITE that arrives stands in the network's own record (``Carrier.record``):
whether somebody was dialled twice is judged by it, and not by what the dialler believes.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np

from ivr.asterisk import locate
from ivr.asterisk.layout import Layout
from ivr.asterisk.process import Asterisk
from ivr.asterisk.secrets_file import write_private
from ivr.speech.audio import alaw

LOOPBACK: Final = "127.0.0.1"
RATE: Final = 8000
PICKED_UP: Final = "UP_"  # and the number: a variable of the network's dialplan
RECORD: Final = "carrier"  # the "queue" under which the record is kept: app_queue's log is a fast one


class Behaviour(Enum):
    """What a telephone does when it is called."""

    PERSON = "00"  # answers, says hello, and stays on the line
    GLIMPSE = "01"  # answers, and puts the receiver down after half a second
    SHORT = "02"  # … after five
    PRESSES_1 = "03"  # answers, and presses 1 again and again
    PRESSES_9 = "04"  # … 9, once, after three seconds
    PROVES = "06"  # … 1, then the last four digits of its own number, then 1 again and again
    WHEN_TOLD = "05"  # rings until the test says otherwise (``Carrier.answer``); then a person
    TALKS = "06"  # answers, talks for two to four seconds (by the last digit), and puts the receiver down
    BUSY = "10"  # 486
    RINGS = "11"  # rings for ever
    NO_SUCH = "12"  # 404
    DECLINES = "13"  # 603
    OVERLOADED = "14"  # 503
    NOT_THERE = "15"  # 480
    FORBIDDEN = "16"  # 403
    SILENT = "17"  # the network works on it, and says nothing more
    # Early media (183), an announcement, then a code that says little:
    SAYS_UNALLOCATED = "20"
    SAYS_STOPPED = "21"
    SAYS_SWITCHED_OFF = "22"
    SAYS_OUT_OF_REACH = "23"
    SAYS_BUSY = "24"
    MACHINE = "30"  # a greeting, a beep, and silence
    FAX = "31"


ANNOUNCES: Final = {
    Behaviour.SAYS_UNALLOCATED: "unallocated",
    Behaviour.SAYS_STOPPED: "stopped",
    Behaviour.SAYS_SWITCHED_OFF: "switched_off",
    Behaviour.SAYS_OUT_OF_REACH: "out_of_reach",
    Behaviour.SAYS_BUSY: "busy",
}
_own = itertools.count()


def number(behaviour: Behaviour, rings: int = 0) -> str:
    """The number of a telephone that nobody has dialled yet, as people write it. ``rings`` in seconds."""
    return f"139{behaviour.value}{rings:02d}{next(_own):04d}"


@dataclass(frozen=True, slots=True)
class Dialled:
    """One line of the network's record. ``at`` in seconds since 1970, to the millisecond."""

    at: float
    channel: str
    number: str
    what: str  # INVITE, ANSWER, GONE
    caller: str


class Carrier:
    """The network, while it runs. ``process`` is its Asterisk."""

    def __init__(self, process: Asterisk, layout: Layout, port: int) -> None:
        self.process = process
        self.layout = layout
        self.port = port

    def record(self) -> list[Dialled]:
        """All that it saw, in order."""
        try:
            lines = self.layout.queue_log.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            parts = line.split("|")
            if len(parts) >= 7 and parts[2] == RECORD:
                found.append(Dialled(int(parts[6]) / 1000, parts[1], parts[3], parts[4], parts[5]))
        return found

    def invited(self) -> Counter[str]:
        """How often each number was dialled."""
        return Counter(one.number for one in self.record() if one.what == "INVITE")

    def answer(self, number: str) -> None:
        """The telephone that rings is picked up."""
        self.process.cli(f"dialplan set global {PICKED_UP}{number} 1")

    def trunk(self, name: str = "carrier", **more: object) -> dict[str, object]:
        """The settings of a trunk that leads here (``sip.trunks``)."""
        return {"name": name, "host": LOOPBACK, "port": self.port, **more}


@contextmanager
def carrier(
    port: int, rtp_first: int, announcements: Mapping[str, bytes] | None = None, rtp_ports: int = 2000
) -> Iterator[Carrier]:
    """The network, running on this SIP port. ``announcements``: A-law by what they say; tones where none is given."""
    run_dir = Path(tempfile.mkdtemp(prefix="carrier-"))  # a control socket's path may have 107 bytes
    installation = locate.find(Path.home() / ".cache" / "goldline")
    layout = Layout(run_dir)
    layout.create()
    sounds = run_dir / "sounds"
    said = {**_tones(), **(announcements or {})}
    for name, sound in said.items():
        (sounds / f"{name}.alaw").write_bytes(sound)
    for name, text in _files(layout, installation.module_dir, installation.root, port, rtp_first, rtp_ports).items():
        write_private(layout.etc_dir / name, text)
    process = Asterisk(installation, layout)
    process.launch()
    try:
        process.wait_until_booted()
        yield Carrier(process, layout, port)
    finally:
        process.stop()
        shutil.rmtree(run_dir)


def _tones() -> dict[str, bytes]:
    """Sounds of our own making, where a test gives no better ones."""

    def tone(hertz: float, seconds: float) -> np.ndarray:
        return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE) * 8000

    def quiet(seconds: float) -> np.ndarray:
        return np.zeros(int(seconds * RATE))

    hello = np.concatenate([tone(250, 0.3), quiet(0.1), tone(350, 0.3)])
    sounds = {
        "hello": hello,
        "greeting": np.concatenate([tone(200 + 40 * step, 0.35) for step in range(8)] + [quiet(0.3), tone(1000, 0.5)]),
        "fax": tone(2100, 3.0),
    }
    for place, name in enumerate(ANNOUNCES.values()):
        sounds[name] = np.concatenate([tone(300 + 100 * place, 0.5), quiet(0.2)] * 3)
    return {name: alaw.encode(sound.astype(np.int16)) for name, sound in sounds.items()}


MODULES: Final = """
app_exec app_playback app_queue app_senddtmf app_stack chan_pjsip codec_alaw codec_resample codec_ulaw
format_pcm func_callerid func_channel func_cut func_logic func_strings pbx_config res_musiconhold res_pjproject
res_pjsip res_pjsip_authenticator_digest res_pjsip_caller_id res_pjsip_dtmf_info
res_pjsip_endpoint_identifier_anonymous res_pjsip_endpoint_identifier_ip res_pjsip_header_funcs res_pjsip_nat
res_pjsip_pubsub res_pjsip_rfc3326 res_pjsip_sdp_rtp res_pjsip_session res_rtp_asterisk res_sorcery_astdb
res_sorcery_config res_sorcery_memory res_speech res_timing_timerfd
"""
EMPTY: Final = ("udptl.conf", "ccss.conf", "features.conf", "cdr.conf", "cel.conf", "queues.conf")  # but must be there


def _files(layout: Layout, modules: Path, root: Path, port: int, rtp_first: int, rtp_ports: int) -> dict[str, str]:
    var = layout.var_dir
    return {
        "asterisk.conf": f"""[directories]
astetcdir => {layout.etc_dir}
astmoddir => {modules}
astdatadir => {root / "usr/share/asterisk"}
astvarlibdir => {var}
astdbdir => {var}
astkeydir => {var}
astagidir => {var}/agi-bin
astspooldir => {var}/spool
astrundir => {layout.control_socket.parent}
astlogdir => {layout.log_dir}
astsbindir => {var}
[files]
astctlpermissions = 0600
astctl = {layout.control_socket.name}
[options]
systemname = carrier
transmit_silence = yes
documentation_language = en_US
""",
        "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in MODULES.split()),
        "logger.conf": f"[general]\nqueue_log = yes\n[logfiles]\n{layout.messages_log.name} = warning,error\n",
        "stasis.conf": "[threadpool]\n",
        "pjproject.conf": "[startup]\ntype = startup\n",
        **dict.fromkeys(EMPTY, "[general]\n"),
        "acl.conf": "",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {layout.music_dir}\n",
        "rtp.conf": f"[general]\nrtpstart = {rtp_first}\nrtpend = {rtp_first + rtp_ports - 1}\n",
        "pjsip.conf": f"""[global]
type = global
user_agent = carrier
endpoint_identifier_order = anonymous
[udp]
type = transport
protocol = udp
bind = {LOOPBACK}:{port}
[anonymous]
type = endpoint
context = outside
disallow = all
allow = alaw
direct_media = no
dtmf_mode = rfc4733
bind_rtp_to_media_address = yes
media_address = {LOOPBACK}
""",
        "extensions.conf": _dialplan(layout.run_dir / "sounds"),
    }


def _dialplan(sounds: Path) -> str:
    write = (
        "QueueLog("
        + RECORD
        + ",${UNIQUEID},${PHONE},%s,${FILTER(0-9+,${CALLERID(num)})}|${STRFTIME(${EPOCH},,%%s)}${STRFTIME(,,%%3q)})"
    )
    lines = [
        "[general]",
        "static = yes",
        "[outside]",
        "exten => _X.,1,Set(PHONE=${FILTER(0-9,${EXTEN})})",
        f" same => n,{write % 'INVITE'}",
        " same => n,Set(CHANNEL(hangup_handler_push)=gone,s,1)",
        " same => n,Goto(b${EXTEN:3:2},s,1)",
        "[gone]",
        f"exten => s,1,{write % 'GONE'}",
        " same => n,Return()",
    ]
    ring = ["Ringing()", "Wait(${PHONE:5:2})"]
    answer = [*ring, write % "ANSWER", "Answer()"]
    ends = {
        Behaviour.PERSON: [*answer, f"Playback({sounds}/hello)", "Wait(7200)"],
        Behaviour.WHEN_TOLD: [
            "Ringing()",
            "Wait(0.1)",
            f'GotoIf($["${{{PICKED_UP}${{PHONE}}}}" = ""]?2)',
            *answer[2:],
            f"Playback({sounds}/hello)",
            "Wait(7200)",
        ],
        Behaviour.TALKS: [*answer, "Wait($[2 + ${PHONE:-1} % 3])", "Hangup(16)"],
        Behaviour.GLIMPSE: [*answer, "Wait(0.5)", "Hangup(16)"],
        Behaviour.SHORT: [*answer, f"Playback({sounds}/hello)", "Wait(4.3)", "Hangup(16)"],
        Behaviour.PRESSES_1: [*answer, "Wait(2)", "SendDTMF(1)", "Goto(5)"],
        Behaviour.PRESSES_9: [*answer, "Wait(3)", "SendDTMF(9)", "Wait(7200)"],
        Behaviour.PROVES: [
            *answer,
            "Wait(5)",
            "SendDTMF(1)",
            "Wait(4)",
            "SendDTMF(${PHONE:-4})",
            "Wait(2)",
            "SendDTMF(1)",
            f"Goto({len(answer) + 5})",
        ],
        Behaviour.BUSY: ["Wait(${PHONE:5:2})", "PJSIPHangup(486)"],
        Behaviour.RINGS: ["Ringing()", "Wait(7200)"],
        Behaviour.NO_SUCH: ["Wait(${PHONE:5:2})", "PJSIPHangup(404)"],
        Behaviour.DECLINES: [*ring, "PJSIPHangup(603)"],
        Behaviour.OVERLOADED: ["Wait(${PHONE:5:2})", "PJSIPHangup(503)"],
        Behaviour.NOT_THERE: ["Wait(${PHONE:5:2})", "PJSIPHangup(480)"],
        Behaviour.FORBIDDEN: ["Wait(${PHONE:5:2})", "PJSIPHangup(403)"],
        Behaviour.SILENT: ["Wait(7200)"],
        Behaviour.MACHINE: [*answer, f"Playback({sounds}/greeting)", "Wait(7200)"],
        Behaviour.FAX: [*answer, f"Playback({sounds}/fax)", "Wait(7200)"],
    }
    for behaviour, name in ANNOUNCES.items():
        wait = ["Progress()", "Wait(${PHONE:5:2})", f"Playback({sounds}/{name},noanswer)"]
        ends[behaviour] = [*wait, "Wait(0.3)", "PJSIPHangup(480)"]
    for behaviour, steps in ends.items():
        lines += [f"[b{behaviour.value}]", f"exten => s,1,{steps[0]}", *(f" same => n,{step}" for step in steps[1:])]
    return "\n".join(lines) + "\n"
