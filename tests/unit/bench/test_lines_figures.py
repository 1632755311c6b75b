"""The figures of bench/lines.py, from packets as a capture gives them."""

from __future__ import annotations

import pytest

from bench.lines_parts import ears
from bench.lines_parts.capture import Turns, read_turns

AGI = 4573
CALLER = 50000


def turns_of(*packets: tuple[float, str, str]) -> Turns:
    """Packets of one session: when (ms), who (``we``, ``asterisk``) and what."""
    rows = [
        f"{1700000000 + at / 1000:.6f}\t0\t{AGI if who == 'we' else CALLER}\t{(what + chr(10)).encode().hex()}"
        for at, who, what in packets
    ]
    return read_turns(rows, AGI)


def in_ms(seconds: list[float]) -> list[float]:
    return [round(1000 * one) for one in seconds]


def test_a_key_is_timed_to_the_next_command_and_to_the_next_sound() -> None:
    turns = turns_of(
        (0, "asterisk", "agi_network: yes"),
        (1, "asterisk", "agi_arg_1: 95500\n"),
        (3, "we", "ANSWER"),
        (10, "asterisk", "200 result=0"),
        (11, "we", 'GET OPTION "menu" "0123456789*#" 5000'),
        (5000, "asterisk", "200 result=49 endpos=20160"),
        (5004, "we", 'SET VARIABLE "X" 1'),
        (5006, "asterisk", "200 result=1"),
        (5007, "we", 'STREAM FILE "price" "0123456789*#" 0'),
    )
    assert in_ms(turns.all) == [2, 1, 4, 1]
    assert in_ms(turns.after_key) == [4]
    assert in_ms(turns.key_to_sound) == [7]
    assert in_ms(turns.asterisk) == [7, 2]
    assert turns.sessions == 1


@pytest.mark.parametrize("answer", ["200 result=0 endpos=10", "200 result=-1 endpos=10", "200 result= (timeout)"])
def test_silence_and_hang_up_are_no_keys(answer: str) -> None:
    turns = turns_of((0, "we", 'GET DATA "" 5000 6'), (9, "asterisk", answer), (12, "we", "CHANNEL STATUS"))
    assert (in_ms(turns.all), turns.after_key, turns.key_to_sound) == ([3], [], [])


def test_a_hang_up_while_a_command_runs_is_no_answer() -> None:
    turns = turns_of(
        (0, "we", 'STREAM FILE "a" "" 0'), (5, "asterisk", "HANGUP"), (6, "asterisk", "200 result=0 endpos=1")
    )
    assert turns.all == []


def rtp(number: int, sound: bytes = b"", marker: bool = False) -> bytes:
    return bytes([0x80, ears.PCMA | (0x80 if marker else 0)]) + number.to_bytes(2, "big") + bytes(8) + sound


def test_lost_packets_are_counted_across_the_end_of_the_numbers_but_not_between_prompts() -> None:
    assert ears.lost([rtp(65534), rtp(65535), rtp(0), rtp(2)]) == 1
    assert ears.lost([rtp(7), rtp(9000, marker=True), rtp(9001)]) == 0


def test_silence_of_a_line_is_not_sound() -> None:
    assert ears.loud_share(b"\xd5\x55" * 80) == 0.0
    assert ears.loud_share(bytes([0xD5, 0xAA])) == 0.5  # the loudest code there is
    assert ears.loud_share(b"") == 0.0
