"""Files of customers: every bad row told by line, column, fault and remedy; good ones read as meant."""

from __future__ import annotations

import codecs
import contextlib
import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.customer import DIALECTS, PHONE_STATES, STAGES, STATUSES, TIERS, Customer, Phone
from db.customer_changes import CustomerChange, SaidPhone
from ivr.customers.branch_file import read_branches
from ivr.customers.columns import BY_NAME, COLUMNS, Context, escaped, plain
from ivr.customers.customer_file import CustomerFile
from ivr.customers.fault import BadCustomerFile, CellFault, Fault

TODAY = datetime.date(2026, 11, 20)
CONTEXT = Context(frozenset({"SH01", "SZ01"}), TODAY)


def file_of(tmp_path: Path, content: str | bytes) -> CustomerFile:
    path = tmp_path / "c.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CustomerFile(path, CONTEXT)


def read(file: CustomerFile) -> tuple[list[CustomerChange], list[Fault]]:
    batches = list(file.batches())
    return [one for batch in batches for one in batch.changes], [one for batch in batches for one in batch.faults]


def test_a_good_row_is_read_as_meant(tmp_path: Path) -> None:
    changes, faults = read(
        file_of(
            tmp_path,
            "Account, name_zh ,phones,branch,tier,quiet_hours,assets,do_not_call,opened_on,languages,backups,points\r\n"
            ' 900000000001 ,"王, 小明","13800138000:good:2026-3-1; 021-5550-1234",SH01,Gold,9:00至12:30,'
            '"1,000,000.5",是,'
            "2015/4/1,EN zh,li zhao,12\r\n\r\n,,,,,,,,,,,\r\n",
        )
    )
    assert faults == []
    assert changes == [
        CustomerChange(
            "900000000001",
            {
                "name_zh": "王, 小明",
                "branch": "SH01",
                "tier": "gold",
                "quiet_from": datetime.time(9, 0),
                "quiet_until": datetime.time(12, 30),
                "assets": Decimal("1000000.5"),
                "do_not_call": True,
                "opened_on": datetime.date(2015, 4, 1),
                "languages": ("en", "zh"),
                "backups": ("li", "zhao"),
                "points": 12,
            },
            (SaidPhone("+8613800138000", "good", datetime.date(2026, 3, 1)), SaidPhone("+862155501234")),
        )
    ]


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("account", "", "no account number"),
        ("account", "12345", "6 to 20 digits"),
        ("account", "9" * 21, "6 to 20 digits"),
        ("account", "９０００００００", "no account number"),
        ("account", "9.00E+11", "spreadsheet"),
        ("account", "=900000000001", "formula"),
        ("name_zh", "x" * 129, "Shorten it to 128"),
        ("name_zh", '"a\nb"', "line break"),
        ("name_zh", "@SUM(1)", "formula"),
        ("name_zh", "+cmd|' /C calc'!A0", "formula"),
        ("name_zh", "-cmd|x", "formula"),
        ("phones", "1380013800", "no telephone number"),
        ("phones", "+86138", "no telephone number"),
        ("phones", "13800138000:goood", "Did you mean 'good'?"),
        ("phones", "13800138000:good:tomorrow", "no date"),
        ("phones", "13800138000:good:2026-12-01", "future"),
        ("phones", "13800138000:good:2026-10-01:x", "too many colons"),
        ("phones", "13800138000 013800138000", "stands twice"),
        ("phones", " ".join(f"1380013800{n}" for n in range(10)) + " 13900139000", "11 telephones"),
        ("branch", "SH02", "Did you mean 'SH01'?"),
        ("languages", "", "languages is empty"),
        ("languages", "zh de", "'de'"),
        ("dialect", "yeu", "Did you mean 'yue'?"),
        ("tier", "golden", "Did you mean 'gold'?"),
        ("tier", "", "tier is empty"),
        ("status", "frozen", "Known here: new, active, dormant, closed, lost"),
        ("stage", "old", "stage cannot be"),
        ("manager", "li si", "no agent's id"),
        ("backups", "li 赵", "no agent's id"),
        ("do_not_call", "perhaps", "yes or no"),
        ("quiet_hours", "21:00", "from-to"),
        ("quiet_hours", "24:00-08:00", "from-to"),
        ("quiet_hours", "08:60-09:00", "from-to"),
        ("quiet_hours", "08:00-08:00", "do_not_call"),
        ("email", "wang", "no e-mail address"),
        ("email", "a@b,c@d", "no e-mail address"),
        ("address", "x" * 201, "Shorten it to 200"),
        ("assets", "-1", "no amount"),
        ("assets", "1.234", "no amount"),
        ("assets", "1 million", "no amount"),
        ("assets", "1e9", "no amount"),
        ("assets", "9" * 16, "no amount"),
        ("commission", "NaN", "no amount"),
        ("points", "1.5", "points"),
        ("opened_on", "2026-02-30", "no date"),
        ("opened_on", "01.04.2015", "no date"),
        ("opened_on", "2026-11-21", "future"),
    ],
)
def test_a_bad_cell_is_told_with_line_column_and_remedy(tmp_path: Path, column: str, cell: str, says: str) -> None:
    cell = f'"{cell}"' if "," in cell else cell
    rows = f"{cell},5\n" if column == "account" else f"900000000001,{cell}\n900000000002,{cell}\n"
    header = "account,points\n" if column == "account" else f"account,{column}\n"
    changes, faults = read(file_of(tmp_path, header + rows))
    assert changes == []
    assert faults[0].line == 2
    assert {fault.column for fault in faults} == {column}
    assert says in str(faults[0])
    assert faults[0].remedy


