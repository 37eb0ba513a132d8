"""Trainings that are stacked end as each would have ended alone, whatever differs between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from trainers.data.inputs import ImageInput, SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.balance import class_weights
from trainers.fit.loop import Training, fit
from trainers.fit.predict import predict
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.gaf.params import GafParams
from trainers.losses.dmft_kd import DMFTKD
from trainers.losses.params.dmft_kd import DMFTKDParams
from trainers.losses.registry import LOSSES
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams
from trainers.models.dmft.params import StudentParams, TeacherParams
from trainers.models.dmft.student import DMFTStudent
from trainers.models.dmft.teacher import DMFTTeacher
from trainers.models.registry import MODELS
from trainers.models.trn.model import TRN
from trainers.models.trn.params import TRNParams
from trainers.params import AugmentParams, FitParams, StandardiseParams

SHORT = FitParams(epochs=3, batch=5, warmup=1, lr=5e-3)
SEEDS = (3, 4, 5)
Build = Callable[[RecordingData, int], nn.Module]


@pytest.fixture
def inputs(skeleton: ModalityData, inertial: ModalityData, video: ModalityData) -> list[Any]:
    return [skeleton, inertial, video]


def folds(inputs: list[Any], labels: Tensor, rows: list[list[int]]) -> list[RecordingData]:
    """Return training data of several folds."""
    return [
        RecordingData([each.select(torch.tensor(some)) for each in inputs], labels[some], AugmentParams())
        for some in rows
    ]


EQUAL = [[*range(9)], [*range(3, 12)], [*range(0, 12, 2), 1, 3, 5]]
UNEQUAL = [[*range(12)], [*range(7)], [1, 3, 5, 7, 9]]  # 3, 2 and 1 batches; in the last no patch is missing


def behind(data: RecordingData, seed: int, build: Callable[[], nn.Module]) -> Standardised:
    with seeded(seed):
        model = build()
    return Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams()))


def student(data: RecordingData, seed: int, dropout: float = 0.3) -> Standardised:
    params = StudentParams(width=8, layers=1, heads=2, feed_forward=16, dropout=dropout)
    return behind(data, seed, lambda: DMFTStudent(data.shapes, 4, params))


def teacher(data: RecordingData, seed: int) -> Standardised:
    params = TeacherParams(width=8, layers=1, heads=2, feed_forward=16, dropout=0.3)
    return behind(data, seed, lambda: DMFTTeacher(data.shapes, 4, params))


def both(data: list[RecordingData], build: Build, device: str, params: FitParams = SHORT) -> tuple[Any, Any, Any]:
    """Train alone and together; check the histories, and return the data and the tasks of both ways."""
    alone = [build(each, seed) for each, seed in zip(data, SEEDS, strict=True)]
    stacked = [build(each, seed) for each, seed in zip(data, SEEDS, strict=True)]
    histories = [
        fit(Training(task, each, seed), params, device=device)
        for task, each, seed in zip(alone, data, SEEDS, strict=True)
    ]
    trainings = [Training(*each) for each in zip(stacked, data, SEEDS, strict=True)]
    found = fit_stacked(trainings, params, device=device)
    for one, other in zip(histories, found, strict=True):
        assert not isinstance(other, TrainingError)
        for mine, theirs in zip(one, other, strict=True):
            assert theirs == pytest.approx(mine, rel=2e-3)
    return data, alone, stacked


def assert_alike(
    data: list[RecordingData], alone: list[nn.Module], stacked: list[nn.Module], tolerance: float = 2e-3
) -> None:
    """Compare what models say, not their weights: a key's bias changes nothing, and Adam makes much of its gradient."""
    said = [
        [predict(task.model, each).logits for task, each in zip(way, data, strict=True)] for way in (alone, stacked)
    ]
    for one, other in zip(*said, strict=True):
        torch.testing.assert_close(other, one, rtol=tolerance, atol=tolerance)
    assert not torch.allclose(said[1][0][:5], said[1][1][:5], atol=tolerance)


def classify(make: Callable[[RecordingData, int], Standardised]) -> Build:
    return lambda data, seed: ClassifyTask(make(data, seed), label_smoothing=0.1)


@pytest.mark.parametrize("rows", [EQUAL, UNEQUAL], ids=["equal", "unequal"])
@pytest.mark.parametrize("make", [student, teacher])
def test_dmft(inputs: list[Any], labels: Tensor, rows: list[list[int]], make: Any, device: str) -> None:
    assert_alike(*both(folds(inputs, labels, rows), classify(make), device))


