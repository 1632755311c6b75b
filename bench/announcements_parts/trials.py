"""What is played to the recognisers: announcements, worn in every way, and what must not be taken for one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from bench.announcements_parts import wear
from bench.announcements_parts.make_references import MOBILE, OTHER
from bench.announcements_parts.voices import RATE, Sound, say, silence
from outbound.announcements import references
from outbound.announcements.references import Reference
from outbound.announcements.sound_file import read_sound

Wear = Callable[[Sound, np.random.Generator], Sound]
ROOT = Path(__file__).resolve().parents[2]

# Same voices as the references, same beginnings and ends, other words: what a fingerprint is most easily wrong about.
UNKNOWN_WORDING = [
    "您好，您拨打的电话已设置呼叫转移，正在为您转接，请不要挂机。",
    "您好，您拨打的用户已启用来电提醒业务，我们将以短信通知对方，本次通话免费。",
    "您好，您拨打的号码已设置呼入限制，请稍后再拨。",
    "您好，您拨打的号码有误，请核对后再拨。",
    "您好，您拨打的号码已停止服务，请咨询当地营业厅。",
    "您好，您拨打的电话已过期，请稍后再拨。",
    "对不起，您拨打的用户暂时不方便接听您的电话，请稍后再拨。",
    "对不起，您的电话暂时不能呼出，详情请咨询客服。",
    "您好，您所拨叫的用户正忙，请您稍后再拨。",
    "您好，您所拨叫的号码是集团短号，请直拨长号。",
    "对不起，您所拨叫的用户已迁移，请查证后再拨。",
    "您好，您所拨叫的用户已启用语音信箱，请在嘀声后留言。",
]
UNKNOWN_ENGLISH = [
    "Sorry, the number you dialed is being transferred, please hold on.",
    "Sorry, the subscriber you dialed is not available, please leave a message.",
    "Sorry, the number you dialed has been changed, please check it and redial.",
    "Sorry, the subscriber you dialed can not receive calls, please redial later.",
]
GREETINGS = [
    "您好，我是王先生，现在不方便接听电话，请在嘀声后留言，我会尽快给您回电。",
    "喂，你好，我现在不在，有事请留言。",
    "您好，这里是语音信箱，请在提示音后留言，结束请按井号键。",
    "你好，我在开会，稍后给你打过来，急事请发短信。",
    "Hi, you have reached John, I can't take your call right now, please leave a message after the tone.",
]
ANSWERS = [
    "喂？",
    "喂，你好。",
    "你好，哪位？",
    "喂，请讲。",
    "哪位啊？",
    "喂，谁呀，听不清楚。",
    "我在开车，等一下打给你。",
]
VARIANTS = ("", "m1", "m2", "m3", "m4", "m5", "m7", "f1", "f2", "f3", "f4", "f5", "croak", "whisper")


SAME_VOICE = ("another wording, same voice", "a reference that is not known")


@dataclass(frozen=True)
class Trial:
    """One recording. ``outcome`` "": nothing must be recognised. ``hidden``: a reference that the recogniser lacks."""

    condition: str
    sound: Sound
    outcome: str = ""
    hidden: str = ""


@cache
def announcements() -> tuple[tuple[Reference, Sound], ...]:
    """The references and their sounds."""
    return tuple((one, read_sound(references.REFERENCES / one.file)) for one in references.read())


@cache
def other_speech() -> tuple[Sound, ...]:
    """What babble is made of."""
    return tuple(
        say(text, "zh", variant, 175, 50)
        for text, variant in zip(prompt_texts("zh")[:24], VARIANTS[:12] * 2, strict=False)
    )


@cache
def prompt_texts(language: str) -> tuple[str, ...]:
    """Sentences of the product's own catalogue: ordinary speech about ordinary things."""
    tree = yaml.safe_load((ROOT / "prompts" / language / "catalogue.yaml").read_text("utf-8"))
    found: list[str] = []

    def collect(node: object) -> None:
        if isinstance(node, str):
            text = re.sub(r"\{[^}]*\}", "三" if language == "zh" else "three", node)
            if 8 <= len(text) <= 120 and (language == "en" or re.search(r"[\u4e00-\u9fff]{6}", text)):
                found.append(text)
        elif isinstance(node, dict):
            for value in node.values():
                collect(value)
        elif isinstance(node, list):
            for value in node:
                collect(value)

    collect(tree)
    return tuple(dict.fromkeys(found))


