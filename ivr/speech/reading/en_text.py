"""Figures, signs and codes in free English text, as words. Pure.

For notices and names, which people write as they like. The order of the rules is the order of certainty. No figure and
no sign is left for an engine to guess at.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ivr.speech.reading import en, parts
from ivr.speech.values import Date, Price, Time

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MONTH = (
    r"Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?"
)
_CODE_WORDS = re.compile(
    r"(?:phone|hotline|call|dial|code|account|number|no\.?|ending)\s*(?:is|in|at|of)?[\s:(]*$", re.I
)
_SCALE = r"(?:thousand|million|billion|trillion)"
_UNIT = rf"(?:yuan|CNY|RMB|shares|points|lots|{_SCALE})"

_RULES = re.compile(
    rf"""
      (?P<date>(?<!\d)(?P<y>\d{{4}})(?P<s>[-/.])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}})(?!\d|\.\d))
    | (?P<month>\b(?:{_MONTH}))\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<month_year>\d{{4}}))?
    | (?P<day_first>\b\d{{1,2}})\s+(?P<then_month>{_MONTH})\b\.?(?:,?\s+(?P<then_year>\d{{4}}))?
    | (?P<ordinal>\b\d{{1,2}})(?:st|nd|rd|th)\b
    | (?P<clock>(?<![\d:])(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?::\d{{2}})?(?![\d:]))
    | (?P<percent>(?<![\d.\w])[-+−]?(?:{_NUMBER}))\s*(?P<share>%|‰)
    | (?P<phone>(?<!\d)(?:0\d{{2,3}}-\d{{7,8}}|[48]00-?\d{{3,4}}-?\d{{3,4}}|1[3-9]\d{{9}}|95\d{{3}})(?!\d|[.,]\d))
    | (?P<share_code>(?<![\d.,])\d{{6}}(?!\d|[.,]\d))(?:\.(?:SH|SZ|BJ))?(?!\s*{_UNIT})
    | (?:¥|￥|\b(?:RMB|CNY)\s?)\s*(?P<money>{_NUMBER})(?:\s*(?P<money_scale>{_SCALE}))?
    | \$\s*(?P<dollars>{_NUMBER})(?!\s*{_SCALE})
    | (?P<yuan>(?<![\d.])(?:{_NUMBER}))\s*(?:yuan|CNY|RMB)\b
    | (?P<year>(?<=\bin\s)(?:19|20)\d\d|(?<=\bof\s)(?:19|20)\d\d|(?<=\byear\s)(?:19|20)\d\d)(?![\d,.]\d)
    | (?P<from>(?<![\d.])(?:{_NUMBER}))\s*[-–—~]\s*(?=\d)
    | (?P<minus>(?<![\d\w)])[-−](?=\d))?(?P<number>{_NUMBER})
    | (?P<sign>[%‰*\#+=&@×÷±≥≤><$€£℃/\\|_~^`⁄])
    """,
    re.VERBOSE,
)
_SIGNS = {
    "%": "percent", "‰": "per mille", "*": "star", "#": "pound", "+": "plus", "=": "equals", "&": "and", "@": "at",
    "×": "times", "÷": "divided by", "±": "plus or minus", "≥": "at least", "≤": "at most", "$": "dollars",
    "€": "euros", "£": "pounds", "℃": "degrees Celsius", "⁄": "over",
}  # fmt: skip
_MONTH_NAMES = {name[:3].lower(): name for name in en.MONTHS}


def words_of(text: str) -> str:
    """The text with every figure and sign as words; ``text`` is all English."""
    # A word made of a figure and letters (Q3, 5G) is said as two.
    spoken = _RULES.sub(lambda match: f" {_say(match)} ", parts.plain_figures(text))
    spoken = re.sub(r"\s+", " ", spoken)
    return re.sub(r"\s+([,.;:?!])", r"\1", spoken).strip()


def _say(match: re.Match[str]) -> str:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "date" in found:
        day = parts.real_date(found["y"], found["m"], found["d"])
        if day is None:
            return " ".join(_number(found[part]) for part in "ymd")
        return " ".join(piece.words for piece in en.date(Date(day)))
    if "month" in found:
        return _month_day(found["month"], found["day"], found.get("month_year"))
    if "then_month" in found:
        return _month_day(found["then_month"], found["day_first"], found.get("then_year"))
    if "ordinal" in found:
        return en.ordinal(int(found["ordinal"]))
    if "clock" in found:
        return _clock(match, found)
    if "percent" in found:
        sign = "minus " if found["percent"][0] in "-−" else ""
        return f"{sign}{_number(found['percent'].lstrip('+-−'))} {_SIGNS[found['share']]}"
    if "phone" in found or "share_code" in found:
        return _as_code(found.get("phone") or found["share_code"])
    if "money" in found:
        if "money_scale" in found:
            return f"{_number(found['money'])} {found['money_scale']} yuan"
        return _yuan(found["money"])
    if "yuan" in found:
        return _yuan(found["yuan"])
    if "year" in found:
        return en.year_word(int(found["year"]))
    if "dollars" in found:
        return f"{_number(found['dollars'])} dollars"
    if "from" in found:
        return f"{_number(found['from'])} to"
    if "number" in found:
        return ("minus " if "minus" in found else "") + _lone_number(match, found["number"])
    return _SIGNS.get(found["sign"], "")


def _month_day(month: str, day: str, year: str | None) -> str:
    name = _MONTH_NAMES[month[:3].lower()]
    spoken = f"{name} {en.ordinal(int(day))}"
    return f"{spoken} {en.year_word(int(year))}" if year else spoken


def _clock(match: re.Match[str], found: dict[str, str]) -> str:
    moment = parts.real_time(found["h"], found["min"])
    if moment is None:
        return f"{_number(found['h'])} to {_number(found['min'])}"
    words = [piece.words for piece in en.time(Time(moment))]
    if re.match(r"\s*[ap]\.?m\b", match.string[match.end() :], re.IGNORECASE):
        words = [word for word in words if word not in ("a.m.", "p.m.", "noon", "midnight")]
    return " ".join(words)


def _lone_number(match: re.Match[str], figures: str) -> str:
    before = match.string[: match.start()]
    coded = len(figures) > 3 and _CODE_WORDS.search(before)
    if figures.isdigit() and (coded or (len(figures) > 1 and figures.startswith("0"))):
        return _as_code(figures)
    return _number(figures)


def _as_code(figures: str) -> str:
    return " ".join(en.code_word(figure) for figure in figures if figure.isdigit())


def _yuan(figures: str) -> str:
    amount = figures.replace(",", "")
    if len(amount.partition(".")[2]) > 2 or len(amount) > len(str(parts.LARGEST)):
        return f"{_number(figures)} yuan"
    return " ".join(piece.words for piece in en.price(Price(Decimal(amount))))


def _number(figures: str) -> str:
    whole, _, decimals = figures.replace(",", "").partition(".")
    words = en.digits(whole) if parts.beyond_reading(whole) else en.cardinal(int(whole))
    return " ".join([*words, "point", *en.digits(decimals)] if decimals else words)
