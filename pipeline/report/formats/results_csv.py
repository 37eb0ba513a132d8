"""Results as CSV: one line a figure, for spreadsheets and data frames; figures with all their digits."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.report.breakdown import Breakdown
from pipeline.report.inference.rows import CostRow
from pipeline.report.results import Row, deviation
from pipeline.report.student_t import mean_interval

Front = Mapping[str, Any]  # columns of a line that say which run it is of


def rows_csv(rows: Sequence[tuple[Front, Row]]) -> str:
    """Write a line for each row; a matrix's keys are columns."""
    return lines_csv(row_lines(rows))


def row_lines(rows: Sequence[tuple[Front, Row]]) -> list[dict[str, Any]]:
    """Return a line for each row."""
    return [{**_place(front, row), **_over_seeds(row), **_published(row)} for front, row in rows]


def breakdowns_csv(breakdowns: Sequence[tuple[Front, Breakdown]]) -> str:
    """Write the lines of `breakdown_lines`."""
    return lines_csv(breakdown_lines(breakdowns))


def breakdown_lines(breakdowns: Sequence[tuple[Front, Breakdown]]) -> list[dict[str, Any]]:
    """Return a line for each part of each row, then one over the parts and one over seeds, whose part is empty.

    Column ``over`` says what `mean`, `std`, `low`, `high` and `n` of a line are over.
    """
    lines = []
    for front, each in breakdowns:
        row, by = each.row, each.by
        place = _place(front, row)
        for part in each.parts:
            of_part = {**_figures(part.values), "recordings": part.recordings}
            lines.append({**place, by: part.name, "over": "seeds", **of_part})
        over_parts = {**_figures([part.mean for part in each.parts]), "recordings": row.recordings}
        lines.append({**place, by: "", "over": f"{by}s", **over_parts})
        lines.append({**place, by: "", "over": "seeds", **_over_seeds(row)})
    return lines


def costs_csv(rows: Sequence[CostRow]) -> str:
    """Write a line for each model and what it costs to run; a matrix's keys are columns."""
    return lines_csv(cost_lines(rows))


def cost_lines(rows: Sequence[CostRow]) -> list[dict[str, Any]]:
    """Return a line for each model."""
    lines = []
    for row in rows:
        line = row.as_json()
        modalities, variant = "+".join(line.pop("modalities")), line.pop("variant", {})
        place = {name: line.pop(name) for name in ("model", "dataset", "protocol")}
        lines.append({**place, "modalities": modalities, **variant, **line})
    return lines


def _place(front: Front, row: Row) -> dict[str, Any]:
    modalities = "+".join(row.modalities)
    named = {"model": row.model, "dataset": row.dataset, "protocol": row.protocol, "modalities": modalities}
    return {**front, **named, **row.variant, "metric": row.metric}


def _over_seeds(row: Row) -> dict[str, Any]:
    return {**_figures(row.values), "recordings": row.recordings, "folds": row.folds}


def _published(row: Row) -> dict[str, float]:
    return {} if row.published is None else {"published": row.published}


def _figures(values: Sequence[float]) -> dict[str, float | None]:
    """Return the mean, its deviation (ddof 1) and the ends of its 95 % interval; of a single value the mean alone."""
    low, high = mean_interval(values)[1:] if len(values) > 1 else (None, None)
    mean = statistics.fmean(values)
    return {"mean": mean, "std": deviation(values), "low": low, "high": high, "n": len(values)}


def lines_csv(lines: Sequence[Mapping[str, Any]]) -> str:
    """Write lines with all the columns that any has."""
    text = io.StringIO()
    names = dict.fromkeys(name for line in lines for name in line)
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in lines)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return "+".join(map(str, value)) if isinstance(value, (list, tuple)) else value
