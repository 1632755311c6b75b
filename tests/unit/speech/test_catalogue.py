"""The catalogue says every problem with its place and remedy, and gives utterances that read well."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from speech_fakes import PROMPTS

from ivr.speech.catalogue import Catalogue
from ivr.speech.errors import CatalogueInvalid, SpeechError
from ivr.speech.values import Code, Count, Day, Name, Price, Text, Time, Value


def write(directory: Path, **texts: str | bytes) -> Path:
    for language, text in texts.items():
        file = directory / language / "catalogue.yaml"
        file.parent.mkdir()
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    return directory


def problems(directory: Path) -> list[str]:
    with pytest.raises(CatalogueInvalid) as caught:
        Catalogue.load(directory)
    assert all(problem.remedy for problem in caught.value.problems)
    return [str(problem).replace(str(directory) + "/", "") for problem in caught.value.problems]


@pytest.fixture(scope="module")
def ours() -> Catalogue:
    return Catalogue.load(PROMPTS)


def test_the_prompts_that_we_ship_are_valid_and_say_what_a_flow_needs(ours: Catalogue) -> None:
    assert ours.languages == ("zh", "en")
    needed = [
        "greeting",
        "demonstration_data",
        "main_menu",
        "enter_code",
        "code_wrong_length",
        "code_unknown",
        "which_instrument",
        "quote_share",
        "quote_index",
        "quote_suspended",
        "quote_old",
        "quote_closed",
        "quote_more_share",
        "quote_more_index",
        "quote_not_traded",
        "spell_name",
        "spelled_none",
        "quote_unavailable",
        "after_quote",
        "notice",
        "no_notices",
        "after_notice",
        "wrong_key",
        "no_key",
        "give_up",
        "goodbye",
        "all_lines_busy",
        "apology",
        "controller_away",
        "service_unavailable",
    ]
    assert [prompt for prompt in needed for language in ours.languages if not ours.has(prompt, language)] == []


def test_a_quote_reads_as_on_the_market(ours: Catalogue, quote: dict[str, Value]) -> None:
    assert ours.say("quote_share", "zh", quote).text == (
        "贵州茅台，代码六零零五幺九，最新价一千七百八十八元五角，上涨二十一元七角三分，涨幅百分之一点二三。报价时间十四点三十分。"
    )
    assert ours.say("quote_share", "en", quote).text == (
        "Kweichow Moutai, code six zero zero five one nine, last price one thousand seven hundred eighty-eight yuan "
        "fifty, up twenty-one yuan seventy-three, one point two three percent. Quoted at two thirty p.m."
    )


def test_counts_follow_what_stands_before_them(ours: Catalogue) -> None:
    values: dict[str, Value] = {
        "number": Count(2),
        "of": Count(2),
        "title": Text({"zh": "休市通知", "en": "Closing"}),
        "body": Text({"zh": "10月1日起休市。", "en": "Closed from October 1."}),
    }
    assert ours.say("notice", "zh", values).text == "第二条公告，共两条。休市通知。十月一日起休市。"
    assert ours.say("notice", "en", values).text == "Notice two of two. Closing. Closed from October first."


def test_a_prompt_without_values_is_always_the_same_object(ours: Catalogue) -> None:
    assert ours.say("greeting", "zh") is ours.say("greeting", "zh", {"unused": Count(1)})
    assert ours.say("greeting", "zh").prompts == ("greeting",)
    assert [piece.prompt for piece in ours.say("greeting", "zh").pieces] == ["greeting"]


def test_the_signature_tells_names_and_kinds(ours: Catalogue) -> None:
    assert ours.signature("code_unknown") == {"code": "code"}
    assert ours.signature("greeting") == {}
    with pytest.raises(SpeechError, match=r"There is no prompt 'greetin'. Did you mean greeting\?"):
        ours.signature("greetin")


def test_a_value_that_is_missing_or_wrong_is_named(ours: Catalogue) -> None:
    with pytest.raises(SpeechError, match="code_unknown needs the value 'code', a code"):
        ours.say("code_unknown", "zh", {})
    with pytest.raises(SpeechError, match="the value 'code' must be a code"):
        ours.say("code_unknown", "zh", {"code": Count(600519)})
    with pytest.raises(SpeechError, match="code_unknown, value 'code': '60-1' is no code"):
        ours.say("code_unknown", "zh", {"code": Code("60-1")})
    with pytest.raises(SpeechError, match="There are no prompts in 'fr'"):
        ours.say("greeting", "fr")
    with pytest.raises(SpeechError, match="quote_suspended, value 'name': The name '贵州茅台' has no text in 'en'"):
        ours.say("quote_suspended", "en", {"name": Name({"zh": "贵州茅台"}), "last": Price(Decimal(1))})


def test_an_utterance_differs_when_a_value_does(ours: Catalogue) -> None:
    at = [
        ours.say("quote_old", "zh", {"at": Time(datetime.time(9, minute)), "day": Day(datetime.date(2026, 11, 20))}).key
        for minute in (30, 30, 31)
    ]
    assert at[0] == at[1] != at[2]


def test_every_problem_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        zh="greeting: 你好\ngreeting: 您好\nprice: '{last:money}'\nold: '{at:time}'\nonly_zh: 好\nopen: '{x'\n",
        en="greeting: hello\nprice: '{last:price}'\nold: '{when:time}'\nopen: x\n",
    )
    assert problems(tmp_path) == [
        "zh/catalogue.yaml:2: greeting is here and on line 1. Delete one of the two.",
        *(text for text in problems(tmp_path) if text.startswith("zh/catalogue.yaml:3: price:")),
        "zh/catalogue.yaml:4: old: {when:time} is missing here; en/catalogue.yaml:3 has it. "
        "The same values must be said in every language.",
        "zh/catalogue.yaml:6: open: A brace has no partner. Braces stand around placeholders only: {name:kind}.",
        "en/catalogue.yaml:1: only_zh is missing here; zh/catalogue.yaml:5 has it. Add it here or delete it there.",
        "en/catalogue.yaml:2: price: {last:money} is missing here; zh/catalogue.yaml:3 has it. "
        "The same values must be said in every language.",
        "en/catalogue.yaml:3: old: {at:time} is missing here; zh/catalogue.yaml:4 has it. "
        "The same values must be said in every language.",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: ''", "1: a: The text is empty."),
        ("a: '{x}'", "1: a: {x} is no placeholder."),
        ("a: '{X:price}'", "1: a: {X:price} is no placeholder."),
        ("a: '{x:prize}'", "1: a: {x:prize}: there is no kind 'prize'. Known: price, percent"),
        ("a: '{x:price} {x:time}'", "1: a: {x:time}: x is also a price."),
        ("a: <b>hi</b>", "1: a: The text holds mark-up: < >."),
        ("a: 'hi [[x]] &amp; you'", "1: a: The text holds mark-up: &amp; [ ]."),
        ('a: "hi\\u200b\\u0007you"', "1: a: The text holds the control character U+0007."),
        ("a: '。。。'", "1: a: The text has no word in it."),
        ("a: 'x" + "y" * 1000 + "'", "1: a: The text has 1001 characters."),
        ("\n\nA-b: x", "3: 'A-b' is no prompt id."),
        ("a: 12", "1: a: this is no text."),
        ("a:\n  b: c", "1: a: this is no text."),
        ("a: b\nc: 'd", "2: Not valid YAML"),
        ("- a", "1: The file is no mapping."),
        ("", "1: The file is no mapping."),
        ("a: b\x07", "1: Not valid YAML"),
        (b"a: \xff\xfe", "1: The file is not UTF-8"),
    ],
)
def test_a_bad_text_is_refused_with_file_and_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    write(tmp_path, zh=text)
    assert problems(tmp_path)[0].startswith(f"zh/catalogue.yaml:{problem}")


def test_a_language_that_we_cannot_read_and_no_catalogue_at_all(tmp_path: Path) -> None:
    assert "There is no catalogue here" in problems(tmp_path)[0]
    write(tmp_path, fr="a: bonjour")
    assert problems(tmp_path) == [
        "fr/catalogue.yaml:1: There are no reading rules for the language 'fr'. Known: zh, en."
    ]


def test_loading_and_saying_are_cheap_enough_to_do_on_every_call(ours: Catalogue, quote: dict[str, Value]) -> None:
    import time

    started = time.process_time()
    for _ in range(200):
        ours.say("quote_share", "zh", quote)
    assert (time.process_time() - started) / 200 < 0.001
