"""How values are read: the market's own way, in both languages."""

from __future__ import annotations

import datetime
from decimal import Decimal

import cn2an
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ivr.speech import reading
from ivr.speech.errors import SpeechError
from ivr.speech.reading import parts, zh
from ivr.speech.values import (
    Change,
    Code,
    Count,
    Date,
    Day,
    Move,
    Name,
    Percent,
    Price,
    Text,
    Time,
    Turnover,
    Value,
    Volume,
)


def said(language: str, value: Value, before: str = "") -> str:
    gap = "" if language == "zh" else " "
    return gap.join(piece.words for piece in reading.read(language, value, before))


def yuan(amount: str) -> Price:
    return Price(Decimal(amount))


def points(amount: str) -> Price:
    return Price(Decimal(amount), "points")


TABLE: list[tuple[Value, str, str]] = [
    (yuan("1788.50"), "一千七百八十八元五角", "one thousand seven hundred eighty-eight yuan fifty"),
    (yuan("10.05"), "十元零五分", "ten yuan zero five"),
    (yuan("10.50"), "十元五角", "ten yuan fifty"),
    (yuan("3.57"), "三元五角七分", "three yuan fifty-seven"),
    (yuan("100.00"), "一百元", "one hundred yuan"),
    (yuan("2"), "两元", "two yuan"),
    (yuan("12.22"), "十二元两角两分", "twelve yuan twenty-two"),
    (yuan("0.85"), "八角五分", "zero yuan eighty-five"),
    (yuan("0.05"), "五分", "zero yuan zero five"),
    (yuan("0"), "零元", "zero yuan"),
    (yuan("-0.00"), "零元", "zero yuan"),
    (yuan("-1.5"), "负一元五角", "minus one yuan fifty"),
    (yuan("1.234"), "一点二三四元", "one point two three four yuan"),
    (yuan("1111.11"), "一千一百一十一元一角一分", "one thousand one hundred eleven yuan eleven"),
    (points("3052.17"), "三千零五十二点一七点", "three thousand fifty-two point one seven points"),
    (points("2000"), "两千点", "two thousand points"),
    (points("1"), "一点", "one point"),
    (Percent(Decimal("1.23")), "百分之一点二三", "one point two three percent"),
    (Percent(Decimal("-1.20")), "负百分之一点二", "minus one point two percent"),
    (Percent(Decimal("2")), "百分之二", "two percent"),
    (Percent(Decimal("100")), "百分之一百", "one hundred percent"),
    (Change(Decimal("1.23")), "上涨百分之一点二三", "up one point two three percent"),
    (Change(Decimal("-10.01")), "下跌百分之十点零一", "down ten point zero one percent"),
    (Change(Decimal("0.00")), "平盘", "unchanged"),
    (
        Move(Decimal("18.50"), Decimal("1.05")),
        "上涨十八元五角涨幅百分之一点零五",
        "up eighteen yuan fifty one point zero five percent",
    ),
    (
        Move(Decimal("-0.02"), Decimal("-0.20")),
        "下跌两分跌幅百分之零点二",
        "down zero yuan zero two zero point two percent",
    ),
    (Move(Decimal("0.00"), Decimal("0.00")), "平盘", "unchanged"),
    (
        Move(Decimal("12.5"), Decimal("0.4"), "points"),
        "上涨十二点五点涨幅百分之零点四",
        "up twelve point five points zero point four percent",
    ),
    (Volume(0), "零股", "zero shares"),
    (Volume(1), "一股", "one share"),
    (Volume(2), "两股", "two shares"),
    (Volume(9_900), "九千九百股", "nine thousand nine hundred shares"),
    (Volume(20_000), "两万股", "twenty thousand shares"),
    (Volume(1_234_567), "一百二十三点五万股", "one point two three million shares"),
    (Volume(25_000_000), "两千五百万股", "twenty-five million shares"),
    (Volume(99_999_999), "一亿股", "one hundred million shares"),
    (Volume(250_000_000), "二点五亿股", "two hundred fifty million shares"),
    (Turnover(Decimal("1234567890.40")), "十二点三五亿元", "one point two three billion yuan"),
    (Turnover(Decimal("200000000")), "两亿元", "two hundred million yuan"),
    (Turnover(Decimal("1030000000000")), "一点零三万亿元", "one point zero three trillion yuan"),
    (Turnover(Decimal("9999.50")), "一万元", "ten thousand yuan"),
    (Code("600519"), "六零零五幺九", "six zero zero five one nine"),
    (Code("000001"), "零零零零零幺", "zero zero zero zero zero one"),
    (Code("13800138000"), "幺三八零零幺三八零零零", "one three eight zero zero one three eight zero zero zero"),
    (Count(2), "两", "two"),
    (Count(12), "十二", "twelve"),
    (Count(0), "零", "zero"),
    (Count(200), "二百", "two hundred"),
    (Count(22_222), "两万二千二百二十二", "twenty-two thousand two hundred twenty-two"),
    (Count(10_015), "一万零一十五", "ten thousand fifteen"),
    (Count(10**12), "一万亿", "one trillion"),
    (Count(200_080_000), "两亿零八万", "two hundred million eighty thousand"),
    (Count(-3), "负三", "minus three"),
    (Date(datetime.date(2026, 11, 21)), "二零二六年十一月二十一日", "November twenty-first twenty twenty-six"),
    (Date(datetime.date(2006, 1, 2)), "二零零六年一月二日", "January second two thousand six"),
    (Date(datetime.date(1990, 12, 19)), "一九九零年十二月十九日", "December nineteenth nineteen ninety"),
    (Day(datetime.date(2026, 11, 23)), "十一月二十三日星期一", "Monday November twenty-third"),
    (Day(datetime.date(2027, 2, 28)), "二月二十八日星期日", "Sunday February twenty-eighth"),
    (Date(datetime.date(1900, 3, 30)), "一九零零年三月三十日", "March thirtieth nineteen hundred"),
    (Time(datetime.time(14, 30)), "十四点三十分", "two thirty p.m."),
    (Time(datetime.time(9, 5)), "九点零五分", "nine oh five a.m."),
    (Time(datetime.time(2, 0)), "两点整", "two a.m."),
    (Time(datetime.time(15, 0, 59)), "十五点整", "three p.m."),
    (Time(datetime.time(0, 0)), "零点整", "twelve midnight"),
    (Time(datetime.time(12, 0)), "十二点整", "twelve noon"),
    (Time(datetime.time(12, 12)), "十二点十二分", "twelve twelve p.m."),
    (Name({"zh": "*ST沪深300ETF", "en": "CSI 300 ETF"}), "星ST沪深三百ETF", "CSI three hundred ETF"),
]


