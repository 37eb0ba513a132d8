"""TensorBoard's reader and an MLflow server hold the same curves as the report, whichever command wrote them."""

from __future__ import annotations

import csv
import statistics
from typing import Any

import numpy as np
import pytest

from pipeline.plan.recordings.output_readers import history_of

from .readers import Figures, Trainings, page_curves

MODELS, SEEDS = ("teacher", "student", "distilled"), (0, 1)
COLUMNS = {  # of the report's table: the figure, and where on its mean
    "First loss": ("loss/train", 0),
    "Last loss": ("loss/train", -1),
    "First accuracy %": ("accuracy/train", 0),
    "Last accuracy %": ("accuracy/train", -1),
    "Last validation loss": ("loss/validation", -1),
    "Last validation accuracy %": ("accuracy/validation", -1),
}


@pytest.fixture(params=["tensorboard", "mlflow"])
def tracker(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["run", "watch", "report", "remembered"])
def held(request: pytest.FixtureRequest, study: Any, tracker: str) -> Trainings:
    """What a tracker holds of a command."""
    trainings: Trainings = getattr(study, tracker)(request.param)
    assert {*trainings} == {(model, seed) for model in MODELS for seed in SEEDS}
    return trainings


def of_seeds(trainings: Trainings, model: str, figure: str) -> list[tuple[float, ...]]:
    """Return the values of all seeds by epoch, up to the last that both reached, as the page has them."""
    curves = [trainings[model, seed][figure] for seed in SEEDS]
    for curve in curves:
        assert [*curve] == [*range(1, len(curve) + 1)]
    return [*zip(*(curve.values() for curve in curves), strict=False)]


def rows(study: Any, name: str) -> dict[str, dict[str, str]]:
    """Return a table of the report, whole, by model."""
    with (study.project.folder / "csv" / f"{name}.csv").open(newline="") as file:
        return {row["Model"]: row for row in csv.DictReader(file)}


def test_every_epoch_is_where_the_page_draws_it(study: Any, held: Trainings) -> None:
    drawn = page_curves(study.pages["report"])
    assert {key for key in drawn if key[1].endswith("validation")} == {
        ("student", "loss/validation"),
        ("student", "accuracy/validation"),
    }
    figures = {(model, name) for (model, _), own in held.items() for name in own if not name.startswith("test/")}
    assert figures == {*drawn}
    for (model, figure), curve in drawn.items():
        values = of_seeds(held, model, figure)
        for join, shown in ((statistics.fmean, curve.mean), (min, curve.low), (max, curve.high)):
            assert shown == pytest.approx([join(each) for each in values], abs=curve.within)


def test_ends_are_those_of_its_table(study: Any, held: Trainings) -> None:
    for model, row in rows(study, "training").items():
        for column, (figure, at) in COLUMNS.items():
            if row[column]:
                assert float(row[column]) == pytest.approx(
                    statistics.fmean(of_seeds(held, model, figure)[at]), rel=1e-6
                )
        assert bool(row["Last validation loss"]) == (model == "student")


def test_figures_of_the_test_are_its_results_at_the_epoch_that_was_kept(study: Any, held: Trainings) -> None:
    results, trainings = rows(study, "results"), rows(study, "training")
    for model in MODELS:
        own = [held[model, seed] for seed in SEEDS]
        for figure, column in ("test/top1", "Top-1 %"), ("test/macro_f1", "Macro F1 %"):
            (values,) = zip(*(each[figure].values() for each in own), strict=True)
            assert float(results[model][column]) == pytest.approx(statistics.fmean(values), rel=1e-6, abs=1e-6)
        kept = [each for figures in own for each in figures["test/top1"]]
        if model == "student":
            assert ", ".join(map(str, sorted({*kept}))) == trainings[model]["Best epoch on validation"]
            assert any(epoch < last(figures) for epoch, figures in zip(kept, own, strict=True))
        else:
            assert kept == [last(figures) for figures in own]


def test_each_seed_has_its_own_to_the_last_epoch(study: Any, held: Trainings, tracker: str) -> None:
    """The page has both seeds' curves joined, up to the end of the shorter; the store each one's whole."""
    exactly = np.float32 if tracker == "tensorboard" else float  # event files hold 32 bits
    plan = study.project.plan()
    for (model, seed), figures in held.items():
        step = plan.steps[f"{model}[subjects=odd,seed={seed}]"]
        history = history_of(plan.store.output(step.stage, step.key))
        expected = {
            "loss/train": [each.loss for each in history],
            "accuracy/train": [100 * each.accuracy for each in history],
            "loss/validation": [each.validation_loss for each in history if each.validation_loss is not None],
        }
        for figure, values in expected.items():
            assert [*figures.get(figure, {}).values()] == [float(exactly(value)) for value in values]


def last(figures: Figures) -> int:
    return max(figures["loss/train"])
