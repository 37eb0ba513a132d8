"""Recordings set apart: never fitted on, told after every epoch, and what stops a training and chooses its model."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from trainers.data.batch import Batch, TaskOutput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.loop import Training, fit
from trainers.fit.predict import predict
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.validation import is_over, kept_epoch
from trainers.models.dmft.params import StudentParams
from trainers.models.dmft.student import DMFTStudent
from trainers.params import AugmentParams, FitParams, StandardiseParams

PARAMS = FitParams(epochs=12, batch=4, warmup=1, lr=2e-2, validation=0.25, patience=2)


class Halves:
    """Recordings to train on, and others."""

    def __init__(self, skeleton: ModalityData, inertial: ModalityData, labels: Tensor) -> None:
        parts = torch.arange(8), torch.arange(8, 12)
        self.train, self.validation = (
            RecordingData([each.select(rows) for each in (skeleton, inertial)], labels[rows], augment)
            for rows, augment in zip(parts, (AugmentParams(), None), strict=True)
        )

    def training(self, seed: int = 0, **others: Any) -> Training:
        params = StudentParams(width=8, layers=1, heads=2, feed_forward=16)
        with seeded(seed):
            model = DMFTStudent(self.train.shapes, 4, params)
        standardiser = fit_standardiser(self.train.inputs.values(), StandardiseParams())
        task = ClassifyTask(Standardised(model, standardiser))
        return Training(task, self.train, seed, validation=self.validation, **others)


@pytest.fixture
def halves(skeleton: ModalityData, inertial: ModalityData, labels: Tensor) -> Halves:
    return Halves(skeleton, inertial, labels)


def curve(losses: list[float]) -> list[dict[str, float]]:
    return [{"epoch": i, "validation_loss": loss} for i, loss in enumerate(losses, 1)]


@pytest.mark.parametrize(
    ("losses", "patience", "ran", "kept"),
    [
        ([3, 2, 1, 2, 2, 2, 0], 3, 6, 3),  # what comes later is never seen
        ([3, 2, 1, 2, 2, 0, 1], 3, 7, 6),
        ([1, 1, 1, 1, 1, 1, 1], 2, 3, 1),  # no less is no better
        ([7, 6, 5, 4, 3, 2, 1], 1, 7, 7),
        ([1, 2, 3, 4, 5, 6, 7], 0, 7, 7),
    ],
)
def test_a_curve_ends_a_patience_after_its_least_loss(losses: list[float], patience: int, ran: int, kept: int) -> None:
    params = FitParams(epochs=7, validation=0.5, patience=patience)
    ends = next(epoch for epoch in range(1, 8) if is_over(curve(losses[:epoch]), params))
    assert (ends, kept_epoch(curve(losses[:ends]), patience)) == (ran, kept)


@given(st.lists(st.floats(0, 9), min_size=1, max_size=40), st.integers(1, 9))
def test_no_loss_of_the_last_epochs_is_better_than_the_kept_one(losses: list[float], patience: int) -> None:
    params = FitParams(epochs=40, validation=0.5, patience=patience)
    history: list[dict[str, float]] = []
    while len(history) < len(losses) and not is_over(history, params):
        history = curve(losses[: len(history) + 1])
    kept = kept_epoch(history, patience)
    assert losses[kept - 1] == min(losses[: len(history)])
    assert len(history) == min(len(losses), kept + patience) or len(history) == len(losses)


class Watched(nn.Module):
    """A task that notes the labels of every batch, by mode; labels say which recording it is."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: dict[tuple[bool, bool], list[int]] = {}

    def forward(self, batch: Batch) -> TaskOutput:
        self.seen.setdefault((self.training, torch.is_grad_enabled()), []).extend(batch["labels"].tolist())
        logits = self.weight.expand(len(batch["labels"]), 12)
        return {"loss": logits.mean(), "logits": logits, "embedding": logits, "streams": {}, "maps": ()}


def test_recordings_set_apart_are_in_no_training_batch(inertial: ModalityData) -> None:
    numbers, task = torch.arange(12), Watched()
    train, apart = (RecordingData([inertial.select(rows)], rows) for rows in (numbers[:7], numbers[7:]))
    fit(Training(task, train, 0, validation=apart), FitParams(epochs=3, batch=2))
    assert {mode: sorted(seen) for mode, seen in task.seen.items()} == {
        (True, True): sorted([*range(7)] * 3),
        (False, False): sorted([*range(7, 12)] * 3),
    }


