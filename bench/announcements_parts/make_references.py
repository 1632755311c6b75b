"""Makes the references that come with Goldline: espeak NG says what carriers say.

    python -m bench.announcements_parts.make_references

They are placeholders: they show that the recognition works, and match no real carrier's recordings. Wording: China
Mobile's rules for recorded announcements (录音通知规范, published on m.jinchutou.com as document 15911986) and what
callers report of the others. Run it again after a change of the texts; the index is written anew, so a reference of
your own must be added again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.announcements_parts.voices import RATE, Sound, say, silence
from ivr.speech.audio import alaw
from outbound.announcements.references import INDEX, REFERENCES, SYNTHESISED, Reference, entry
from outbound.outcomes import Outcome

HEAD = """\
# Reference recordings of what carriers say before anybody answers, for `ivr outbound announcements`.
#
# These came with Goldline and were made by a speech synthesiser (espeak NG 1.51), because no recordings of real
# carriers were to be had where it was built. They show that the recognition works, and match no real carrier. Add your
# carriers' own, taken from the early media of calls to numbers whose state you know:
#
#   ivr outbound announcements add stopped.wav --outcome stopped --carrier "China Unicom, Hangzhou" \\
#       --text "您好，您拨打的电话已停机" --decisive 1.6-2.3 --source "own recording"
#
# outcome: busy no_answer unallocated stopped switched_off out_of_reach network (network also when our own line is
# suspended). decisive: from and to which second it says so; the words before and after are the same in many
# announcements, and count for nothing without these. Without it most of the recording must be heard.

references:
"""
SOURCE = f"{SYNTHESISED} by espeak NG 1.51; no recording of a carrier; Apache-2.0"


@dataclass(frozen=True)
class Text:
    """What one voice says in one language: before, in and after the decisive words."""

    before: str
    decisive: str
    after: str = ""


@dataclass(frozen=True)
class Voice:
    """One announcer."""

    name: str
    wording: str
    variant: str
    speed: int
    pitch: int


MOBILE = Voice("mobile", "none; wording of China Mobile's rules for announcements", "f3", 195, 55)
OTHER = Voice("other", "none; wording that callers report of other carriers", "m3", 185, 45)

_AGAIN = "，请稍后再拨。"
_EN_AGAIN = ", please redial later."
TEXTS: list[tuple[Voice, Outcome, Text, Text | None]] = [
    (
        MOBILE,
        "unallocated",
        Text("您好，您拨打的号码", "是空号", "，请核对后再拨。"),
        Text("Sorry, the number you dialed", "does not exist", ", please check it and redial."),
    ),
    (
        MOBILE,
        "stopped",
        Text("您好，您拨打的号码", "已停机", "。"),
        Text("Sorry, the number you dialed is", "out of service."),
    ),
    (
        MOBILE,
        "switched_off",
        Text("您好，您拨打的电话", "已关机", "。"),
        Text("Sorry, the subscriber you dialed is", "power off."),
    ),
    (
        MOBILE,
        "out_of_reach",
        Text("对不起，您拨打的用户暂时", "无法接通", _AGAIN),
        Text("Sorry, the subscriber you dialed", "can not be connected", " for the moment" + _EN_AGAIN),
    ),
    (
        MOBILE,
        "busy",
        Text("您好，您拨打的用户", "正在通话中", _AGAIN),
        Text("Sorry, the subscriber you dialed is", "busy now", _EN_AGAIN),
    ),
    (
        MOBILE,
        "no_answer",
        Text("您好，您拨打的用户暂时", "无人接听", _AGAIN),
        Text("Sorry, the subscriber you dialed", "does not answer", _EN_AGAIN),
    ),
    # Our own line: no customer's number is stopped by this.
    (
        MOBILE,
        "network",
        Text("对不起，您的电话", "已欠费", "，请续缴话费，谢谢。"),
        Text("Sorry, your telephone charge", "is overdue", ", please recharge it, thank you."),
    ),
    (OTHER, "unallocated", Text("您好，您所拨叫的号码", "不存在", "，请查证后再拨。"), None),
    (OTHER, "stopped", Text("对不起，您所拨叫的用户", "已停机", "。"), None),
    (OTHER, "switched_off", Text("您好，您所拨叫的用户", "已关机", "，请您稍后再拨。"), None),
]


def said(voice: Voice, text: Text, language: str) -> tuple[Sound, tuple[float, float]]:
    """The sound, and where its decisive words are: as far as the words before them take, said alone."""

    def speak(words: str) -> Sound:
        return say(words, language, voice.variant, voice.speed, voice.pitch)

    gap = " " if language == "en" else ""
    begin = len(speak(text.before)) / RATE - 0.05
    end = len(speak(text.before + gap + text.decisive)) / RATE
    return speak(text.before + gap + text.decisive + text.after), (round(begin, 2), round(end, 2))


def one(voice: Voice, outcome: Outcome, zh: Text, en: Text | None, pause: float = 0.35) -> tuple[Reference, Sound]:
    """One round of an announcement as a reference."""
    sound, span = said(voice, zh, "zh")
    spans, words = [span], zh.before + zh.decisive + zh.after
    if en is not None:
        english, (begin, end) = said(voice, en, "en")
        offset = len(sound) / RATE + pause
        spans.append((round(offset + begin, 2), round(offset + end, 2)))
        sound = np.concatenate([sound, silence(pause), english])
        words += f" {en.before} {en.decisive}{en.after}"
    file = f"{outcome}/{voice.name}.alaw"
    return Reference(f"{voice.name}_{outcome}", outcome, file, voice.wording, words, SOURCE, tuple(spans)), sound


def main(folder: Path = REFERENCES) -> None:
    """Write them all, and the index."""
    rows = [HEAD]
    size = 0
    for row in TEXTS:
        reference, sound = one(*row)
        data = alaw.encode(np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16))
        (folder / reference.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / reference.file).write_bytes(data)
        rows.append(entry(reference))
        size += len(data)
    (folder / INDEX).write_text("".join(rows), "utf-8")
    print(f"{len(TEXTS)} references, {size:,} bytes")


if __name__ == "__main__":
    main()
