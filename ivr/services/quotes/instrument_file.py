"""A CSV file of instruments: ``code,market,kind,name_zh,name_en``. Pure: text in, instruments and faults out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from db.instruments import Instrument, Kind, Market

COLUMNS: Final = ("code", "market", "kind", "name_zh", "name_en")
REQUIRED: Final = ("code", "market", "name_zh")
MARKETS: Final[tuple[Market, ...]] = get_args(Market)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LONGEST_NAME: Final = 128
_CODE: Final = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one line."""

    line: int
    what: str


def read_instruments(text: str) -> tuple[list[Instrument], list[Fault]]:
    """The instruments in a text. ``kind`` left out is a share, an English name left out is the Chinese one."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    columns = rows.fieldnames or ()
    missing = [name for name in REQUIRED if name not in columns]
    unknown = [str(name) for name in columns if name not in COLUMNS]
    if missing or unknown:
        what = f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        return [], [Fault(1, f"The columns are {', '.join(COLUMNS)} ({what}).")]
    found: dict[tuple[str, str], Instrument] = {}
    faults: list[Fault] = []
    try:
        for row in rows:
            try:
                one = _instrument(row)
            except ValueError as error:
                faults.append(Fault(rows.line_num, str(error)))
                continue
            if one.key in found:
                faults.append(Fault(rows.line_num, f"{one.code} {one.market} stands there twice."))
            found[one.key] = one
    except csv.Error as error:
        faults.append(Fault(rows.line_num, f"This is not CSV: {error}."))
    return list(found.values()), faults


def _instrument(row: Mapping[str, str | None]) -> Instrument:
    code, market = (row["code"] or "").strip(), (row["market"] or "").strip().upper()
    kind = (row.get("kind") or "").strip() or "share"
    name_zh = (row["name_zh"] or "").strip()
    name_en = (row.get("name_en") or "").strip() or name_zh
    if not _CODE.fullmatch(code):
        raise ValueError(f"{code!r} is no code of six digits.")
    if market not in MARKETS:
        raise ValueError(f"The market cannot be {market!r}. Known: {', '.join(MARKETS)}.")
    if kind not in KINDS:
        raise ValueError(f"The kind cannot be {kind!r}. Known: {', '.join(KINDS)}.")
    if not name_zh or max(len(name_zh), len(name_en)) > LONGEST_NAME:
        raise ValueError(f"The name is missing or longer than {LONGEST_NAME} characters.")
    if not (name_zh + name_en).isprintable():
        raise ValueError("The name holds a control character.")
    return Instrument(code, market, kind, name_zh, name_en)
