"""The rules of Asterisk's AMD application, re-stated: what app_amd.c decides with the defaults of amd.conf.

It counts 20 ms frames of sound and of silence (the mean magnitude of a frame below 256) and words between silences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.announcements_parts.voices import RATE, Sound


@dataclass(frozen=True)
class AmdRules:
    """Its parameters in milliseconds, with the names and the defaults of amd.conf."""

    initial_silence: int = 2500
    greeting: int = 1500
    after_greeting_silence: int = 800
    total_analysis_time: int = 5000
    min_word_length: int = 100
    between_words_silence: int = 50
    maximum_number_of_words: int = 3
    silence_threshold: int = 256
    maximum_word_length: int = 5000


def asterisk_amd(sound: Sound, rules: AmdRules | None = None) -> tuple[Literal["person", "machine", "not_sure"], float]:
    """What AMD says of this sound, and after how many seconds."""
    rules = rules or AmdRules()
    frame_ms, total = 20, 0
    quiet = voice = in_a_row = words = 0
    first_silence, greeting, word = True, False, True
    size = RATE * frame_ms // 1000
    for begin in range(0, len(sound) - size + 1, size):
        total += frame_ms
        if total >= rules.total_analysis_time:
            return "not_sure", total / 1000
        loud = float(np.abs(sound[begin : begin + size]).mean()) * 32768 >= rules.silence_threshold
        if not loud:
            quiet += frame_ms
            if quiet >= rules.between_words_silence:
                word, in_a_row = False, 0
            if first_silence and quiet >= rules.initial_silence:
                return "machine", total / 1000
            if greeting and quiet >= rules.after_greeting_silence:
                return "person", total / 1000
            continue
        quiet = 0
        voice += frame_ms
        in_a_row += frame_ms
        if in_a_row >= rules.min_word_length and not word:
            words += 1
            word = True
        if in_a_row >= rules.maximum_word_length or words >= rules.maximum_number_of_words:
            return "machine", total / 1000
        if greeting and voice >= rules.greeting:
            return "machine", total / 1000
        if in_a_row >= rules.min_word_length and not greeting:
            first_silence, greeting = False, True
    return "not_sure", total / 1000
