"""Results as rows, with what commands say beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from pipeline.api.table import Table
from pipeline.errors import ConfigError
from pipeline.experiment.remembered_runs import Remembered
from pipeline.plan.planner import Plan
from pipeline.plan.runs.baselines import baselines_of
from pipeline.report.breakdown import By, break_down
from pipeline.report.comparison.text import gain_lines
from pipeline.report.formats.results_csv import breakdown_lines, row_lines
from pipeline.report.published import beside, published_note, published_of
from pipeline.report.results import PREDICTION_COLUMNS, Row, evaluations_of, prediction_lines, rows_of
from pipeline.report.results_text import no_results, notes
from pipeline.report.runs.side_by_side import Shown, notes_on
from pipeline.stagesfile.schema import did_you_mean

_BY = (*get_args(By), "seed")


def results_of(
    plan: Plan, remembered: Remembered, names: Sequence[str], by: By | Literal["seed"] | None, per_modality: bool
) -> Table:
    """Return results of a plan, or of runs; see `pipeline.api.experiment.Experiment.results`."""
    if by is not None and by not in _BY:
        raise ConfigError(f"by {by!r}: nothing to break figures down by\n  {did_you_mean(str(by), _BY)}")
    if names:
        runs = remembered.find(names)
        shown = remembered.shown(runs)
        notes_below = notes_on(runs, shown)
    else:
        shown = [Shown(evaluations_of(plan), baselines_of(plan), published=published_of(plan))]
        notes_below = [*published_note(plan), *notes(plan)]
    lines: list[dict[str, Any]] = []
    gains: list[str] = []
    rows = [
        (each, row)
        for each in shown
        for row in beside(rows_of(plan.store, each.evaluations, per_modality), each.published)
    ]
    for each in shown:
        own = [row for other, row in rows if other is each]
        if by is None:
            lines += row_lines([(each.columns(row.model), row) for row in own])
            said = gain_lines(plan.store, each.evaluations, own, each.baselines, [row for _, row in rows])
            gains += [f"run {each.title}: {line}" if len(shown) > 1 else line for line in said]
        elif by == "seed":
            lines += [{**each.columns(row.model), **line} for row in own for line in _by_seed(row)]
        else:
            parts = break_down(plan.store, each.evaluations, own, by)
            lines += breakdown_lines([(each.columns(part.row.model), part) for part in parts])
    return Table(lines, [*gains, *notes_below] if lines else [no_results(plan), *notes_below])


def predictions_of(plan: Plan, model: str | None) -> Table:
    """Return what models said of test recordings; see `pipeline.api.experiment.Experiment.predictions`."""
    evaluations = evaluations_of(plan)
    models = list(dict.fromkeys(each.label["model"] for each in evaluations))
    if model is not None and model not in models:
        remedy = did_you_mean(str(model), models)
        raise ConfigError(f"{model}: no such model is evaluated in {plan.path}\n  {remedy}")
    evaluations = [each for each in evaluations if model in (None, each.label["model"])]
    return Table(dict(zip(PREDICTION_COLUMNS, line, strict=True)) for line in prediction_lines(plan.store, evaluations))


def _by_seed(row: Row) -> Iterator[dict[str, Any]]:
    """Yield a line for each seed, over folds averaged."""
    (line,) = row_lines([({}, row)])
    place = {name: line[name] for name in line if name not in ("mean", "std", "n", "low", "high")}
    for seed, value in zip(row.seeds, row.values, strict=True):
        yield {**place, "seed": seed, "mean": value}
