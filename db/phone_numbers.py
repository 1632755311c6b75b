"""The one form in which telephone numbers are stored, so that a caller ID finds its customer however it was written.

E.164 with its plus for everything that has it; short codes (95500, 10086, 110) as they are. Pure. The numbering plan is
the library ``phonenumbers``', Google's, with rules of our own where it lags or knows nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar, Final

import phonenumbers

from ivr.errors import GoldlineError

HOME: Final = "CN"  # numbers without a country code are the mainland's
HOME_PREFIX: Final = "+86"
LONGEST: Final = 40  # characters as typed, with brackets and blanks; E.164 has 15 digits

# Every 11-digit number from 13 to 19 is a mobile (电信网编号计划, MIIT 2017): new blocks are in use before the library
# hears of them. It is also 50 times as fast, and most numbers are mobiles.
_MOBILE: Final = re.compile(r"(?:\+86|0086|86|0)?(1[3-9][0-9]{9})")
# Emergency and service numbers 1xx to 1xxxx; service numbers of companies 95xxx, 96xxx with up to three digits more.
_SHORT: Final = re.compile(r"1[0-2][0-9]{1,3}|9[56][0-9]{3,6}")
_FILLING: Final = re.compile(r"[\s().\-·]+")


class BadNumber(GoldlineError):
    """A text is no telephone number."""

    error_id: ClassVar[str] = "bad-number"


def canonical(text: str) -> str:
    """The stored form of a number that a person wrote. Raises BadNumber."""
    digits = _FILLING.sub("", unicodedata.normalize("NFKC", text[: LONGEST + 1]))
    if len(text) <= LONGEST:
        if mobile := _MOBILE.fullmatch(digits):
            return HOME_PREFIX + mobile[1]
        if _SHORT.fullmatch(digits):
            return digits
        if re.fullmatch(r"\+?[0-9]{5,20}", digits):
            try:
                number = phonenumbers.parse(digits, HOME)
            except phonenumbers.NumberParseException:
                number = None
            if number is not None and phonenumbers.is_valid_number(number) and len(digits.lstrip("0+")) > 8:
                return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    raise BadNumber(
        f"{text[:LONGEST]!r} is no telephone number.",
        remedy="Write it with its area code (02155501234, 13800138000), foreign ones with 00 and the country code.",
    )


def stored_form(text: str) -> str:
    """The stored form of whatever a trunk sent as caller ID: what is no public number (extensions) stays as it came."""
    try:
        return canonical(text)
    except BadNumber:
        return text.strip()


def spoken_form(number: str) -> str:
    """A stored number as people at home write it, beginning with a digit: 13800138000, 02155501234, 0085221234567."""
    if not number.startswith("+"):
        return number
    if number.startswith(HOME_PREFIX):
        national = number.removeprefix(HOME_PREFIX)
        return national if _MOBILE.fullmatch(national) or national[:3] in ("400", "800") else f"0{national}"
    return f"00{number[1:]}"
