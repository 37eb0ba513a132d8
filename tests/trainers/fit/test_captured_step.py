"""Steps that are recorded and started again do what they did, and what cannot be recorded says so once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from trainers.data.batch import Batch, TaskOutput
from trainers.data.inputs import SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.loop import Training, fit
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.losses.dmft_kd import DMFTKD
from trainers.losses.params.dmft_kd import DMFTKDParams
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams
from trainers.models.dmft.params import StudentParams, TeacherParams
from trainers.models.dmft.student import DMFTStudent
from trainers.models.dmft.teacher import DMFTTeacher
from trainers.params import AugmentParams, FitParams, StandardiseParams

PARAMS = FitParams(epochs=4, batch=5, warmup=2, lr=5e-3)  # 12 recordings: batches of 5, 5 and 2
SEEDS = (3, 4, 5)
SMALL = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 16, "dropout": 0.2}


@pytest.fixture
def data(skeleton: ModalityData, inertial: ModalityData, video: ModalityData, labels: Tensor) -> RecordingData:
    return RecordingData([skeleton, inertial, video], labels, AugmentParams(feature_jitter=0.1))


@pytest.fixture
def series(inertial: ModalityData, labels: Tensor) -> RecordingData:
    assert inertial.series is not None
    whole = torch.ones(len(inertial), 1, dtype=torch.bool)
    return RecordingData([SeriesInput("inertial", "series", inertial.series, whole)], labels, AugmentParams())


def behind(data: RecordingData, seed: int, build: Callable[[], nn.Module]) -> Standardised:
    with seeded(seed):
        model = build()
    return Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams()))


def teacher(data: RecordingData, seed: int) -> nn.Module:
    return ClassifyTask(behind(data, seed, lambda: DMFTTeacher(data.shapes, 4, TeacherParams(**SMALL))))


def student(data: RecordingData, seed: int) -> nn.Module:
    return ClassifyTask(behind(data, seed, lambda: DMFTStudent(data.shapes, 4, StudentParams(**SMALL))))


def distilled(data: RecordingData, seed: int) -> nn.Module:
    taught: Any = student(data, seed)
    guide: Any = teacher(data, seed + 10)
    return DistilTask(taught.model, guide.model, DMFTKD(DMFTKDParams(), 1, 1))


def convolutional(data: RecordingData, seed: int) -> nn.Module:
    params = CNN1DParams(width=8, blocks=2, embedding=8, dropout=0.3)
    return ClassifyTask(behind(data, seed, lambda: CNN1D(data.shapes, 4, params)))


def assert_alike(one: nn.Module, other: nn.Module) -> None:
    for name, tensor in one.state_dict().items():
        if not name.endswith("qkv.bias"):  # a key's bias changes nothing, and Adam makes much of its gradient
            torch.testing.assert_close(other.state_dict()[name], tensor, rtol=1e-3, atol=1e-4, msg=name)


WAYS: list[dict[str, Any]] = [{}, {"precision": "bf16"}, {"precision": "fp16"}, {"optimiser": "adam", "clip": 0.0}]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("make", [teacher, distilled])
def test_a_recorded_training_is_the_training(data: RecordingData, make: Any, way: Any, recorder: Any) -> None:
    params = msgspec.structs.replace(PARAMS, **way)
    plain, same = make(data, 0), make(data, 0)
    expected = fit(Training(plain, data, 3), params)
    counts = recorder()
    found = fit(Training(same, data, 3), params)
    assert found == [pytest.approx(each) for each in expected]
    assert_alike(plain, same)
    assert counts.recorded == 2  # one for each size of batch
    assert counts.started == 4 * 3 - 2  # each size is tried out once


def test_batch_statistics_go_on_in_it(series: RecordingData, recorder: Any) -> None:
    plain, same = convolutional(series, 0), convolutional(series, 0)
    fit(Training(plain, series, 3), PARAMS)
    recorder()
    fit(Training(same, series, 3), PARAMS)
    assert_alike(plain, same)


@pytest.mark.parametrize("stop", [1, 3])
@pytest.mark.parametrize("plainly", ["begun", "ended", "neither"])
def test_it_is_resumed_by_recorded_and_by_plain_trainings(
    data: RecordingData, stop: int, plainly: str, recorder: Any, Memory: Any
) -> None:
    plain, resumed = student(data, 0), student(data, 0)
    expected = fit(Training(plain, data, 3), PARAMS)
    memory = Memory(epochs=stop)
    with pytest.MonkeyPatch.context() as ended:  # recording ends with it
        if plainly != "begun":
            recorder(ended)
        with pytest.raises(KeyboardInterrupt):
            fit(Training(student(data, 0), data, 3, checkpoint=memory), PARAMS)
    if plainly != "ended":
        recorder()
    found = fit(Training(resumed, data, 3, checkpoint=Memory(memory.content)), PARAMS)
    assert found == [pytest.approx(each) for each in expected]
    assert_alike(plain, resumed)


@pytest.mark.parametrize("counts", [(12, 12, 12), (12, 7, 5)], ids=["equal", "unequal"])
def test_so_is_a_stack(data: RecordingData, counts: tuple[int, ...], recorder: Any) -> None:
    folds = [
        RecordingData([each.select(torch.arange(n)) for each in data.inputs.values()], data.labels[:n], AugmentParams())
        for n in counts
    ]

    def trainings() -> list[Training]:
        return [Training(student(fold, seed), fold, seed) for fold, seed in zip(folds, SEEDS, strict=True)]

    plain, same = trainings(), trainings()
    expected = fit_stacked(plain, PARAMS)
    recording = recorder()
    found = fit_stacked(same, PARAMS)
    for one, other in zip(expected, found, strict=True):
        assert not isinstance(one, TrainingError)
        assert other == [pytest.approx(each, rel=1e-4) for each in one]
    for first, second in zip(plain, same, strict=True):
        assert_alike(first.task, second.task)
    assert recording.recorded >= 2


def test_a_stack_and_one_alone_go_on_from_each_others_checkpoints(
    data: RecordingData, recorder: Any, Memory: Any
) -> None:
    plain = [student(data, seed) for seed in SEEDS[:2]]
    for task, seed in zip(plain, SEEDS, strict=False):
        fit(Training(task, data, seed), PARAMS)
    recorder()
    memories = [Memory(), Memory(epochs=2)]
    with pytest.raises(KeyboardInterrupt):
        fit_stacked(
            [Training(student(data, seed), data, seed, each) for seed, each in zip(SEEDS, memories, strict=False)],
            PARAMS,
        )
    alone, other = student(data, SEEDS[0]), student(data, SEEDS[1])
    fit(Training(alone, data, SEEDS[0], Memory(memories[0].content)), PARAMS)
    third = Training(student(data, SEEDS[2]), data, SEEDS[2])
    fit_stacked([third, Training(other, data, SEEDS[1], Memory(memories[1].content))], PARAMS)
    for one, same in zip(plain, (alone, other), strict=True):
        assert_alike(one, same)


class Reads(nn.Module):
    """A task whose loss the host looks at."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))
        self.how = how

    def forward(self, batch: Batch) -> TaskOutput:
        values = batch["inputs"]["rgb"][:, 0, :4] * self.weight
        if self.how == "value" and values.sum().item() > 0:
            values = values * 0.5
        if self.how == "shape":
            values = torch.where(values > 0, values, values[values > 0].mean())
        loss = values.square().mean()
        return {"loss": loss, "logits": values, "embedding": values, "streams": {}, "maps": ()}