@pytest.mark.parametrize("change", [{"precision": "bf16"}, {"precision": "fp16"}, {"clip": 0.0}, {"optimiser": "adam"}])
def test_any_way_of_fitting(inputs: list[Any], labels: Tensor, change: dict[str, Any], device: str) -> None:
    params = msgspec.structs.replace(SHORT, **{"epochs": 1, **change})
    tolerance = 2e-3 if params.precision == "fp32" else 2e-2
    assert_alike(*both(folds(inputs, labels, UNEQUAL), classify(student), device, params), tolerance)


@pytest.mark.parametrize("balance", ["loss", "sampling"])
@pytest.mark.parametrize("distilled", [False, True])
def test_classes_of_another_size_in_every_fold(
    inputs: list[Any], labels: Tensor, balance: Any, distilled: bool, device: str
) -> None:
    params = msgspec.structs.replace(SHORT, balance=balance)

    def task(data: RecordingData, seed: int) -> nn.Module:
        weights = class_weights(params, data.labels, 4)
        pupil = student(data, seed)
        if not distilled:
            return ClassifyTask(pupil, class_weights=weights)
        return DistilTask(pupil, teacher(data, seed + 10), DMFTKD(DMFTKDParams(), 1, 1), class_weights=weights)

    rows = [[0, 4, 8, 1, 5, 2], [3, 7, 11, 2, 6, 0, 1, 10], [0, 1, 5, 9]]
    assert_alike(*both(folds(inputs, labels, rows), task, device, params))


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_with_a_teacher_of_each_fold(inputs: list[Any], labels: Tensor, name: str, device: str) -> None:
    from pipeline.registry import import_object

    def task(data: RecordingData, seed: int) -> nn.Module:
        told = teacher(data, seed + 10)
        pupil = (teacher if name == "attention" else student)(data, seed)  # DMFT's student has no maps
        with seeded(seed):
            loss = import_object(LOSSES[name].build)(
                import_object(LOSSES[name].params)(), pupil.model.embedding_width, told.model.embedding_width
            )
        return DistilTask(pupil, told, loss)

    assert_alike(*both(folds(inputs, labels, EQUAL), task, device))


@pytest.mark.parametrize("balance", ["none", "loss"])
def test_mixed_recordings(inputs: list[Any], labels: Tensor, balance: Any, device: str) -> None:
    params = msgspec.structs.replace(SHORT, balance=balance)
    mixed = [
        RecordingData(each.inputs.values(), each.labels, AugmentParams(mixup=0.4, modality_dropout=0.2))
        for each in folds(inputs, labels, UNEQUAL)
    ]

    def task(data: RecordingData, seed: int) -> nn.Module:
        return ClassifyTask(student(data, seed), class_weights=class_weights(params, data.labels, 4))

    assert_alike(*both(mixed, task, device, params))


@pytest.mark.parametrize("rows", [EQUAL, UNEQUAL], ids=["equal", "unequal"])
def test_batch_statistics_and_torchs_dropout(
    inertial: ModalityData, labels: Tensor, rows: list[list[int]], device: str
) -> None:
    assert inertial.series is not None
    series = SeriesInput("inertial", "series", inertial.series, torch.ones(12, 1, dtype=torch.bool))

    def make(data: RecordingData, seed: int) -> Standardised:
        params = CNN1DParams(width=8, blocks=2, embedding=8, dropout=0.3)
        return behind(data, seed, lambda: CNN1D(data.shapes, 4, params))

    assert_alike(*both(folds([series], labels, rows), classify(make), device), 5e-3)


@pytest.mark.parametrize("rows", [EQUAL, UNEQUAL], ids=["equal", "unequal"])
@pytest.mark.parametrize("name", ["early-fusion", "late-fusion", "keyless", "hamlet"])
def test_baselines(inputs: list[Any], labels: Tensor, rows: list[list[int]], name: str, device: str) -> None:
    from pipeline.registry import import_object

    small = {"width": 8, "heads": 2, "hidden": 6, "dropout": 0.3}
    kind = import_object(MODELS[name].params)
    params = kind(**{key: value for key, value in small.items() if key in kind.__struct_fields__})
    known = [inputs[0], replace(inputs[0], name="other")] if name == "early-fusion" else inputs

    def make(data: RecordingData, seed: int) -> Standardised:
        return behind(data, seed, lambda: import_object(MODELS[name].build)(data.shapes, 4, params))

    assert_alike(*both(folds(known, labels, rows), classify(make), device))


def test_image_networks(inertial: ModalityData, labels: Tensor, device: str) -> None:
    from pipeline.registry import import_object

    assert inertial.series is not None
    gaf, valid = GafParams(size=32), torch.ones(12, 1, dtype=torch.bool)
    images = ImageInput("inertial", "series", inertial.series[:, :, :3], valid, gaf)
    named = MODELS["resnet18"]
    params = import_object(named.params)(embedding=8)

    def make(data: RecordingData, seed: int) -> Standardised:
        return behind(data, seed, lambda: import_object(named.build)(data.shapes, 4, params))

    assert_alike(
        *both(folds([images], labels, EQUAL), classify(make), device, FitParams(epochs=1, batch=5, lr=1e-4)), 5e-3
    )


