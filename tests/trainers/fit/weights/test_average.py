"""The average of weights: what a loop by hand makes of the weights after each step, however a training ran."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from trainers.data.batch import Batch, TaskOutput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.fit.loop import Training, fit
from trainers.fit.predict import predict
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams
from trainers.models.dmft.params import StudentParams
from trainers.models.dmft.student import DMFTStudent
from trainers.params import AugmentParams, FitParams, StandardiseParams

DECAY = 0.7
PLAIN = FitParams(epochs=4, batch=5, warmup=1, lr=1e-2)  # 12 recordings: 3 steps an epoch
AVERAGED = msgspec.structs.replace(PLAIN, average=DECAY)


class Watched(nn.Module):
    """A small network with batch normalisation that notes what it was before each step of training."""

    def __init__(self) -> None:
        super().__init__()
        with seeded(0):
            self.norm, self.linear = nn.BatchNorm1d(12), nn.Linear(12, 4)
        self.states: list[dict[str, Tensor]] = []

    def forward(self, batch: Batch) -> TaskOutput:
        if self.training:
            self.states.append({name: tensor.clone() for name, tensor in self.state_dict().items()})
        logits = self.linear(self.norm(batch["inputs"]["inertial"].mean(1)))
        loss = nn.functional.cross_entropy(logits, batch["labels"])
        return {"loss": loss, "logits": logits, "embedding": logits, "streams": {"inertial": logits}, "maps": ()}


@pytest.fixture
def data(inertial: ModalityData, labels: Tensor) -> RecordingData:
    return RecordingData([inertial], labels, AugmentParams())


def after_each_step(data: RecordingData, params: FitParams = PLAIN) -> list[dict[str, Tensor]]:
    """Return what the task is after each step of a training that averages nothing."""
    task = Watched()
    fit(Training(task, data, 3), params)
    return [*task.states[1:], task.state_dict()]


def test_it_is_the_weighted_mean_of_the_weights_after_each_step(data: RecordingData) -> None:
    states, task = after_each_step(data), Watched()
    assert len(states) == 12
    fit(Training(task, data, 3), AVERAGED)
    weights = torch.tensor([DECAY ** (12 - step) for step in range(1, 13)], dtype=torch.float64)
    found = task.state_dict()
    for name in ("norm.weight", "norm.bias", "linear.weight", "linear.bias", "norm.running_mean", "norm.running_var"):
        steps = torch.stack([state[name].double() for state in states])
        expected = torch.einsum("t,t...->...", weights / weights.sum(), steps)
        torch.testing.assert_close(found[name].double(), expected, rtol=1e-5, atol=1e-6)
        assert not torch.allclose(found[name], states[-1][name], rtol=1e-4, atol=1e-6)
    assert found["norm.num_batches_tracked"] == 12


def test_after_one_step_it_is_the_weights_and_nothing_of_what_they_began_with(data: RecordingData) -> None:
    one = FitParams(epochs=1, batch=12, warmup=0, lr=1e-2, average=0.99)
    (state,) = after_each_step(data, msgspec.structs.replace(one, average=0.0))
    task = Watched()
    fit(Training(task, data, 3), one)
    for name, tensor in task.state_dict().items():
        torch.testing.assert_close(tensor, state[name], rtol=1e-5, atol=1e-6)


def test_the_steps_themselves_are_those_without_it(data: RecordingData) -> None:
    plain, averaged = Watched(), Watched()
    history = fit(Training(plain, data, 3), PLAIN)
    told = fit(Training(averaged, data, 3, validation=data), AVERAGED)
    assert [{name: row[name] for name in history[0]} for row in told] == history
    for one, other in zip(plain.states, averaged.states, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("stop", [1, 3])
@pytest.mark.parametrize("patience", [0, 2])
def test_a_resumed_training_ends_with_the_same_bits(data: RecordingData, stop: int, patience: int, Memory: Any) -> None:
    params = msgspec.structs.replace(AVERAGED, validation=0.25, patience=patience)
    whole, broken, resumed = Watched(), Watched(), Watched()
    history = fit(Training(whole, data, 3, validation=data), params)
    memory = Memory(epochs=stop)
    with pytest.raises(KeyboardInterrupt):
        fit(Training(broken, data, 3, memory, validation=data), params)
    assert fit(Training(resumed, data, 3, Memory(memory.content), validation=data), params) == history
    assert all(map(torch.equal, whole.state_dict().values(), resumed.state_dict().values()))


def test_recordings_set_apart_are_tested_with_it_and_a_patience_keeps_its_best(data: RecordingData) -> None:
    params = msgspec.structs.replace(PLAIN, epochs=12, lr=0.3, average=0.5, validation=0.25, patience=2)
    apart = RecordingData(data.inputs.values(), data.labels)
    task = Watched()
    history = fit(Training(task, data, 3, validation=apart), params)
    losses = [row["validation_loss"] for row in history]
    assert len(history) < 12 or min(losses) == losses[-1]
    with torch.no_grad():
        loss = task(apart.batch(torch.arange(12)))["loss"].item()
    assert loss == pytest.approx(min(losses), rel=1e-5)


def student(data: RecordingData, seed: int) -> nn.Module:
    with seeded(seed):
        model = DMFTStudent(data.shapes, 4, StudentParams(width=8, layers=1, heads=2, feed_forward=16, dropout=0.3))
    return ClassifyTask(Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams())))


def network(data: RecordingData, seed: int) -> nn.Module:
    with seeded(seed):
        model = CNN1D(data.shapes, 4, CNN1DParams(width=4))
    return ClassifyTask(Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams())))


@pytest.mark.parametrize("build", [student, network])
def test_stacked_trainings_average_as_each_alone(data: RecordingData, build: Any) -> None:
    alone, stacked = ([build(data, seed) for seed in (3, 4)] for _ in range(2))
    for task, seed in zip(alone, (3, 4), strict=True):
        fit(Training(task, data, seed), AVERAGED)
    fit_stacked([Training(task, data, seed) for task, seed in zip(stacked, (3, 4), strict=True)], AVERAGED)
    for one, other in zip(alone, stacked, strict=True):
        said = [predict(task.model, data).logits for task in (one, other)]
        torch.testing.assert_close(said[1], said[0], rtol=2e-3, atol=2e-3)


def test_recorded_steps_average_as_others_do(data: RecordingData, recorder: Any) -> None:
    plain, recorded = Watched(), Watched()
    fit(Training(plain, data, 3), AVERAGED)
    counting = recorder()
    fit(Training(recorded, data, 3), AVERAGED)
    assert counting.recorded
    assert counting.started
    for one, other in zip(plain.state_dict().values(), recorded.state_dict().values(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)
