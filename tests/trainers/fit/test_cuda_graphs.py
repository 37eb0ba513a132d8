"""CUDA graphs of steps on a real GPU: the same training as without them, to within rounding."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from pipeline.registry import import_object
from trainers.data.batch import Batch, TaskOutput
from trainers.data.inputs import ImageInput, SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit import captured_step
from trainers.fit.captured_step import CudaGraphs
from trainers.fit.loop import Training, fit
from trainers.fit.predict import predict
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.gaf.params import GafParams
from trainers.losses.registry import LOSSES
from trainers.models.registry import MODELS
from trainers.params import AugmentParams, FitParams, StandardiseParams

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]

PARAMS = FitParams(epochs=3, batch=5, warmup=1, lr=2e-3)  # 12 recordings: batches of 5, 5 and 2
SMALL = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 16, "dropout": 0.2, "embedding": 8, "segments": 4}
TAKES = {name: each.takes for name, each in MODELS.items()} | {"trn": "video", "early-fusion": "aligned"}


@pytest.fixture
def forms(
    skeleton: ModalityData, inertial: ModalityData, video: ModalityData, labels: Tensor
) -> dict[str, RecordingData]:
    """What models take, as training data."""
    assert inertial.series is not None
    series, whole = inertial.series, torch.ones(len(inertial), 1, dtype=torch.bool)
    images = ImageInput("inertial", "series", series[:, :, :3], whole, GafParams(size=32))
    forms: dict[str, list[Any]] = {
        "patches": [skeleton, inertial, video],
        "video": [video],
        "aligned": [skeleton, replace(skeleton, name="other")],  # of one number of patches
        "series": [SeriesInput("inertial", "series", series, whole)],
        "images": [images],
    }
    augment = AugmentParams(feature_jitter=0.1)
    return {name: RecordingData(inputs, labels, augment) for name, inputs in forms.items()}


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Count the graphs that are recorded."""
    recorded: list[object] = []
    record = CudaGraphs.record

    def counted(self: CudaGraphs, run: Any) -> Any:
        made = record(self, run)
        recorded.append(made)
        return made

    monkeypatch.setattr(CudaGraphs, "record", counted)
    captured_step._tell.cache_clear()
    yield recorded
    recorded.clear()


def model(name: str, data: RecordingData, seed: int) -> Standardised:
    kind = import_object(MODELS[name].params)
    params = kind(**{key: value for key, value in SMALL.items() if key in kind.__struct_fields__})
    with seeded(seed):
        built = import_object(MODELS[name].build)(data.shapes, 4, params)
    return Standardised(built, fit_standardiser(data.inputs.values(), StandardiseParams()))


