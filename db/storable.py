r"""Make any text or JSON value storable, whatever a caller or a trunk put into it. Pure.

The one place that knows what a database refuses: PostgreSQL and its JSONB take neither NUL nor lone surrogates (which
stand for bytes that are no UTF-8, PEP 383), and a column has a length. What cannot be kept is written as a backslash
escape (``\x00``, ``\udcff``); what is too long is cut and marked with ``…``. Nothing here ever raises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

CUT_MARK: Final = "…"
MOST_CHARACTERS: Final = 2_000  # of one text in a JSON value: a caller ID or a trace line is far below
MOST_ITEMS: Final = 1_000  # of one list or object
MOST_DEPTH: Final = 8  # levels of a JSON value
MOST_JSON: Final = 64 * 1024  # characters of one JSON value: larger ones are dropped and marked
MOST_BITS: Final = 1_024  # of a whole number: str() refuses 4,300 digits (sys.int_info.default_max_str_digits)

_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


def storable(text: str, most: int = MOST_CHARACTERS) -> str:
    """``text`` as every database keeps it, at most ``most`` characters long (the cut mark included)."""
    if "\x00" in text or not text.isascii():
        # Cut first, so that hostile lengths cost nothing; escaping can only make it longer.
        text = text[: most + 1].replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > most:
        text = text[: most - len(CUT_MARK)] + CUT_MARK
    return text


def storable_json(value: object) -> str:
    """``value`` as one line of JSON in ASCII that every database keeps.

    Values that JSON lacks (a Decimal, bytes, NaN, a date) are written as text.
    """
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, RecursionError):
        return _encode_mended(value)
    if len(encoded) > MOST_CHARACTERS or "\\u0000" in encoded or "\\ud" in encoded:
        return _encode_mended(value)
    return encoded


def _encode_mended(value: object) -> str:
    encoded = _encode(_mended(value, 0))
    if len(encoded) > MOST_JSON:
        return _encode({"cut": CUT_MARK, "characters": len(encoded)})
    return encoded


def _mended(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MOST_BITS else storable(hex(value), 128)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if depth >= MOST_DEPTH:
        return CUT_MARK
    if isinstance(value, Mapping):
        pairs = [(storable(_text(key)), _mended(item, depth + 1)) for key, item in _first(value.items())]
        return dict(pairs)
    if isinstance(value, list | tuple | set | frozenset):
        return [_mended(item, depth + 1) for item in _first(value)]
    return storable(_text(value))


def _first(items: Any) -> list[Any]:
    return [item for _, item in zip(range(MOST_ITEMS), items, strict=False)]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return str(value)
    except Exception:  # a foreign __str__ may do anything, and this must never raise
        return f"<{type(value).__name__}>"
