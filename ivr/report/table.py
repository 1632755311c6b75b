"""A report as rows for a spreadsheet, and as one JSON value. Pure."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from ivr.customers.columns import escaped
from ivr.report.reckoning import Report
from ivr.report.tally import Dimension

COLUMNS: Final = (
    "by", "group", "figure", "title_zh", "title_en", "value", "unit", "numerator", "denominator", "formula_zh",
    "formula_en",
)  # fmt: skip


def rows(report: Report, dimensions: tuple[Dimension, ...]) -> list[dict[str, Any]]:
    """One row for each figure of each group."""
    found = []
    for dimension in dimensions:
        for group in report.groups(dimension):
            for figure in report.figures(dimension, group):
                kind = figure.kind
                found.append(
                    {
                        "by": dimension,
                        "group": group,
                        "figure": kind.name,
                        "title_zh": kind.zh,
                        "title_en": kind.en,
                        "value": figure.value,
                        "unit": kind.unit,
                        "numerator": figure.numerator,
                        "denominator": figure.denominator,
                        "formula_zh": kind.formula("zh", report.rules),
                        "formula_en": kind.formula("en", report.rules),
                    }
                )
    return found


def csv_text(report: Report, dimensions: tuple[Dimension, ...]) -> str:
    """The rows as CSV; a cell that a spreadsheet would run is text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows(report, dimensions):
        writer.writerow(["" if row[name] is None else escaped(str(row[name])) for name in COLUMNS])
    return out.getvalue()


def json_value(report: Report, dimensions: tuple[Dimension, ...]) -> dict[str, Any]:
    """The whole report: what it covers, what it was judged by, and every figure with its formula and numbers."""
    period, rules = report.period, report.rules
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "time_zone": str(period.zone),
        "asked_at": report.asked_at.isoformat(timespec="seconds"),
        "targets": {tier: {"share": target.share, "within": target.within} for tier, target in rules.targets.items()},
        "short_seconds": rules.short_seconds,
        "first_contact_days": rules.first_contact_days,
        "groups": [
            {
                "by": dimension,
                "group": group,
                "figures": [figure.told(rules) for figure in report.figures(dimension, group)],
            }
            for dimension in dimensions
            for group in report.groups(dimension)
        ],
    }
