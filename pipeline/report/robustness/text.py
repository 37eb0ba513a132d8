"""The table of conditions, a column a model; as text, and as lines of CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.formatting import counted
from pipeline.plan.planner import Plan
from pipeline.registry import GIVES_MODEL
from pipeline.report.formats.sheet import Block, Sheet
from pipeline.report.formats.sheets import heading, mean_std, place
from pipeline.report.results_text import notes, sheet_text
from pipeline.report.robustness.figures import Figure, Tests, column_of, figures_of, ordered, tests_of
from pipeline.report.robustness.wording import condition_text, kind_of, strength_text
from trainers.robustness.conditions import Condition

_NOTHING = (
    "no stage tests what absent and harmed sensors cost. Add below `stages:`\n"
    "  robustness:\n    needs: [{models}]"
)  # fmt: skip


def robustness_text(plan: Plan) -> str:
    """Write the table, and what a reader must know of it."""
    tests = tests_of(plan)
    figures = figures_of(plan.store, tests)
    if not figures:
        return no_figures(plan, tests)
    return "\n".join([sheets_text(robustness_sheets(figures)), *robustness_notes(plan, tests)])


def sheets_text(sheets: Sequence[Sheet]) -> str:
    """Write tables, one below the other."""
    return "\n\n".join(map(sheet_text, sheets))


def no_figures(plan: Plan, tests: Sequence[Tests]) -> str:
    """Say why there is no table."""
    if tests:
        return f"no figures yet: run `pipeline run`{' with the same --set' if plan.trial else ''}"
    entries = {entry.name: entry.stage for point in plan.points for entry in point.entries.values()}
    models = ", ".join(name for name, stage in entries.items() if stage in GIVES_MODEL)
    return _NOTHING.format(models=models or "MODEL")


def robustness_notes(plan: Plan, tests: Sequence[Tests]) -> list[str]:
    """Say how streams voted, and what is missing."""
    said = [
        f"note: {each.entry}: streams vote by their accuracy on the training side (vote: weighted)"
        for each in tests
        if each.weighted
    ]
    listed = [test for each in tests for test in each.tests]
    if missing := sum(not test.is_there for test in listed):
        said.append(f"note: {missing} of {counted(len(listed), 'test')} are not there (yet); figures need all folds")
    return [*said, *notes(plan)]


def robustness_sheets(figures: Sequence[Figure]) -> list[Sheet]:
    """Lay out top-1, a table for each entry that tests."""
    entries = list(dict.fromkeys(each.entry for each in figures))
    return [
        _sheet(
            [each for each in figures if each.entry == entry and each.row.metric == "top1"],
            f"{entry}: " if len(entries) > 1 else "",
        )
        for entry in entries
    ]


def _sheet(figures: Sequence[Figure], front: str) -> Sheet:
    """Lay out a line a condition, in blocks by what is wrong; a column a model, a dash where it has none."""
    columns = {column_of(each): each for each in figures}
    cells = {(column_of(each), each.condition): mean_std(each.row.mean, each.row.std) for each in figures}
    blocks: dict[str, list[list[str]]] = {}
    for condition in ordered(each.condition for each in figures):
        line = [line_text(condition), *(cells.get((column, condition), "-") for column in columns)]
        blocks.setdefault(kind_of(condition), []).append(line)
    header = ["condition", *column_names([*columns.values()])]
    title = f"{front}top-1 % with sensors absent or harmed, {heading([each.row for each in figures])}"
    return Sheet(title, header, [Block(kind, lines) for kind, lines in blocks.items()], 1)


def line_text(condition: Condition) -> str:
    """Name a condition below the heading of its kind."""
    if condition.harm:
        return f"{condition.modality}, {strength_text(condition)}"
    return ", ".join(condition.absent) or condition_text(condition)


def column_names(columns: Sequence[Figure]) -> list[str]:
    """Name columns by their models, and where several have one name by what in the matrix sets them apart."""
    parts = [place(each.row) for each in columns]
    differ = [at for at in range(3) if len({part[at] for part in parts}) > 1]
    alike = [sum(other.row.model == each.row.model for other in columns) > 1 for each in columns]
    return [
        ", ".join([each.row.model, *(part[at] for at in differ if several and part[at])])
        for each, part, several in zip(columns, parts, alike, strict=True)
    ]


def robustness_lines(figures: Sequence[Figure]) -> list[Mapping[str, Any]]:
    """Return a line of CSV for each figure."""
    lines: list[Mapping[str, Any]] = []
    for each in figures:
        row = each.row
        named = {"model": row.model, "dataset": row.dataset, "protocol": row.protocol}
        over = {"mean": row.mean, "std": row.std, "n": len(row.values), "recordings": row.recordings}
        place_ = {**named, "modalities": "+".join(row.modalities), **row.variant}
        lines.append({**place_, **each.place(), "metric": row.metric, **over, "folds": row.folds})
    return lines