@pytest.mark.parametrize(("value", "chinese", "english"), TABLE, ids=[str(row[0])[:50] for row in TABLE])
def test_values_are_read_as_the_market_reads_them(value: Value, chinese: str, english: str) -> None:
    assert said("zh", value) == chinese
    assert said("en", value) == english


def test_after_an_ordinal_mark_two_stays_two() -> None:
    assert said("zh", Count(2), before="现在播放第") == "二"
    assert said("zh", Count(2), before="共") == "两"


@given(st.integers(0, 10**12))
@example(10**8 + 8000)
@example(1_000_015)
def test_whole_numbers_agree_with_another_implementation(number: int) -> None:
    """cn2an is right but for two things: it never says 两, and it leaves out the 零 of 一亿零八千."""
    theirs = cn2an.an2cn(number, "low")
    for two in ("二千", "二万", "二亿"):
        if theirs.startswith(two):
            theirs = "两" + theirs[1:]
    ours = "".join(zh.cardinal(number))
    assert ours == theirs or ours.replace("零", "") == theirs.replace("零", "")
    if number < 10**8:
        assert ours == theirs


@given(st.decimals(0, 10**9, places=2))
def test_no_fen_is_lost_in_a_price(amount: Decimal) -> None:
    words = said("zh", Price(amount)).replace("两", "二")
    whole, _, rest = words.rpartition("元")
    fen = 0
    for unit, worth in (("角", 10), ("分", 1)):
        if unit in rest:
            before, _, rest = rest.partition(unit)
            fen += "零一二三四五六七八九".index(before[-1]) * worth
    assert int(cn2an.cn2an(whole or "零", "smart")) * 100 + fen == int(amount * 100)


