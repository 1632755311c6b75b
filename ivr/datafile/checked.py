"""Reading one file that people edit, whose content is checked as a whole: the value, or an error with every problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ivr.datafile.problem import Problem
from ivr.errors import GoldlineError

T = TypeVar("T")


class FileInvalid(GoldlineError):
    """A file that cannot be used. The message lists every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def read_checked(
    path: Path, load: Callable[[str, str], tuple[T | None, list[Problem]]], invalid: type[FileInvalid]
) -> T:
    """What ``load(text, file)`` makes of this file. Raises ``invalid`` with its problems, or when there is no text."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise invalid(
            [Problem(str(path), 1, f"the file cannot be read: {reason}.", "Save it there as plain UTF-8.")]
        ) from None
    value, problems = load(text, str(path))
    if value is None or problems:
        raise invalid(problems)
    return value
