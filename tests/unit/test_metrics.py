"""What Prometheus reads."""

from __future__ import annotations

from ivr.metrics import Metrics


def test_lines_by_group_and_class_as_they_are_when_asked_for() -> None:
    metrics = Metrics()
    up = {"city": {"others": 2, "gold": 0}}
    metrics.follow_table(
        "goldline_lines_up",
        "Calls that hold a line",
        ("trunks", "class"),
        lambda: [((group, name), count) for group, classes in up.items() for name, count in classes.items()],
    )
    assert 'goldline_lines_up{class="others",trunks="city"} 2.0' in metrics.text().decode()
    up["city"]["others"] = 3
    metrics.line_refused("city", "others", "kept")
    text = metrics.text().decode()
    assert 'goldline_lines_up{class="others",trunks="city"} 3.0' in text
    assert 'goldline_lines_refused_total{class="others",rule="kept",trunks="city"} 1.0' in text


def test_two_controllers_in_one_process_do_not_meet() -> None:
    one, other = Metrics(), Metrics()
    one.line_refused("city", "others", "kept")
    assert "kept" not in other.text().decode()
