"""Differences between models in a line each."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formatting import counted, shortened
from pipeline.report.comparison.differences import Baselines, Difference, differences_of, pairs_of
from pipeline.report.formats.sheets import TITLES, context
from pipeline.report.results import METRICS, Evaluation, Row
from store import Store


def gain_lines(
    store: Store,
    evaluations: Sequence[Evaluation],
    rows: Sequence[Row],
    baselines: Baselines,
    beside: Sequence[Row],
) -> list[str]:
    """Say what models gain on what they are held against, or why that is not said; `beside` are all rows shown."""
    found = differences_of(store, evaluations, rows, baselines)
    return [*difference_lines(found, beside), *unpaired_lines(rows, baselines, beside)]


def difference_lines(differences: Sequence[Difference], rows: Sequence[Row]) -> list[str]:
    """Say of each pair of models what one has more than the other, below a line that says how to read it."""
    pairs: dict[tuple[int, str], list[Difference]] = {}
    for each in differences:
        pairs.setdefault((_of_model(each.row, rows), each.baseline), []).append(each)
    if not pairs:
        return []
    at_once = max(each.at_once for each in differences)
    wide = f", wide enough for all {at_once} at once" if at_once > 1 else ""
    lines = [f"differences in points (95 % intervals of top-1 over subjects and seeds{wide}):"]
    for of_pair in pairs.values():
        first = of_pair[0]
        figures = ", ".join(f"{TITLES[each.row.metric][:-2]} {_signed(each.mean)}{_interval(each)}" for each in of_pair)
        best = ", its best control" if first.best else ""
        over = f"{counted(first.subjects, 'subject')}, {counted(first.n, 'seed')}"
        differing = f"{first.differing:.4g} of {first.recordings} answers differ"
        names = f"{context(first.row, rows)}{first.row.model} minus {first.baseline}{best}"
        also = f"; not alike in {', '.join(shortened(first.also_differ, 3))}" if first.also_differ else ""
        lines.append(f"  {names}: {figures}; {over}; {differing}{also}")
    return lines


def _interval(difference: Difference) -> str:
    if difference.row.metric != METRICS[0]:
        return ""
    if difference.interval is None:
        return " (the same in all: no interval)"
    low, high = difference.interval
    return f" ({_signed(low)} to {_signed(high)})"


def unpaired_lines(rows: Sequence[Row], baselines: Baselines, beside: Sequence[Row]) -> list[str]:
    """Say of each model that has no difference from what it is held against why it has none."""
    lines = []
    for pair in pairs_of(rows, baselines):
        names, differs = f"{pair.row.model} and {pair.other.model}", pair.baseline.differs
        if differs and not pair.baseline.named:
            lines.append(f"{names} differ in {', '.join(shortened(differs, 3))}: no difference is shown")
        elif not pair.is_fair:
            common = f"{'one seed' if pair.seeds else 'no seed'} in common"
            lines.append(f"{context(pair.row, beside)}{names} have {common}: no difference is shown, which takes two")
    return list(dict.fromkeys(lines))  # each once, of however many metrics


def _of_model(row: Row, rows: Sequence[Row]) -> int:
    """Return what is the same for all metrics of one model in one place."""
    return next(i for i, each in enumerate(rows) if each.as_label() == row.as_label())


def _signed(points: float) -> str:
    return f"{round(points, 2) + 0.0:+.2f}"  # adding zero makes -0.0 positive
