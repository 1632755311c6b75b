"""Does our table of Mandarin phonemes agree with the package that Kokoro was trained with?

    python bench/phonemes.py [--python PYTHON]

Compares every syllable of pypinyin's dictionary. ``misaki`` (with its extra ``zh``) must be installed for the Python
that is named; it is no dependency of ours: it brings 370 MB of dictionaries. Prints what differs and, last, one JSON
line.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

from ivr.speech.engines.kokoro.mandarin import syllable
from ivr.speech.engines.kokoro.symbols import numbers_of

THEIRS = """
import json, sys
from misaki.zh import ZHG2P
said = {}
for spelled in json.load(sys.stdin):
    try:
        said[spelled] = ZHG2P.py2ipa(spelled.replace("ü", "v")).replace(chr(815), "")
    except Exception as error:
        said[spelled] = None
print(json.dumps(said))
"""
MOST_DIFFERENT = 5  # interjections (hm, hng, yo)


def main() -> None:
    """Compare and print; ends with 1 when more differs than interjections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the Python that has misaki")
    arguments = parser.parse_args()
    spelled = sorted(
        {
            to_tone3(reading, neutral_tone_with_five=True).replace("v", "ü")
            for readings in PINYIN_DICT.values()
            for reading in readings.split(",")
        }
    )
    done = subprocess.run(
        [arguments.python, "-c", THEIRS], input=json.dumps(spelled), capture_output=True, text=True, check=True
    )
    theirs: dict[str, str | None] = json.loads(done.stdout)
    different = [each for each in spelled if numbers_of(syllable(each)) != numbers_of(theirs[each] or "")]
    for each in different:
        print(f"{each:8} ours {syllable(each) or '–':8} theirs {theirs[each] or '–'}")
    print(json.dumps({"bench": "phonemes", "syllables": len(spelled), "different": len(different)}))
    if len(different) > MOST_DIFFERENT:
        raise SystemExit("more differs than interjections")


if __name__ == "__main__":
    main()
