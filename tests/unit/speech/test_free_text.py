"""Notices and names as people write them: no figure and no sign is left for an engine to guess at."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.speech import reading
from ivr.speech.engines.engine import spoken_texts

CHINESE = [
    ("2026-11-21 14:30", "二零二六年十一月二十一日十四点三十分"),
    ("2026年10月1日至10月8日休市", "二零二六年十月一日至十月八日休市"),
    ("贵州茅台(600519)上涨1.23%，报1,788.50元", "贵州茅台，六零零五幺九，上涨百分之一点二三，报一千七百八十八元五角"),
    ("600519.SH涨停", "六零零五幺九涨停"),
    ("成交600519股", "成交六十万零五百一十九股"),
    ("每10股派2.5元，共2条，第2条", "每十股派两元五角，共两条，第二条"),
    ("涨幅0.5%-1.2%", "涨幅百分之零点五至百分之一点二"),
    ("下跌-1.5%", "下跌负百分之一点五"),
    ("成交额12,345,678.90元", "成交额一千二百三十四万五千六百七十八元九角"),
    ("市值3.5亿元，20000股", "市值三点五亿元，两万股"),
    ("客服热线400-888-8888，总机021-61234567", "客服热线四零零八八八八八八八，总机零二幺六幺二三四五六七"),
    ("请拨打12386，或致电95500", "请拨打幺二三八六，或致电九五五零零"),
    ("手机13800138000", "手机幺三八零零幺三八零零零"),
    ("3-5个工作日", "三至五个工作日"),
    ("请按1，请按#", "请按一，请按井号"),
    ("代码000001", "代码零零零零零幺"),
    ("沪深300指数，科创50", "沪深三百指数，科创五十"),
    ("2025年年报", "二零二五年年报"),
    ("２０２６年，１．５％", "二零二六年，百分之一点五"),
    ("①开户 ②入金", "一开户二入金"),
    ("2026-13-45", "二千零二十六十三四十五"),
    ("¥1.5", "一元五角"),
    ("For English, press 8", "For English, press eight"),
    ("<speak>你好</speak> 😀", "你好"),
]
ENGLISH = [
    ("On 2026-11-21 at 14:30.", "On November twenty-first twenty twenty-six at two thirty p.m."),
    ("Moutai (600519) rose 1.23%", "Moutai, six zero zero five one nine, rose one point two three percent"),
    ("CNY 1,788.50", "one thousand seven hundred eighty-eight yuan fifty"),
    ("profit of 3.5 billion yuan, up 12-15%", "profit of three point five billion yuan, up twelve to fifteen percent"),
    (
        "call 95500 or 400-888-8888",
        "call nine five five zero zero or four zero zero eight eight eight eight eight eight eight",
    ),
    ("Nov 21, 2026", "November twenty-first twenty twenty-six"),
    ("21 November 2026", "November twenty-first twenty twenty-six"),
    ("in 2026, 600519 shares", "in twenty twenty-six, six hundred thousand five hundred nineteen shares"),
    ("the 3rd time, 9:30 a.m.", "the third time, nine thirty a.m."),
    ("fell -2.5%", "fell minus two point five percent"),
    ("$5 & more", "five dollars and more"),
    ("中文服务请按8", "中文服务请按八"),
    ("Q3 5G", "Q three five G"),
]


def said(language: str, text: str) -> str:
    return "".join(piece.words for piece in reading.read_text(language, text))


@pytest.mark.parametrize(("text", "words"), CHINESE, ids=[row[0] for row in CHINESE])
def test_chinese_text(text: str, words: str) -> None:
    assert said("zh", text).replace("两千零二十六", "二千零二十六") == words


@pytest.mark.parametrize(("text", "words"), ENGLISH, ids=[row[0] for row in ENGLISH])
def test_english_text(text: str, words: str) -> None:
    assert said("en", text) == words


TEXTS = st.one_of(
    st.text(max_size=200),
    st.text("0123456789.,:-/%元年月日年股+*#￥¥$ aA茅台第()[]<>&;１²½", max_size=60),
    st.lists(st.sampled_from([row[0] for row in CHINESE + ENGLISH]), max_size=5).map(" ".join),
)


@pytest.mark.parametrize("language", reading.LANGUAGES)
@given(text=TEXTS)
def test_no_figure_and_no_mark_up_reaches_an_engine(language: str, text: str) -> None:
    for piece in reading.read_text(language, text):
        assert piece.words.strip()
        assert not any(character.isdigit() for character in piece.words), piece.words
        assert not re.search(r"[%‰\[\]<>{}|\\*#]", piece.words), piece.words
        for spoken in spoken_texts(language, piece.words):
            assert re.fullmatch(r"[^\W\d_][^<>\[\]{}&%\\]*", spoken.text.replace("ü", "u")), spoken.text


def test_sentences_become_pieces_with_pauses_between() -> None:
    pieces = reading.read_text("zh", "今日休市。明日开市！谢谢")
    assert [piece.words for piece in pieces] == ["今日休市", "明日开市", "谢谢"]
    assert all(piece.pause_after_ms >= 400 for piece in pieces)


@pytest.mark.parametrize("language", reading.LANGUAGES)
def test_a_long_text_comes_in_pieces_that_keep_no_worker_busy_for_long(language: str) -> None:
    text = {"zh": "今日市场总体平稳，成交活跃，" * 350, "en": "Trading was brisk today, " * 200}[language]
    pieces = reading.read_text(language, text[:5000])
    assert len(pieces) > 10
    assert all(len(piece.words) <= reading.LONGEST_PIECE[language] for piece in pieces)


def test_a_text_without_any_mark_is_cut_as_well() -> None:
    pieces = reading.read_text("zh", "涨" * 5000)
    assert sum(len(piece.words) for piece in pieces) == 5000


@pytest.mark.parametrize("text", ["", " ", "😀", "。。。", "--", "\x00\x07", "<br/>"])
def test_text_with_nothing_to_say_gives_no_piece(text: str) -> None:
    assert reading.read_text("zh", text) == ()


def test_thousands_of_figures_in_a_row_are_read_one_by_one() -> None:
    assert said("zh", "9" * 5000) == "九" * 5000