def test_every_fault_of_a_row_is_told_in_the_files_order(tmp_path: Path) -> None:
    _, faults = read(
        file_of(
            tmp_path,
            "account,tier,points,name_zh\n"
            '900000000001,gold,1,"two\nlines"\n'  # lines 2 and 3
            "900000000002,golden,x,a\n"  # 4
            "900000000003,gold\n"  # 5
            '900000000004,gold,1,"a"b\n'  # 6
            "900000000005,gold,1,ok\n"  # 7
            "900000000005,gold,1,again\n",  # 8
        )
    )
    assert [(fault.line, fault.column) for fault in faults] == [
        (2, "name_zh"),
        (4, "tier"),
        (4, "points"),
        (5, ""),
        (6, ""),
        (8, "account"),
    ]
    assert "first in line 7" in faults[-1].what


def test_the_same_account_is_found_a_thousand_rows_later_too(tmp_path: Path) -> None:
    rows = "".join(f"{900_000_000_000 + number % 2_500}\n" for number in range(5_000))
    file = file_of(tmp_path, "account\n" + rows)
    changes, faults = read(file)
    assert len(changes) == 2_500
    assert len(faults) == 2_500
    assert (faults[0].line, faults[0].what) == (2_502, "900000000000 stands twice, first in line 2.")
    assert read(file) == (changes, faults), "a second look sees the same"


def test_a_quote_that_nobody_closes_is_told_and_ends(tmp_path: Path) -> None:
    for length in (10, 100_000):
        _, faults = read(file_of(tmp_path, 'account,name_zh\n900000000001,"a\n' + "900000000002,b\n" * length))
        assert len(faults) == 1
        assert faults[0].line == 2


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "no header"),
        ("\n", "no header"),
        ("name_zh", "'account' is missing"),
        ("account,tear", "Did you mean 'tier'?"),
        ("account,tier,tier", "stands twice"),
        ("account,PIN", "never stands in a file"),
        ("account;tier", "not separated by commas"),
        ("account\ttier", "not separated by commas"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path: Path, header: str, says: str) -> None:
    with pytest.raises(BadCustomerFile, match=r"c\.csv:1") as caught:
        file_of(tmp_path, header)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [("utf-8", b"", "UTF-8"), ("utf-8", codecs.BOM_UTF8, "UTF-8"), ("gbk", b"", "GBK"), ("gb18030", b"", "GBK")],
)
def test_utf8_and_gbk_are_told_apart(tmp_path: Path, encoding: str, mark: bytes, said: str) -> None:
    file = file_of(tmp_path, mark + "account,name_zh\n900000000001,王小明\n".encode(encoding))
    assert file.encoding.said == said
    assert read(file)[0][0].said == {"name_zh": "王小明"}


def test_a_character_on_the_edge_of_a_chunk_is_no_fault(tmp_path: Path) -> None:
    row = "900000000001,"
    file = file_of(tmp_path, "account,name_zh\n" + row + "啊" * 100 + "\n" + "\n" * 1024 * 1024 + "900000000002,啊")
    assert file.encoding.said == "UTF-8"
    many = ("account,name_zh\n" + "".join(f"{number},王\n" for number in range(10**11, 10**11 + 80_000))).encode("gbk")
    assert file_of(tmp_path, many).encoding.said == "GBK"


