"""Results and plans as plain text tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.formatting import counted
from pipeline.plan.planner import Plan
from pipeline.plan.runs.baselines import baselines_of
from pipeline.registry import GIVES_MODEL, TRAINED
from pipeline.report.comparison.text import gain_lines
from pipeline.report.early_stopping import early_stopping_notes
from pipeline.report.formats.sheet import Sheet
from pipeline.report.formats.sheets import results_sheet
from pipeline.report.formats.text_table import table
from pipeline.report.plan_notes import absent_notes, broken_count, doubts, fold_notes, late_reasons
from pipeline.report.published import beside, published_note, published_of
from pipeline.report.results import evaluations_of, random_projections, result_rows


def sheet_text(sheet: Sheet) -> str:
    """Write a sheet's heading and table; a block's lines are indented below its title."""
    margin = ["  " if block.title else "" for block in sheet.blocks]
    lines = [[m + line[0], *line[1:]] for m, block in zip(margin, sheet.blocks, strict=True) for line in block.lines]
    header, rule, *rest = table(sheet.header, lines, right=range(sheet.left, len(sheet.header))).split("\n")
    text = [sheet.heading, "", header, rule]
    for block in sheet.blocks:
        text += [block.title] if block.title else []
        text += rest[: len(block.lines)]
        rest = rest[len(block.lines) :]
    return "\n".join(text)


def results_text(plan: Plan, per_modality: bool = False, vskd_f1: bool = False) -> str:
    """Write the results, what a reader must know of them, and the paired differences."""
    rows = beside(result_rows(plan, per_modality, vskd_f1), published_of(plan))
    if not rows:
        return no_results(plan)
    text = sheet_text(results_sheet([((), row) for row in rows]))
    gone = missing_evaluations(plan.states[step.id] for step in plan.steps.values() if step.stage == "evaluate")
    gains = gain_lines(plan.store, evaluations_of(plan), rows, baselines_of(plan), rows)
    return "\n".join([text, *gains, *gone, *published_note(plan), *notes(plan)])


def missing_evaluations(states: Iterable[str]) -> list[str]:
    """Say that figures are of fewer seeds than were asked for, by the states of all evaluations."""
    states = [*states]
    missing = sum(state not in ("cached", "remote") for state in states)
    of = counted(len(states), "evaluation")
    return [f"note: {missing} of {of} are not there (yet); figures need all folds of a seed"] if missing else []


def no_results(plan: Plan) -> str:
    """Say why there are no results: nothing has run, or nothing asks for any; then what to add."""
    if missing := missing_evaluate(plan):
        return f"no results: {missing}"
    if not any(step.stage in TRAINED for step in plan.steps.values()):
        return f"no results: {plan.path.name} trains no model (docs/stages-file.md, stages train and evaluate)"
    return f"no results yet: run `pipeline run`{' with the same --set' if plan.trial else ''}"


def missing_evaluate(plan: Plan) -> str:
    """Say what to add to a stages file that trains models and evaluates none; empty for any other."""
    stages = {entry.name: entry.stage for point in plan.points for entry in point.entries.values()}
    models = [name for name, stage in stages.items() if stage in GIVES_MODEL]
    if not models or "evaluate" in stages.values():
        return ""
    name = "evaluate" if "evaluate" not in stages else "results"
    lines = [
        f"  {name}:",
        *(["    stage: evaluate"] if name != "evaluate" else []),
        f"    needs: [{', '.join(models)}]",
    ]
    return "\n".join([f"nothing evaluates what {plan.path.name} trains. Add below `stages:`", *lines])


def notes(plan: Plan) -> list[str]:
    """Say what a reader of the results must know: of features, and of recordings that are not among them."""
    lines = projection_notes(step.recipe for step in plan.steps.values())
    lines += [*absent_notes(plan), *fold_notes(plan), *(f"note: {line}" for line in early_stopping_notes(plan))]
    if broken := broken_count(plan):
        lines.append(f"note: {broken} left out, see `pipeline status`")
        lines += [f"  {line}" for line in late_reasons(plan)[:3]]
    return lines + doubts(plan)


def projection_notes(recipes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say which features, by the recipes of their steps, come from a network with random weights."""
    projections = random_projections(recipes)
    return [f"note: features of {', '.join(projections)} are random projections (weights: none)"] if projections else []