def _white(snr: float) -> Wear:
    return lambda sound, rng: wear.with_noise(sound, wear.white(len(sound), rng), snr)


def _babble(snr: float) -> Wear:
    return lambda sound, rng: wear.with_noise(sound, wear.babble(len(sound), list(other_speech()), rng), snr)


def _hum(snr: float) -> Wear:
    return lambda sound, rng: wear.with_noise(sound, wear.hum(len(sound), rng), snr)


def _everything(sound: Sound, rng: np.random.Generator) -> Sound:
    worn = wear.through_gsm(wear.louder(_babble(15)(wear.telephone(sound), rng), -12))
    return wear.through_alaw(wear.lossy(wear.at_speed(worn, float(rng.uniform(0.98, 1.02))), 0.02, rng, concealed=True))


# Conditions that the target (99 % right) holds for, and harder ones beyond it.
WITHIN: dict[str, Wear] = {
    "clean": lambda sound, _: sound,
    "white noise 20 dB": _white(20),
    "white noise 10 dB": _white(10),
    "babble 20 dB": _babble(20),
    "babble 10 dB": _babble(10),
    "hum 10 dB": _hum(10),
    "clipped": lambda sound, _: wear.clipped(sound),
    "300-3400 Hz": lambda sound, _: wear.telephone(sound),
    "A-law": lambda sound, _: wear.through_alaw(sound),
    "GSM": lambda sound, _: wear.through_gsm(sound),
    "GSM twice": lambda sound, _: wear.through_gsm(wear.through_gsm(sound)),
    "2 % faster": lambda sound, _: wear.at_speed(sound, 1.02),
    "2 % slower": lambda sound, _: wear.at_speed(sound, 0.98),
    "12 dB louder": lambda sound, _: wear.louder(sound, 12),
    "12 dB softer": lambda sound, _: wear.through_alaw(wear.louder(sound, -12)),
    "2 % of packets lost": lambda sound, rng: wear.lossy(sound, 0.02, rng),
    "5 % lost, concealed": lambda sound, rng: wear.lossy(sound, 0.05, rng, concealed=True),
    "all at once": _everything,
}
BEYOND: dict[str, Wear] = {
    "white noise 5 dB": _white(5),
    "white noise 0 dB": _white(0),
    "babble 5 dB": _babble(5),
    "babble 0 dB": _babble(0),
    "10 % of packets lost": lambda sound, rng: wear.lossy(sound, 0.10, rng),
    "30 dB softer, A-law": lambda sound, _: wear.through_alaw(wear.louder(sound, -30)),
    "4 % faster": lambda sound, _: wear.at_speed(sound, 1.04),
}


def ring_tone(rounds: int = 1) -> Sound:
    """China's: 450 Hz, one second on, four off."""
    tone = (0.1 * np.sin(2 * np.pi * 450 * np.arange(RATE) / RATE)).astype(np.float32)
    return np.concatenate([tone, silence(4)] * rounds)


def as_heard(sound: Sound, rng: np.random.Generator) -> Sound:
    """As a carrier plays it: in rounds; heard from the beginning, after a ring tone, or from the middle of a round."""
    rounds = np.concatenate([sound, silence(0.8), sound, silence(0.8), sound])
    how = rng.integers(4)
    if how == 0:
        return rounds
    if how == 1:
        return np.concatenate([ring_tone(), rounds])
    return rounds[int(rng.integers(len(sound))) :]


def positives(conditions: dict[str, Wear], each: int, rng: np.random.Generator) -> Iterator[Trial]:
    """Every reference in every condition, ``each`` times."""
    for condition, worn in conditions.items():
        for _ in range(each):
            for one, sound in announcements():
                yield Trial(condition, worn(as_heard(sound, rng), rng), one.outcome)


