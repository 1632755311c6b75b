"""Names by the keys of a telephone: polyphonic characters, marks before a name, both languages, order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import demo
from db.instruments import Instrument
from ivr.services.quotes import spelling
from ivr.services.quotes.spelling import SpelledIndex, SpelledNames, index_of, keys_of, plain
from ivr.speech.initials import InitialsFailed, initials_of
from ivr.speech.pinyin import initials

# Names that listed companies have, with characters that have several readings.
POLYPHONIC = {
    "长江电力": "cjdl", "长安汽车": "caqc", "四川长虹": "scch", "长盈精密": "cyjm", "长信科技": "cxkj",
    "长飞光纤": "cfgx", "长源电力": "cydl", "长白山": "cbs", "重庆啤酒": "cqpj", "重药控股": "cykg",
    "中国重汽": "zgzq", "三一重工": "syzg", "厦门钨业": "xmwy", "厦工股份": "xggf", "招商银行": "zsyh",
    "会稽山": "kjs", "藏格矿业": "zgky", "西藏矿业": "xzky", "朝阳科技": "cykj", "乐普医疗": "lpyl",
    "六国化工": "lghg", "都市丽人": "dslr", "蚌埠港": "bbg", "亳州古井": "bzgj", "葛洲坝": "gzb",
    "万科A": "wka", "TCL科技": "tclkj", "三六零": "sll", "*ST海航": "sthh", "行动教育": "xdjy",
}  # fmt: skip


def share(code: str, zh: str, en: str = "") -> Instrument:
    return Instrument(code, "SSE" if code.startswith("6") else "SZSE", "share", zh, en)


@pytest.mark.parametrize(("name", "expected"), POLYPHONIC.items())
def test_characters_with_several_readings(name: str, expected: str) -> None:
    assert initials(name) == expected


async def test_the_dictionary_lives_in_a_process_of_its_own() -> None:
    assert await initials_of(list(POLYPHONIC)) == list(POLYPHONIC.values())


async def test_that_process_failing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(InitialsFailed):
        await initials_of(["长江电力"])


def test_the_keys_are_those_of_a_telephone() -> None:
    assert keys_of("gzmt") == "4968"
    assert keys_of("MOUTAI") == "668824"
    assert keys_of("abcdefghijklmnopqrstuvwxyz") == "22233344455566677778889999"
    assert keys_of("B2B ltd.") == "222583"


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("*ST海航", "海航"),
        ("ST康美", "康美"),
        ("S*ST前锋", "前锋"),
        ("N某某", "某某"),
        ("XD贵州茅", "贵州茅"),
        ("NEC", "NEC"),
    ],
)
def test_marks_that_come_and_go(name: str, bare: str) -> None:
    assert plain(name) == bare


def test_whole_names_first_then_the_short_ones_each_once() -> None:
    names = {"海航控股": "hhkg", "*ST海航": "sthh", "海航": "hh", "华虹公司": "hhgs", "海河": "hh"}
    listed = [share(f"60000{n}", name) for n, name in enumerate(names)]
    index = index_of(listed, names | {"海航": "hh"})["zh"]
    found = [one.name_zh for one in index.find(keys_of("hh"))]
    assert found == ["*ST海航", "海航", "海河", "海航控股", "华虹公司"]
    assert [one.name_zh for one in index.find(keys_of("sth"))] == ["*ST海航"]


async def test_english_names_by_any_of_their_words() -> None:
    names = SpelledNames(initials_of)
    await names.learn(demo.instruments())
    assert [one.name_en for one in names.find(keys_of("moutai"), "en")] == ["Kweichow Moutai"]
    assert [one.name_en for one in names.find(keys_of("kweichowm"), "en")] == ["Kweichow Moutai"]
    assert [one.name_en for one in names.find(keys_of("cjdl"), "en")] == ["China Yangtze Power"], (
        "pinyin serves as well"
    )
    assert [one.name_zh for one in names.find(keys_of("yangtze"), "zh")] == ["长江电力"]


@given(
    st.lists(st.text("0123456789", min_size=1, max_size=6), max_size=40), st.text("0123456789", min_size=1, max_size=4)
)
def test_all_that_begin_so_and_nothing_else(rows: list[str], keys: str) -> None:
    listed = [share(f"{n:06}", str(n)) for n in range(len(rows))]
    found = SpelledIndex(list(zip(rows, listed, strict=True))).find(keys)
    assert set(found) == {one for row, one in zip(rows, listed, strict=True) if row.startswith(keys)}
    lengths = [len(rows[int(one.name_zh)]) for one in found]
    assert lengths == sorted(lengths)


async def test_only_new_names_are_read_and_a_failure_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spelling, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(spelling, "RETRY_SECONDS", 0.005)
    asked: list[Sequence[str]] = []

    async def read(names: Sequence[str]) -> Sequence[str]:
        asked.append(names)
        if len(asked) == 1:
            raise InitialsFailed("no")
        return [initials(name) for name in names]

    names = SpelledNames(read)
    listed: list[tuple[Instrument, ...]] = [(share("600900", "长江电力"),)]
    following = asyncio.create_task(names.follow(lambda: listed[0]))
    async with asyncio.timeout(20):
        while not names.find("2535", "zh"):
            await asyncio.sleep(0.002)
        listed[0] = (*listed[0], share("600519", "贵州茅台"))
        while not names.find("4968", "zh"):
            await asyncio.sleep(0.002)
    following.cancel()
    assert asked[2:] == [["贵州茅台"]]
    assert "cannot be spelled" in caplog.text
