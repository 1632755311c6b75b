"""Figures, signs and codes in free Chinese text, as words. Pure.

For notices and names, which people write as they like. The order of the rules is the order of certainty: what can only
be a date is taken first, a lone number last. No figure and no sign is left for an engine to guess at.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ivr.speech.reading import parts, zh
from ivr.speech.values import Price, Time

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
# What stands after a number that counts something: such a number is no code.
_UNIT = r"(?=\s*(?:[元块股万亿点手户人次倍份张个家只条笔天日月年号分角%％‰]|多|余|以上|以下))"
_NOT_UNIT = _UNIT.replace("(?=", "(?!", 1)
# After these words figures are a number to dial or to key in.
_CODE_WORDS = re.compile(r"(?:电话|热线|拨打|拨|致电|客服|代码|账号|帐号|卡号|编号|尾号)[为是:：\s(（]*$")
_COUNTED = re.compile(r"\s*[个只条家股份张位次元种项名笔天年周户点角分手倍]")

_RULES = re.compile(
    rf"""
      (?P<date>(?<!\d)(?P<y>\d{{4}})(?P<s>[-/.]|年)(?P<m>\d{{1,2}})(?:(?P=s)|月)(?P<d>\d{{1,2}})(?:日|(?![\d.])))
    | (?P<year>(?<!\d)\d{{4}})(?=年)
    | (?P<clock>(?<![\d:])(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?::\d{{2}})?(?![\d:]))
    | (?P<percent_from>[-+]?(?:{_NUMBER}))%?\s*[-~—–～至到]\s*(?P<percent_to>(?:{_NUMBER}))%
    | (?P<percent>(?<![\d.])[-+−]?(?:{_NUMBER}))\s*(?P<share>%|‰)
    | (?P<phone>(?<!\d)(?:0\d{{2,3}}-\d{{7,8}}|[48]00-?\d{{3,4}}-?\d{{3,4}}|1[3-9]\d{{9}}|95\d{{3}})(?!\d){_NOT_UNIT})
    | (?P<share_code>(?<![\d.,])\d{{6}})(?:\.(?:SH|SZ|BJ))?(?![\d.,]\d){_NOT_UNIT}
    | [¥￥]\s*(?P<money>{_NUMBER})(?!\s*[万亿\d])\s*元?
    | \$\s*(?P<dollars>{_NUMBER})(?!\s*[万亿\d])
    | (?P<yuan>(?<![\d.])(?:{_NUMBER}))\s*元
    | (?P<from>(?<![\d.])(?:{_NUMBER}))\s*[-~—–～]\s*(?=\d)
    | (?P<minus>(?<![\d\w)])[-−](?=\d))?(?P<number>{_NUMBER})
    | (?P<star_st>\*(?=S?ST))
    | (?P<sign>[%‰*\#+=&@×÷±≥≤><$€£℃/\\|_~^`⁄-])
    """,
    re.VERBOSE,
)
_SIGNS = {
    "%": "百分号", "‰": "千分号", "*": "星号", "#": "井号", "+": "加", "=": "等于", "&": "和", "×": "乘", "÷": "除以",
    "±": "正负", "≥": "大于等于", "≤": "小于等于", "$": "美元", "€": "欧元", "£": "英镑", "℃": "摄氏度", "⁄": "分之",
}  # fmt: skip


def words_of(text: str) -> str:
    """The text with every figure and sign as words; ``text`` is all Chinese but for abbreviations."""
    return _RULES.sub(_say, parts.plain_figures(text))


def _say(match: re.Match[str]) -> str:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "date" in found:
        day = parts.real_date(found["y"], found["m"], found["d"])
        if day is None:
            return words_of(re.sub(r"[-/.]", " ", found["date"]))
        return f"{zh.year_word(day.year)}{_spoken(day.month)}月{_spoken(day.day)}日"
    if "year" in found:
        return zh.digits(found["year"])
    if "clock" in found:
        moment = parts.real_time(found["h"], found["min"])
        if moment is None:
            return f"{_number(found['h'])}比{_number(found['min'])}"
        return "".join(piece.words for piece in zh.time(Time(moment)))
    if "percent_from" in found:
        return f"百分之{_signed(found['percent_from'])}至百分之{_number(found['percent_to'])}"
    if "percent" in found:
        base = "百分之" if found["share"] == "%" else "千分之"
        sign = "负" if found["percent"][0] in "-−" else ""
        return f"{sign}{base}{_number(found['percent'].lstrip('+-−'))}"
    if "phone" in found or "share_code" in found:
        return _as_code(found.get("phone") or found["share_code"])
    if "money" in found or "yuan" in found:
        return _yuan(found.get("money") or found["yuan"])
    if "dollars" in found:
        return f"{_number(found['dollars'])}美元"
    if "from" in found:
        return f"{_number(found['from'])}至"
    if "number" in found:
        return _lone_number(match, found["number"], "负" if "minus" in found else "")
    if "star_st" in found:
        return "星"
    return _SIGNS.get(found["sign"], " ")


def _lone_number(match: re.Match[str], figures: str, sign: str) -> str:
    before, after = match.string[: match.start()], match.string[match.end() :]
    if figures.isdigit() and (_CODE_WORDS.search(before) or (len(figures) > 1 and figures.startswith("0"))):
        return sign + _as_code(figures)
    if figures == "2" and _COUNTED.match(after) and not before.rstrip().endswith(zh.ORDINAL):
        return f"{sign}两"
    return sign + _number(figures)


def _as_code(figures: str) -> str:
    return "".join(zh.code_word(figure) for figure in figures if figure.isdigit())


def _yuan(figures: str) -> str:
    amount = figures.replace(",", "")
    if len(amount.partition(".")[2]) > 2 or len(amount) > len(str(parts.LARGEST)):
        return f"{_number(figures)}元"
    return "".join(piece.words for piece in zh.price(Price(Decimal(amount))))


def _signed(figures: str) -> str:
    return ("负" if figures[0] == "-" else "") + _number(figures.lstrip("+-"))


def _number(figures: str) -> str:
    whole, _, decimals = figures.replace(",", "").partition(".")
    spoken = zh.digits(whole) if parts.beyond_reading(whole) else _spoken(int(whole))
    return f"{spoken}点{zh.digits(decimals)}" if decimals else spoken


def _spoken(number: int) -> str:
    return "".join(zh.cardinal(number))
