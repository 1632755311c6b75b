"""The call that every peer runs: 13 commands, with the answers the generator gives. One list for all.

The flow engine chooses its commands itself, so its call is 13 commands of its own: prompts, keys and variables alike.
"""

from __future__ import annotations

# Each command as the words of it; the generator answers by its place in the list.
COMMANDS: list[tuple[str, ...]] = [
    ("ANSWER",),
    ("STREAM", "FILE", "welcome", "0123456789*#"),
    ("GET", "OPTION", "main-menu", "12", "3000"),
    ("GET", "VARIABLE", "CUSTOMER_TIER"),
    ("SET", "VARIABLE", "FLOW_POSITION", "main/menu"),
    ("STREAM", "FILE", "enter-code", ""),
    ("GET", "DATA", "beep", "5000", "6"),
    ("GET", "VARIABLE", "CALLERID(name)"),
    ("STREAM", "FILE", "your-balance-is", "#"),
    ("GET", "OPTION", "more", "19", "3000"),
    ("GET", "VARIABLE", "CHANNEL(language)"),
    ("SET", "VARIABLE", "RESULT", "done"),
    ("HANGUP",),
]

ANSWERS: list[bytes] = [
    b"200 result=0\n",
    b"200 result=0 endpos=36480\n",
    b"200 result=49 endpos=20160\n",
    b"200 result=1 (gold)\n",
    b"200 result=1\n",
    b"200 result=0 endpos=16000\n",
    b"200 result=600519\n",
    b"200 result=1 (Zhang San (gold))\n",
    b"200 result=35 endpos=12800\n",
    b"200 result=57 endpos=8000\n",
    b"200 result=1 (zh)\n",
    b"200 result=1\n",
    b"200 result=1\n",
]

# What the handler must have understood, so that a server cannot be quick by not looking.
EXPECTED: list[str] = ["0", "0", "49", "gold", "1", "0", "600519", "Zhang San (gold)", "35", "57", "zh", "1", "1"]

# What the flow of ``engine.yaml`` makes of a caller who presses 1 and 600519: start of each command, and the answer.
ENGINE: list[tuple[bytes, bytes]] = [
    (b"SET VARIABLE GOLDLINE_CHECKPOINT", b"200 result=1\n"),
    (b"ANSWER", b"200 result=0\n"),
    (b"STREAM FILE", b"200 result=0 endpos=36480\n"),
    (b"SET VARIABLE GOLDLINE_CHECKPOINT", b"200 result=1\n"),
    (b"GET OPTION", b"200 result=49 endpos=800000\n"),
    (b"SET VARIABLE GOLDLINE_CHECKPOINT", b"200 result=1\n"),
    (b"GET OPTION", b"200 result=54 endpos=20160\n"),
    (b"GET DATA", b"200 result=00519\n"),
    (b"SET VARIABLE GOLDLINE_CHECKPOINT", b"200 result=1\n"),
    (b"STREAM FILE", b"200 result=0 endpos=64000\n"),
    (b"SET VARIABLE GOLDLINE_CHECKPOINT", b"200 result=1\n"),
    (b"STREAM FILE", b"200 result=0 endpos=12800\n"),
    (b"SET VARIABLE GOLDLINE_DONE hangup", b"200 result=1\n"),
]

ENVIRONMENT: bytes = (
    b"agi_network: yes\nagi_network_script: call\nagi_request: agi://127.0.0.1/call\n"
    b"agi_channel: PJSIP/goldline-trunk-0000%04d\nagi_language: zh\nagi_type: PJSIP\nagi_uniqueid: 1700000000.%d\n"
    b"agi_version: 22.5.0\nagi_callerid: 13800138000\nagi_calleridname: unknown\nagi_callingpres: 0\n"
    b"agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: 95500\nagi_rdnis: unknown\n"
    b"agi_context: goldline-call\nagi_extension: s\nagi_priority: 2\nagi_enhanced: 0.0\nagi_accountcode: \n"
    b"agi_threadid: 140223344556677\nagi_arg_1: 95500\n\n"
)