def negatives(scale: float, rng: np.random.Generator) -> Iterator[Trial]:
    """Nothing of this is an announcement that the recogniser knows."""
    voices = (MOBILE, OTHER)
    for words, language in [(UNKNOWN_WORDING, "zh"), (UNKNOWN_ENGLISH, "en")]:
        for text in words:
            for voice in voices:
                sound = say(text, language, voice.variant, voice.speed, voice.pitch)
                for _ in range(_times(9, scale)):
                    yield Trial("another wording, same voice", _some_wear(as_heard(sound, rng), rng))
    for one, sound in announcements():
        for _ in range(_times(20, scale)):
            yield Trial("a reference that is not known", _some_wear(as_heard(sound, rng), rng), hidden=one.outcome)
    for _ in range(_times(1200, scale)):
        language = "zh" if rng.random() < 0.8 else "en"
        texts = prompt_texts(language)
        yield Trial("ordinary speech", _some_wear(_said(texts[int(rng.integers(len(texts)))], language, rng), rng))
    for _ in range(_times(500, scale)):
        text = GREETINGS[int(rng.integers(len(GREETINGS)))]
        yield Trial("voicemail greeting", _some_wear(_said(text, "zh" if ord(text[0]) > 255 else "en", rng), rng))
    for _ in range(_times(250, scale)):
        text = ANSWERS[int(rng.integers(len(ANSWERS)))]
        yield Trial("a person answers", _some_wear(np.concatenate([_said(text, "zh", rng), silence(2)]), rng))
    for _ in range(_times(500, scale)):
        yield Trial("colour ringback", _some_wear(tune(float(rng.uniform(8, 20)), rng), rng))
    for _ in range(_times(100, scale)):
        yield Trial("ring tone", _some_wear(ring_tone(int(rng.integers(1, 5))), rng))
    for _ in range(_times(100, scale)):
        yield Trial("noise and hum", (0.1 * wear.babble(8 * RATE, list(other_speech()), rng)).astype(np.float32))


def tune(seconds: float, rng: np.random.Generator) -> Sound:
    """Music of a made-up song: a tune, chords, a beat, some of it sung (by nobody)."""
    scale = np.array([0, 2, 4, 7, 9, 12, 14, 16]) + rng.integers(55, 67)
    beat = float(rng.uniform(0.18, 0.5))
    total = np.zeros(int(seconds * RATE), dtype=np.float64)
    for start in np.arange(0, seconds - beat, beat):
        begin = int(start * RATE)
        for note in (rng.choice(scale), rng.choice(scale) - 12):
            length = min(int(beat * RATE * rng.choice([1, 1, 2])), len(total) - begin)
            time = np.arange(length) / RATE
            pitch = 440 * 2 ** ((note - 69) / 12) * (1 + 0.004 * np.sin(2 * np.pi * 5.5 * time))
            sound = sum(np.sin(2 * np.pi * n * np.cumsum(pitch) / RATE) / n**1.3 for n in (1, 2, 3, 4, 5))
            total[begin : begin + length] += sound * np.exp(-time * rng.uniform(0.5, 6)) * 0.08
        drum = min(RATE // 20, len(total) - begin)
        total[begin : begin + drum] += rng.standard_normal(drum) * np.linspace(0.15, 0, drum)
    return np.clip(total, -1, 1).astype(np.float32)


def _said(text: str, language: str, rng: np.random.Generator) -> Sound:
    return say(
        text, language, str(rng.choice(VARIANTS)), int(rng.choice([150, 165, 180, 195])), int(rng.choice([35, 50, 65]))
    )


def _some_wear(sound: Sound, rng: np.random.Generator) -> Sound:
    names = [name for name in WITHIN if name != "GSM twice"]
    return WITHIN[names[int(rng.integers(len(names)))]](sound, rng)


def _times(count: int, scale: float) -> int:
    return max(1, round(count * scale))
