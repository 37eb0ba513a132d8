"""Steps on a GPU that is not there: torch's fake tensors tell of tensors on the wrong device, and of waiting for it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.registry import import_object
from trainers.data.inputs import ImageInput, Input, SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.fit.stacked import _stacked, _StackedTasks
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.gaf import render
from trainers.gaf.params import GafParams
from trainers.losses.registry import LOSSES
from trainers.models.registry import MODELS
from trainers.params import AugmentParams, StandardiseParams

GPU = torch.device("cuda:0")
REPOSITORY = str(Path(__file__).resolve().parents[3])


class Traffic(TorchDispatchMode):
    """Counts by line of ours what crosses between devices; fake tensors themselves refuse to tell a value."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name, tensors = str(func), [each for each in (*args, out) if isinstance(each, Tensor)]
        if name.startswith(("aten._to_copy", "aten.copy_")) and len({each.device for each in tensors}) > 1:
            self.seen[_line()] += 1
        return out


def _line() -> str:
    frame: Any = sys._getframe(2)
    while frame is not None and (
        not frame.f_code.co_filename.startswith(REPOSITORY) or "site-packages" in frame.f_code.co_filename
    ):
        frame = frame.f_back
    return f"{frame.f_code.co_filename.removeprefix(REPOSITORY + '/')}:{frame.f_lineno}" if frame else "?"


@pytest.fixture(autouse=True)
def fake_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a GPU have room, and nothing remember it."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (70 << 30, 80 << 30))
    yield
    for kept in (render._taps, render._column):
        kept.cache_clear()


@pytest.fixture
def forms(skeleton: ModalityData, inertial: ModalityData, video: ModalityData) -> dict[str, list[Input]]:
    """What models take."""
    assert inertial.series is not None
    series, whole = inertial.series, torch.ones(len(inertial), 1, dtype=torch.bool)
    return {
        "patches": [skeleton, inertial, video],
        "video": [video],
        "series": [SeriesInput("inertial", "series", series, whole)],
        "images": [
            ImageInput(
                "inertial", "series", series, whole, GafParams(size=64, field="both", scaling="fixed", range=50.0)
            )
        ],
    }


TAKES = {"dmft": "patches", "dmft-lite": "patches", "trn": "video", "cnn1d": "series"}  # all others take images


def model(name: str, forms: dict[str, list[Input]], **given: Any) -> tuple[Standardised, list[Input]]:
    inputs, kind = forms[TAKES.get(name, "images")], import_object(MODELS[name].params)
    known = {"segments": 4, **given} if name == "trn" else given
    params = kind(**{key: value for key, value in known.items() if key in kind.__struct_fields__})
    built = import_object(MODELS[name].build)({data.name: data.shape for data in inputs}, 4, params)
    return Standardised(built, fit_standardiser(inputs, StandardiseParams())), inputs


def crossed(task: nn.Module, inputs: list[Input], labels: Tensor) -> Counter[str]:
    """Run a training step up to its loss; return what crossed."""
    recordings = RecordingData(inputs, labels, AugmentParams())
    none: Any = None  # torch has no generator for a GPU that is not there
    with FakeTensorMode(allow_non_fake_inputs=True):
        task, data = task.to(GPU).train(), recordings.to(GPU)
        rows = torch.arange(6, device=GPU)
        data._augmented(rows, AugmentParams(), none)  # what is kept on the device is brought there
        with Traffic() as traffic:
            batch: Any = {
                "inputs": data._augmented(rows, AugmentParams(), none),
                "valid": {name: data.inputs[name].valid[rows] for name in data._masked},
                "labels": data.labels[rows],
            }
            output = task(batch)
    assert output["loss"].device == output["logits"].device == GPU
    return traffic.seen


@pytest.mark.parametrize("name", sorted(MODELS))
def test_nothing_leaves_the_device(name: str, forms: dict[str, list[Input]], labels: Tensor) -> None:
    built, inputs = model(name, forms)
    draws = {"trainers/models/trn/relations.py"} if name == "trn" else set()  # on the CPU, which must be seen here
    assert {line.partition(":")[0] for line in crossed(ClassifyTask(built), inputs, labels)} == draws


TAKE_GRADIENTS = {"rkd-angle", "dask"}  # within the loss, for which torch wants a real GPU


@pytest.mark.parametrize("name", sorted({*LOSSES} - TAKE_GRADIENTS))
def test_no_loss_does(name: str, forms: dict[str, list[Input]], labels: Tensor) -> None:
    student, mine = model("dmft-lite" if name == "dmft-kd" else "cnn1d", forms)
    teacher, theirs = model("dmft" if name == "dmft-kd" else "resnet18", forms)
    params = import_object(LOSSES[name].params)()
    loss = import_object(LOSSES[name].build)(params, student.model.embedding_width, teacher.model.embedding_width)
    inputs = {data.name: data for data in (*mine, *theirs)}
    assert not crossed(DistilTask(student, teacher, loss), list(inputs.values()), labels)


@pytest.mark.parametrize("name", sorted(name for name, each in MODELS.items() if each.stacks))
def test_no_stack_of_models_does(name: str, forms: dict[str, list[Input]], labels: Tensor) -> None:
    stack = _StackedTasks(
        [ClassifyTask(model(name, forms, dropout=0.0)[0]) for _ in range(2)]
    )  # fake ones cannot be stacked
    recordings = RecordingData(model(name, forms)[1], labels)
    with FakeTensorMode(allow_non_fake_inputs=True):
        stack._trained, stack._fixed = (
            {name: tensor.to(GPU) for name, tensor in each.items()} for each in (stack._trained, stack._fixed)
        )
        batch = recordings.to(GPU).batch(torch.arange(6, device=GPU))
        with Traffic() as traffic:
            losses, logits, _ = stack.forward([0, 1], _stacked([batch, batch]))
    assert losses.device == logits.device == GPU
    assert not traffic.seen


def test_what_is_on_the_wrong_device_would_be_seen(forms: dict[str, list[Input]], labels: Tensor) -> None:
    built, inputs = model("cnn1d", forms)
    data = RecordingData(inputs, labels)
    with FakeTensorMode(allow_non_fake_inputs=True), pytest.raises(RuntimeError, match="cuda:0"):
        built.to(GPU)(data.batch(torch.arange(3))["inputs"], {})