@pytest.mark.parametrize(("how", "told"), [("value", "the host reads a value"), ("shape", "a shape depends on values")])
def test_what_cannot_be_recorded_runs_as_it_is_and_says_so_once(
    data: RecordingData, how: str, told: str, recorder: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plain = Reads(how)
    expected = fit(Training(plain, data, 0), PARAMS)
    counts = recorder()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            same = Reads(how)
            assert fit(Training(same, data, 0), PARAMS) == [pytest.approx(each) for each in expected]
            assert_alike(plain, same)
    (said,) = caplog.messages
    assert f"operation by operation, not as one CUDA graph a step: {told} at " in said
    assert "test_captured_step:" in said
    assert not counts.recorded


def test_so_does_what_fails_while_it_is_recorded(
    data: RecordingData, recorder: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, same = student(data, 0), student(data, 0)
    fit(Training(plain, data, 3), PARAMS)

    def fails(*_: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(recorder(), "record", fails)
    fit(Training(same, data, 3), PARAMS)
    assert_alike(plain, same)
    (said,) = caplog.messages
    assert "operation not permitted when stream is capturing" in said


def test_what_a_first_step_brings_to_the_device_is_no_reason(data: RecordingData, recorder: Any) -> None:
    class Once(Reads):
        def forward(self, batch: Batch) -> TaskOutput:
            self.how = "value" if not hasattr(self, "seen") else ""
            self.seen = True
            return super().forward(batch)

    counts = recorder()
    fit(Training(Once(""), data, 0), PARAMS)
    assert counts.found.total() == 1
    assert counts.recorded == 2