@pytest.mark.parametrize("content", ["a,b\n".encode("utf-16"), b"account\n\x00\n", b"account,name_zh\n1,\xff\xff\n"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadCustomerFile) as caught:
        file_of(tmp_path, content)
    assert "Save it as" in caught.value.remedy


def test_a_file_that_is_not_there_or_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCustomerFile, match="cannot be read"):
        CustomerFile(tmp_path / "none.csv", CONTEXT)
    file = file_of(tmp_path, "account\n900000000001\n")
    read(file)
    with file.path.open("a") as handle:
        handle.write("900000000002\n")
    with pytest.raises(BadCustomerFile, match="changed while"):
        read(file)


numbers = st.sampled_from(["+8613800138000", "+862155501234", "+85221234567", "95500", "+864008095500"])
days = st.none() | st.dates(datetime.date(1990, 1, 1), TODAY)
amounts = st.none() | st.decimals(0, 10**13, places=2)
agents = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=60)
minutes = st.times().map(lambda time: time.replace(second=0, microsecond=0))


@st.composite
def people(draw: st.DrawFn) -> Customer:
    begin, end = draw(minutes), draw(minutes)
    quiet = begin != end and draw(st.booleans())
    return Customer(
        account=draw(st.from_regex(r"[0-9]{6,20}", fullmatch=True)),
        name_zh=draw(texts),
        name_en=draw(texts),
        tier=draw(st.sampled_from(TIERS)),
        phones=tuple(
            Phone(number, draw(st.sampled_from(PHONE_STATES)), draw(days))
            for number in draw(st.lists(numbers, unique=True, max_size=4))
        ),
        status=draw(st.sampled_from(STATUSES)),
        stage=draw(st.sampled_from(STAGES)),
        branch=draw(st.sampled_from(["", "SH01", "SZ01"])),
        languages=draw(st.sampled_from([("zh",), ("en",), ("zh", "en"), ("en", "zh")])),
        dialect=draw(st.sampled_from(DIALECTS)),
        manager=draw(st.just("") | agents),
        backups=tuple(draw(st.lists(agents, unique=True, max_size=3))),
        do_not_call=draw(st.booleans()),
        quiet_from=begin if quiet else None,
        quiet_until=end if quiet else None,
        recording_refused=draw(st.booleans()),
        email=draw(st.sampled_from(["", "wang@example.com"])),
        address=draw(texts),
        assets=draw(amounts),
        commission=draw(amounts),
        points=draw(st.none() | st.integers(0, 10**12)),
        opened_on=draw(days),
    )


@given(people())
def test_what_is_written_is_read_back_the_same_and_no_cell_is_a_formula(customer: Customer) -> None:
    said: dict[str, object] = {}
    for column in COLUMNS:
        cell = escaped(column.write(customer))
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        said |= column.read(plain(cell), CONTEXT)
    whole = CustomerChange.whole(customer)
    assert said.pop("phones") == whole.phones
    assert said == {**whole.said, "account": customer.account}


@given(st.sampled_from(sorted(BY_NAME)), st.text(max_size=80))
def test_no_cell_breaks_a_column(name: str, cell: str) -> None:
    with contextlib.suppress(CellFault):
        BY_NAME[name].read(plain(cell), CONTEXT)


def test_branches_are_read_all_or_none(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("code,name_zh,name_en,number,address\nSH01,上海,,021-55501234,路\n", "utf-8")
    (branch,) = read_branches(path)
    assert (branch.code, branch.number) == ("SH01", "+862155501234")
    path.write_text(
        "code,name_zh,name_en,number,address\nSH01,上,,,\nSH01,x,,,\nS 1,x,,,\nA,,,,\nB,x\nC,x,,1,\nD,=x,,,\n",
        "utf-8",
    )
    with pytest.raises(BadCustomerFile) as caught:
        read_branches(path)
    assert [f"b.csv:{line}: " in str(caught.value) for line in range(2, 9)] == [False] + [True] * 6
    path.write_text("code,name\n", "utf-8")
    with pytest.raises(BadCustomerFile, match="Begin with"):
        read_branches(path)