@given(st.decimals(0, 10**15, places=2))
@example(Decimal("99995000"))
@example(Decimal("999950000000"))
def test_a_large_amount_is_read_to_three_figures_with_the_right_unit(amount: Decimal) -> None:
    """Another implementation reads our words back: no more is lost than the rounding that people expect."""
    words = said("zh", Turnover(amount)).removesuffix("元").replace("两", "二")
    figures, unit = words, 1
    for name, worth in (("万亿", 10**12), ("亿", 10**8), ("万", 10**4)):
        if words.endswith(name):
            figures, unit = words.removesuffix(name), worth
            break
    read = Decimal(str(cn2an.cn2an(figures, "smart"))) * unit
    assert abs(read - amount) <= max(amount / 200, Decimal("0.5"))
    assert unit * 10**4 > read or unit == 10**12, "一万万 is 一亿"
    assert read >= unit or unit == 1
    shares = said("zh", Volume(int(amount)))
    assert shares.endswith("股")


@given(st.integers(10**6, 9 * 10**14))
def test_a_large_amount_in_english_has_the_scale_of_its_thousands(amount: int) -> None:
    words = said("en", Volume(amount)).removesuffix(" shares").split()
    scale = {"million": 10**6, "billion": 10**9, "trillion": 10**12}[words[-1]]
    assert scale * Decimal("0.999") <= amount < scale * 1000
    assert ("point" in words) <= (amount < scale * 1000)


AMOUNTS = st.decimals(-(10**12), 10**12, places=3)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.builds(Price, AMOUNTS, st.sampled_from(["yuan", "points"])),
    st.builds(Percent, AMOUNTS),
    st.builds(Change, AMOUNTS),
    st.builds(Move, AMOUNTS, AMOUNTS, st.sampled_from(["yuan", "points"])),
    st.builds(Volume, st.integers(0, 10**15)),
    st.builds(Turnover, st.decimals(0, 10**15, places=2)),
    st.builds(Code, st.text("0123456789", min_size=1, max_size=parts.MOST_DIGITS)),
    st.builds(Count, st.integers(-(10**12), 10**12)),
    st.builds(Time, st.times()),
)


@pytest.mark.parametrize("language", reading.LANGUAGES)
@given(value=VALUES)
def test_every_word_of_a_value_can_be_rendered_beforehand(language: str, value: Value) -> None:
    vocabulary = set(reading.vocabulary(language))
    assert {piece.words for piece in reading.read(language, value)} <= vocabulary


@pytest.mark.parametrize("language", reading.LANGUAGES)
def test_every_day_of_a_year_can_be_rendered_beforehand_but_for_the_year(language: str) -> None:
    vocabulary = set(reading.vocabulary(language))
    for ordinal in range(datetime.date(2028, 1, 1).toordinal(), datetime.date(2029, 1, 1).toordinal()):
        words = [piece.words for piece in reading.read(language, Date(datetime.date.fromordinal(ordinal)))]
        assert len(set(words) - vocabulary) == 1


@pytest.mark.parametrize("language", reading.LANGUAGES)
@pytest.mark.parametrize(
    "value",
    [
        yuan("NaN"),
        yuan("Infinity"),
        yuan("1e20"),
        yuan("1.12345678"),
        Count(10**17),
        Volume(-1),
        Volume(10**17),
        Turnover(Decimal("-0.01")),
        Turnover(Decimal("NaN")),
        Move(Decimal("Infinity"), Decimal(1)),
        Move(Decimal(1), Decimal("NaN")),
        Code(""),
        Code("60-05"),
        Code("六零零"),
        Code("1" * 41),
        Name({}),
        Text({"fr": "bonjour"}),
        Text({"zh": "好" * 10_001, "en": "a" * 10_001}),
        Name({"zh": "好" * 201, "en": "a" * 201}),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_remedy(language: str, value: Value) -> None:
    with pytest.raises(SpeechError) as caught:
        reading.read(language, value)
    assert caught.value.remedy


def test_a_language_we_do_not_read_is_refused() -> None:
    with pytest.raises(SpeechError, match="'fr'"):
        reading.read("fr", Count(1))


def test_codes_are_said_in_groups() -> None:
    pieces = reading.read("zh", Code("600519"))
    pauses = [piece.pause_after_ms for piece in pieces]
    assert pauses[2] > pauses[0]