def plainly(work: Callable[[], Any]) -> Any:
    """Do it operation by operation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captured_step, "recorder_for", lambda _: None)
        return work()


def assert_alike(data: RecordingData, one: Any, other: Any, tolerance: float = 1e-3) -> None:
    said = [predict(task.model.cpu(), data).logits for task in (one, other)]
    torch.testing.assert_close(said[1], said[0], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("name", sorted(name for name, each in MODELS.items() if each.stacks))
def test_every_model(
    name: str, precision: Any, forms: Any, graphs: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    data, params = forms[TAKES[name]], msgspec.structs.replace(PARAMS, precision=precision)
    plain, same = (ClassifyTask(model(name, data, 0)) for _ in range(2))
    expected = plainly(lambda: fit(Training(plain, data, 3), params, device="cuda"))
    assert not graphs
    found = fit(Training(same, data, 3), params, device="cuda")
    assert len(graphs) == 2, caplog.messages
    tolerance = 1e-3 if precision == "fp32" else 3e-2
    for one, other in zip(expected, found, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=tolerance)
        assert other["lr"] == one["lr"]
    assert_alike(data, plain, same, tolerance)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_with_its_teacher_in_the_graph(name: str, forms: Any, graphs: list[object]) -> None:
    data = forms["patches"]

    def task() -> DistilTask:
        student, teacher = model("dmft" if name == "attention" else "dmft-lite", data, 0), model("dmft", data, 1)
        widths = student.model.embedding_width, teacher.model.embedding_width
        with seeded(0):
            loss = import_object(LOSSES[name].build)(import_object(LOSSES[name].params)(), *widths)
        return DistilTask(student, teacher, loss)

    plain, same = task(), task()
    plainly(lambda: fit(Training(plain, data, 3), PARAMS, device="cuda"))
    fit(Training(same, data, 3), PARAMS, device="cuda")
    assert len(graphs) == 2
    assert_alike(data, plain, same)


@pytest.mark.parametrize("counts", [(12, 12, 12), (12, 11, 7)], ids=["equal", "unequal"])
@pytest.mark.parametrize("name", ["dmft", "cnn1d"])
def test_a_stack_of_folds(name: str, counts: tuple[int, ...], forms: Any, graphs: list[object]) -> None:
    data = forms[TAKES[name]]
    folds = [
        RecordingData(
            [each.select(torch.arange(12)[-n:]) for each in data.inputs.values()], data.labels[-n:], AugmentParams()
        )
        for n in counts
    ]

    def trainings() -> list[Training]:
        return [Training(ClassifyTask(model(name, fold, seed)), fold, seed) for seed, fold in enumerate(folds)]

    plain, same, alone = trainings(), trainings(), trainings()
    plainly(lambda: fit_stacked(plain, PARAMS, device="cuda"))
    assert not graphs
    found = fit_stacked(same, PARAMS, device="cuda")
    assert graphs
    for each in alone:
        fit(each, PARAMS, device="cuda")
    assert not any(isinstance(each, TrainingError) for each in found)
    for fold, one, other, third in zip(folds, plain, same, alone, strict=True):
        assert_alike(fold, one.task, other.task, 5e-3)
        assert_alike(fold, third.task, other.task, 5e-3)


def test_a_resumed_training_ends_as_an_unbroken_one(forms: Any, graphs: list[object], Memory: Any) -> None:
    data = forms["patches"]
    tasks = [ClassifyTask(model("dmft", data, 0)) for _ in range(4)]
    fit(Training(tasks[0], data, 3), PARAMS, device="cuda")
    memory = Memory(epochs=2)
    with pytest.raises(KeyboardInterrupt):
        fit(Training(tasks[1], data, 3, memory), PARAMS, device="cuda")
    fit(Training(tasks[2], data, 3, Memory(memory.content)), PARAMS, device="cuda")
    plainly(lambda: fit(Training(tasks[3], data, 3, Memory(memory.content)), PARAMS, device="cuda"))
    assert_alike(data, tasks[0], tasks[2])
    assert_alike(data, tasks[0], tasks[3])


def test_draws_of_a_models_own_on_the_host_are_seen(
    forms: Any, graphs: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    data = forms["video"]
    with caplog.at_level(logging.WARNING):
        for seed in range(2):
            fit(Training(ClassifyTask(model("trn", data, seed)), data, seed), PARAMS, device="cuda")
    assert not graphs
    (said,) = caplog.messages
    assert "operation by operation" in said


class Waits(nn.Module):
    """A task in which the host looks at a value, and which drops some."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Linear(16, 4)
        with torch.no_grad():
            self.model.weight.fill_(0.1)
            self.model.bias.zero_()

    def forward(self, batch: Batch) -> TaskOutput:
        logits = self.model(nn.functional.dropout(batch["inputs"]["rgb"][:, 0], 0.2))
        loss = nn.functional.cross_entropy(logits, batch["labels"])
        if loss.item() > 100:
            loss = loss / 2
        return {"loss": loss, "logits": logits, "embedding": logits, "streams": {}, "maps": ()}


def test_a_recording_that_fails_after_all_leaves_everything_usable(
    forms: Any, graphs: list[object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data = forms["video"]
    plain, same = Waits(), Waits()
    plainly(lambda: fit(Training(plain, data, 3), PARAMS, device="cuda"))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(CudaGraphs, "try_out", lambda _, run: (run(), ""))  # it sees nothing
        fit(Training(same, data, 3), PARAMS, device="cuda")
    assert not graphs
    assert "operation by operation" in caplog.text
    torch.testing.assert_close(same.state_dict(), plain.state_dict())
    torch.cuda.empty_cache()
    torch.rand(5, device="cuda")
    fit(Training(ClassifyTask(model("dmft", forms["patches"], 0)), forms["patches"], 3), PARAMS, device="cuda")
    assert len(graphs) == 2


def test_the_memory_of_graphs_is_given_back(forms: Any, graphs: list[object]) -> None:
    data = forms["patches"]

    def held() -> int:
        fit(Training(ClassifyTask(model("dmft", data, 0)), data, 3), PARAMS, device="cuda")
        graphs.clear()
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        return torch.cuda.memory_reserved()

    first = held()
    assert max(held() for _ in range(3)) <= first + (4 << 20)
