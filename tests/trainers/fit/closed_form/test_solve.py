"""Training rows of models that are solved, and what is said of such a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainers.data.inputs import SeriesInput
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.closed_form import rows as rows_module
from trainers.fit.closed_form.rows import Rows
from trainers.fit.closed_form.solve import is_solved, solve
from trainers.fit.loop import Training
from trainers.fit.tasks.classify import ClassifyTask
from trainers.models.rocket.model import Rocket
from trainers.models.rocket.params import RocketParams
from trainers.params import AugmentParams, StandardiseParams

COUNT, LENGTH = 20, 30


def data(augment: AugmentParams | None = None, count: int = COUNT, seed: int = 0) -> RecordingData:
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    series = torch.randn(count, LENGTH, 3, generator=draw) * (1 + 4 * labels.view(-1, 1, 1))
    inputs = SeriesInput("wrist", "series", series=series, valid=torch.ones(count, 1, dtype=torch.bool))
    return RecordingData([inputs], labels, augment)


class Noted(nn.Module):
    """A model that notes what it is solved on, and says always the same."""

    solved = True

    def __init__(self, answer: float = 0.0) -> None:
        super().__init__()
        self.answer = answer
        self.seen: list[Any] = []
        self.drawn: list[Tensor] = []

    def solve(self, rows: Any, seed: int) -> None:
        self.seen = [list(rows), list(rows)]
        self.drawn = [torch.rand(3), torch.tensor([float(len(rows)), float(seed)])]

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> Any:
        count = len(inputs["wrist:series"])
        logits = torch.tensor([0.0, self.answer]).expand(count, 2)
        return {"logits": logits.log_softmax(-1), "embedding": logits, "streams": {"wrist/noted": logits}, "maps": ()}


def training(model: nn.Module, recordings: RecordingData, **more: Any) -> Training:
    standardised = Standardised(model, fit_standardiser(recordings.inputs.values(), StandardiseParams()))
    return Training(ClassifyTask(standardised), recordings, 7, **more)


def test_recordings_come_first_then_copies_of_all_standardised_and_the_same_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows_module, "CHUNK", 8)
    recordings = data(AugmentParams())
    model = Noted()
    task = training(model, recordings)
    solve(task, 2)
    first, again = model.seen
    assert [len(batch["labels"]) for batch in first] == [8, 8, 4] * 3
    numbers = torch.cat([batch["recordings"] for batch in first])
    assert torch.equal(numbers, torch.arange(COUNT).repeat(3))
    assert torch.equal(torch.cat([batch["labels"] for batch in first]), recordings.labels[numbers])
    own, copy, other = torch.cat([batch["inputs"]["wrist:series"] for batch in first]).split(COUNT)
    standardiser: Any = task.task.model.standardiser
    torch.testing.assert_close(
        own, standardiser({"wrist:series": recordings.inputs["wrist:series"].series})["wrist:series"]
    )
    for one, two in ((own, copy), (own, other), (copy, other)):
        assert float((one - two).square().mean()) > 0.01
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one["inputs"]["wrist:series"], two["inputs"]["wrist:series"])
    assert model.drawn[1].tolist() == [3 * COUNT, 7]


def test_torchs_own_generator_is_seeded_for_it_and_put_back() -> None:
    drawn, state = [], torch.random.get_rng_state()
    for _ in range(2):
        model = Noted()
        solve(training(model, data()))
        drawn.append(model.drawn[0])
        torch.rand(1)
    torch.random.set_rng_state(state)
    assert torch.equal(*drawn)


def test_the_history_is_one_epoch_with_figures_of_the_recordings_as_they_are_stored() -> None:
    said: list[Any] = []
    # odds of 3 for the second class, which 10 of 20 training recordings are of, and 1 of 3 set apart
    model = Noted(math.log(3))
    history = solve(
        training(model, data(AugmentParams()), validation=data(count=3), progress=lambda *each: said.append(each)), 1
    )
    right, wrong = -math.log(0.75), -math.log(0.25)
    loss = (right + wrong) / 2
    assert history == [
        {
            "epoch": 1,
            "loss": pytest.approx(loss),
            "accuracy": 0.5,
            "validation_loss": pytest.approx((right + 2 * wrong) / 3),
            "validation_accuracy": pytest.approx(1 / 3),
        }
    ]
    assert said == [(1, 1, pytest.approx(loss), 0.5)]


def test_a_series_model_is_solved_by_its_seed_and_better_than_a_guess_on_new_recordings() -> None:
    outputs = []
    for _ in range(2):
        model = Rocket({"wrist:series": (LENGTH, 3)}, 2, RocketParams(features=168))
        task = training(model, data(AugmentParams(), count=40))
        (figures,) = solve(task, 1)
        assert figures["accuracy"] == 1.0
        fresh = data(count=30, seed=1)
        batch = fresh.batch(torch.arange(30))
        outputs.append(task.task.model(batch["inputs"], batch["valid"])["logits"])
        assert float((outputs[-1].argmax(1) == fresh.labels).float().mean()) > 0.9
    assert torch.equal(*outputs)


def test_copies_without_augmentation_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"model\.copies: .*give `augment`"):
        solve(training(Noted(), data()), 1)


def test_only_what_says_so_is_solved() -> None:
    assert is_solved(training(Noted(), data()).task.model)
    plain = nn.Linear(2, 2)
    plain.solve = lambda rows, seed: None  # type: ignore[assignment]
    assert not is_solved(training(plain, data()).task.model)


def test_rows_know_their_number() -> None:
    recordings = data(AugmentParams())
    assert len(Rows(recordings, nn.Identity(), 3, 0)) == 4 * COUNT
