"""Training with absent sensors: alone, stacked and recorded alike; losses leave them out; a teacher sees all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainers.data.batch import Batch, ModelOutput
from trainers.data.inputs import SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.fit.loop import Training, fit
from trainers.fit.predict import predict
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.losses.cross_entropy import cross_entropy
from trainers.losses.dmft_kd import DMFTKD
from trainers.losses.params.dmft_kd import DMFTKDParams
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams
from trainers.models.dmft.params import StudentParams, TeacherParams
from trainers.models.dmft.student import DMFTStudent
from trainers.models.dmft.teacher import DMFTTeacher
from trainers.params import AugmentParams, FitParams, StandardiseParams

SHORT = FitParams(epochs=3, batch=5, warmup=1, lr=5e-3)
DROPPED = AugmentParams(modality_dropout=0.4)
SMALL = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 16, "dropout": 0.0}


@pytest.fixture
def data(skeleton: ModalityData, inertial: ModalityData, video: ModalityData, labels: Tensor) -> RecordingData:
    return RecordingData([skeleton, inertial, video], labels, DROPPED)


def behind(data: RecordingData, seed: int, build: Callable[[], nn.Module]) -> Standardised:
    with seeded(seed):
        model = build()
    return Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams()))


def teacher(data: RecordingData, seed: int = 1) -> Standardised:
    return behind(data, seed, lambda: DMFTTeacher(data.shapes, 4, TeacherParams(**SMALL)))  # type: ignore[arg-type]


def student(data: RecordingData, seed: int = 0) -> Standardised:
    return behind(data, seed, lambda: DMFTStudent(data.shapes, 4, StudentParams(**SMALL)))  # type: ignore[arg-type]


def classify(data: RecordingData, seed: int) -> nn.Module:
    return ClassifyTask(teacher(data, seed))


def distil(data: RecordingData, seed: int) -> nn.Module:
    return DistilTask(student(data, seed), teacher(data, seed + 10), DMFTKD(DMFTKDParams(), 1, 1))


@pytest.mark.parametrize("build", [classify, distil])
def test_stacked_trainings_end_as_alone(data: RecordingData, build: Any) -> None:
    alone, stacked = ([build(data, seed) for seed in (3, 4)] for _ in range(2))
    for task, seed in zip(alone, (3, 4), strict=True):
        fit(Training(task, data, seed), SHORT)
    fit_stacked([Training(task, data, seed) for task, seed in zip(stacked, (3, 4), strict=True)], SHORT)
    for one, other in zip(alone, stacked, strict=True):
        said, also = predict(one.model, data).logits, predict(other.model, data).logits  # type: ignore[arg-type]
        torch.testing.assert_close(also, said, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("build", [classify, distil])
def test_steps_that_are_recorded_do_what_they_did(data: RecordingData, build: Any, recorder: Any) -> None:
    plain, recorded = build(data, 0), build(data, 0)
    expected = fit(Training(plain, data, 3), SHORT)
    counting = recorder()
    found = fit(Training(recorded, data, 3), SHORT)
    assert counting.recorded
    assert counting.started
    assert not counting.found
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, rel=1e-3)


def test_a_training_with_absent_sensors_is_another_and_finite(data: RecordingData) -> None:
    whole = RecordingData(data.inputs.values(), data.labels, AugmentParams())
    histories = [fit(Training(ClassifyTask(student(each)), each, 0), SHORT) for each in (data, whole)]
    assert all(math.isfinite(epoch["loss"]) for history in histories for epoch in history)
    assert histories[0] != histories[1]


def output(streams: dict[str, list[list[float]]], present: dict[str, list[bool]]) -> ModelOutput:
    logits = {name: torch.tensor(values) for name, values in streams.items()}
    return {
        "logits": next(iter(logits.values())),
        "embedding": torch.zeros(2, 1),
        "streams": logits,
        "maps": (),
        "present": {name: torch.tensor(values) for name, values in present.items()},
    }


def test_the_hard_loss_sums_the_streams_that_are_there() -> None:
    even = [0.0, 0.0]  # cross entropy log 2
    sure = [math.log(3), 0.0]  # -log(3/4) for class 0
    given = output({"a/t": [even, even], "b/t": [sure, sure]}, {"b/t": [True, False]})
    expected = ((math.log(2) + math.log(4 / 3)) + math.log(2)) / 2
    assert float(cross_entropy(given, torch.tensor([0, 0]), "streams")) == pytest.approx(expected)


def test_eq_15_leaves_absent_streams_out() -> None:
    even, sure = [0.0, 0.0], [math.log(3), 0.0]
    taught = output({"a/t": [even, even], "b/t": [even, even]}, {"a/t": [True, True], "b/t": [True, False]})
    told = output({"a/t": [even, even], "b/t": [sure, sure]}, {})
    loss = DMFTKD(DMFTKDParams(w_cs=0.5, temperature=1, comparable=False), 1, 1)(taught, told, torch.tensor(2.0))
    divergence = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)  # of the one recording that has b
    assert float(loss) == pytest.approx(0.5 * 2 + 0.25 * divergence / 2)


class Watched(nn.Module):
    """A model that notes which masks it was given."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.embedding_width = 1
        self.masks: dict[str, Tensor] = {}

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Any:
        self.masks = valid
        return self.model(inputs, valid)


def test_a_teacher_sees_what_its_student_does_not(data: RecordingData, video: ModalityData) -> None:
    pupil, told = Watched(student(data)), Watched(teacher(data))
    task = DistilTask(pupil, told, DMFTKD(DMFTKDParams(), 1, 1))
    batch: Batch = data.batch(torch.arange(12), torch.Generator().manual_seed(0))
    task(batch)
    assert told.masks.keys() == {"rgb"}
    assert torch.equal(told.masks["rgb"], video.valid)
    assert not torch.stack([mask.any(1) for mask in pupil.masks.values()]).all()


def test_a_network_of_one_stream_sees_zeros_in_place_of_what_is_absent(inertial: ModalityData, labels: Tensor) -> None:
    assert inertial.series is not None
    whole = torch.ones(12, 1, dtype=torch.bool)
    inputs = [SeriesInput(name, "series", inertial.series + at, whole) for at, name in enumerate(("wrist", "hip"))]
    data = RecordingData(inputs, labels, DROPPED)
    model = behind(data, 0, lambda: CNN1D(data.shapes, 4, CNN1DParams(width=8, blocks=2, embedding=8))).eval()
    batch = data.batch(torch.arange(12))
    absent = {"hip:series": torch.tensor([[False]]).expand(12, 1)}
    mean = inputs[1].series.mean((0, 1)).expand_as(batch["inputs"]["hip:series"])  # zero where it is standardised
    expected = model({**batch["inputs"], "hip:series": mean}, {})["logits"]
    torch.testing.assert_close(model(batch["inputs"], absent)["logits"], expected, rtol=1e-4, atol=1e-4)