def test_training_is_the_same_with_a_look_at_other_recordings(halves: Halves) -> None:
    params = msgspec.structs.replace(PARAMS, patience=0)
    with_, without = halves.training(), replace(halves.training(), validation=None)
    told, plain = fit(with_, params), fit(without, params)
    assert [{name: row[name] for name in plain[0]} for row in told] == plain
    assert all(map(torch.equal, with_.task.state_dict().values(), without.task.state_dict().values()))


def test_figures_are_those_of_testing(halves: Halves) -> None:
    training = halves.training()
    history = fit(training, msgspec.structs.replace(PARAMS, patience=0))
    labels, prediction = halves.validation.labels, predict(training.task.model, halves.validation)  # type: ignore[arg-type]
    probabilities = torch.stack([*prediction.streams.values()])[:, torch.arange(len(labels)), labels]
    assert history[-1]["validation_loss"] == pytest.approx(-probabilities.log().mean(1).sum().item(), rel=1e-4)
    assert history[-1]["validation_accuracy"] == (prediction.logits.argmax(1) == labels).float().mean().item()


def test_the_best_epochs_weights_are_the_model(halves: Halves) -> None:
    states: list[dict[str, Tensor]] = []
    training = halves.training()
    training = replace(training, progress=lambda *_: states.append(copy.deepcopy(training.task.state_dict())))
    history = fit(training, PARAMS)
    kept = kept_epoch(history, PARAMS.patience)
    assert kept == len(history) - PARAMS.patience < PARAMS.epochs - PARAMS.patience
    assert all(map(torch.equal, training.task.state_dict().values(), states[kept - 1].values()))
    assert not training.task.training


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_one_that_was_interrupted_ends_with_the_same_model(halves: Halves, stop: int, Memory: Any) -> None:
    whole = halves.training()
    history = fit(whole, PARAMS)
    assert kept_epoch(history, PARAMS.patience) in (2, 3)
    memory = Memory(epochs=stop)
    with pytest.raises(KeyboardInterrupt):
        fit(halves.training(checkpoint=memory), PARAMS)
    resumed = halves.training(checkpoint=Memory(memory.content))
    assert fit(resumed, PARAMS) == history
    assert all(map(torch.equal, resumed.task.state_dict().values(), whole.task.state_dict().values()))


@pytest.mark.parametrize("recorded", [False, True])
def test_stacked_ones_stop_each_by_its_own_figures(
    halves: Halves, recorded: bool, recorder: Callable[..., Any]
) -> None:
    alone = [halves.training(seed) for seed in range(3)]
    histories = [fit(each, PARAMS) for each in alone]
    assert len({len(history) for history in histories}) > 1
    counting = recorder() if recorded else None
    stacked = [halves.training(seed) for seed in range(3)]
    found = fit_stacked(stacked, PARAMS)
    assert [len(each) for each in found if isinstance(each, list)] == [len(history) for history in histories]
    for one, other in zip(alone, stacked, strict=True):
        for name, tensor in one.task.state_dict().items():
            if not name.endswith("qkv.bias"):  # a key's bias changes nothing, and Adam makes much of its gradient
                torch.testing.assert_close(other.task.state_dict()[name], tensor, rtol=2e-3, atol=2e-4, msg=name)
    assert counting is None or counting.started


def test_a_recorded_training_is_the_same(halves: Halves, recorder: Callable[..., Any]) -> None:
    plain, recorded = halves.training(), halves.training()
    expected = fit(plain, PARAMS)
    counting = recorder()
    for row, other in zip(fit(recorded, PARAMS), expected, strict=True):
        assert row == pytest.approx(other, rel=1e-4)
    assert counting.started


class Spoilt(Watched):
    """A task whose loss in evaluation is not finite."""

    def forward(self, batch: Batch) -> TaskOutput:
        output = super().forward(batch)
        return {**output, "loss": output["loss"] if self.training else output["loss"] / 0}


def test_a_loss_that_is_not_finite_says_on_which_side(halves: Halves) -> None:
    with pytest.raises(TrainingError, match="the recordings set apart is not finite after epoch 1; lower lr"):
        fit(Training(Spoilt(), halves.train, 0, validation=halves.validation), PARAMS)


def test_a_patience_needs_something_to_watch() -> None:
    with pytest.raises(msgspec.ValidationError, match="patience: watches recordings set apart, and none are"):
        msgspec.convert({"patience": 3}, FitParams)
