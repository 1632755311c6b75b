"""How long the client waits before it knocks again."""

from __future__ import annotations

from ivr.ami.backoff import Backoff


def waits(backoff: Backoff, count: int) -> list[float]:
    return [backoff.next_wait() for _ in range(count)]


def test_waits_double_up_to_the_longest() -> None:
    assert waits(Backoff(first=0.5, longest=15), 7) == [0.5, 1, 2, 4, 8, 15, 15]


def test_chance_cuts_by_up_to_half_and_never_adds() -> None:
    assert waits(Backoff(first=1, longest=8, chance=lambda: 0.999999), 4) != [1, 2, 4, 8]
    for chance in (0.0, 0.3, 0.999999):
        taken = waits(Backoff(first=1, longest=8, chance=lambda chance=chance: chance), 5)
        assert all(full / 2 <= wait <= full for wait, full in zip(taken, (1, 2, 4, 8, 8), strict=True))


def test_only_a_link_that_held_starts_the_row_anew() -> None:
    backoff = Backoff(first=1, longest=100, stable=60)
    assert waits(backoff, 3) == [1, 2, 4]
    backoff.after_link(59.9)
    assert waits(backoff, 1) == [8]
    backoff.after_link(60)
    assert waits(backoff, 2) == [1, 2]


def test_a_week_without_asterisk_does_not_overflow() -> None:
    assert waits(Backoff(longest=15), 5000)[-1] == 15