def test_a_stacked_training_goes_on_alone_and_one_that_was_alone_in_a_stack(
    inputs: list[Any], labels: Tensor, Memory: Any
) -> None:
    data = folds(inputs, labels, UNEQUAL)
    build = classify(student)
    whole = [build(each, seed) for each, seed in zip(data, SEEDS, strict=True)]
    for task, each, seed in zip(whole, data, SEEDS, strict=True):
        fit(Training(task, each, seed), SHORT)
    memories = [Memory(), Memory(), Memory(epochs=1)]  # the others have saved an epoch by then
    begun = [build(each, seed) for each, seed in zip(data, SEEDS, strict=True)]
    with pytest.raises(KeyboardInterrupt):
        fit_stacked([Training(*each) for each in zip(begun, data, SEEDS, memories, strict=True)], SHORT)
    alone = build(data[0], SEEDS[0])
    assert len(fit(Training(alone, data[0], SEEDS[0], checkpoint=memories[0]), SHORT)) == 3
    other = Memory(epochs=2)  # two epochs further than its neighbour in the stack
    with pytest.raises(KeyboardInterrupt):
        fit(Training(build(data[1], SEEDS[1]), data[1], SEEDS[1], checkpoint=other), SHORT)
    rest = [build(each, seed) for each, seed in zip(data[1:], SEEDS[1:], strict=True)]
    kept = [Memory(other.content), Memory(memories[2].content)]
    fit_stacked([Training(*each) for each in zip(rest, data[1:], SEEDS[1:], kept, strict=True)], SHORT)
    assert_alike(data, whole, [alone, *rest])


def test_progress_and_the_callers_random_state(inputs: list[Any], labels: Tensor) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    told: list[tuple[int, int]] = []
    (data,) = folds(inputs, labels, EQUAL[:1])
    heard = Training(
        ClassifyTask(student(data, 0)), data, 0, None, lambda epoch, epochs, *_: told.append((epoch, epochs))
    )
    fit_stacked([heard, Training(ClassifyTask(student(data, 1)), data, 1)], SHORT)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert torch.equal(torch.get_rng_state(), before)
    assert not heard.task.training


def test_one_that_diverges_or_has_a_damaged_checkpoint_stops_no_other(
    inputs: list[Any], labels: Tensor, Memory: Any
) -> None:
    data = folds(inputs, labels, EQUAL)
    series = data[1].inputs["rgb"]
    bad = replace(series, features=torch.full_like(series.features, torch.nan))  # type: ignore[type-var]
    data[1] = RecordingData([*list(data[1].inputs.values())[:2], bad], data[1].labels, AugmentParams())
    tasks = [ClassifyTask(student(folds(inputs, labels, EQUAL)[0], seed)) for seed in SEEDS]
    alone = ClassifyTask(student(folds(inputs, labels, EQUAL)[0], SEEDS[0]))
    fit(Training(alone, data[0], SEEDS[0]), SHORT)
    memories = [Memory(), Memory(), Memory(b"not a checkpoint")]
    found = fit_stacked([Training(*each) for each in zip(tasks, data, SEEDS, memories, strict=True)], SHORT)
    assert "the loss is not finite in epoch 1" in str(found[1])
    assert "delete it and run the step again" in str(found[2])
    assert not isinstance(found[0], TrainingError)
    assert len(found[0]) == 3
    one, other = (predict(task.model, data[0]).logits for task in (alone, tasks[0]))
    torch.testing.assert_close(other, one, rtol=2e-3, atol=2e-3)


def test_models_that_differ_are_refused(inputs: list[Any], labels: Tensor) -> None:
    (data,) = folds(inputs, labels, EQUAL[:1])
    tasks = [ClassifyTask(student(data, 0)), ClassifyTask(teacher(data, 0))]
    with pytest.raises(TrainingError, match="models that differ cannot be trained together"):
        fit_stacked([Training(task, data, 0) for task in tasks], SHORT)


def test_a_model_with_other_random_draws_is_refused(video: ModalityData, labels: Tensor) -> None:
    (data,) = folds([video], labels, EQUAL[:1])
    tasks = [
        ClassifyTask(behind(data, seed, lambda: TRN(data.shapes, 4, TRNParams(segments=4, width=8)))) for seed in (0, 1)
    ]
    with pytest.raises(TrainingError, match="train them one by one"):
        fit_stacked([Training(task, data, 0) for task in tasks], SHORT)
