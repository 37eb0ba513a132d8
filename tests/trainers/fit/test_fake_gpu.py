"""Steps on a GPU that is not there.

torch's fake tensors tell of tensors on the wrong device, and of waiting for it; whole steps, with the backward pass and
the optimiser, are recorded on a CPU, where all but copies to another device can be seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from pipeline.registry import import_object
from trainers.data.augment import draw_time
from trainers.data.inputs import ImageInput, Input, SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.fit.captured_step import HostWaits
from trainers.fit.loop import Training, fit
from trainers.fit.stacked import _stacked, _StackedTasks, fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.gaf import render
from trainers.gaf.params import GafParams
from trainers.losses.registry import LOSSES
from trainers.models.dropout import per_model_generators
from trainers.models.registry import MODELS
from trainers.params import AugmentParams, FitParams, StandardiseParams

GPU = torch.device("cuda:0")


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
        "aligned": [skeleton, replace(skeleton, name="other")],  # of one number of patches
        "series": [SeriesInput("inertial", "series", series, whole)],
        "images": [
            ImageInput(
                "inertial", "series", series, whole, GafParams(size=64, field="both", scaling="fixed", range=50.0)
            )
        ],
    }


DESCENDED = sorted(name for name, each in MODELS.items() if not each.solved)
TAKES = {name: each.takes for name, each in MODELS.items()} | {"trn": "video", "early-fusion": "aligned"}


def model(name: str, forms: dict[str, list[Input]], **given: Any) -> tuple[Standardised, list[Input]]:
    inputs, kind = forms[TAKES[name]], import_object(MODELS[name].params)
    known = {**{"trn": {"segments": 4}, "gimme-signals": {"size": 32}}.get(name, {}), **given}
    params = kind(**{key: value for key, value in known.items() if key in kind.__struct_fields__})
    built = import_object(MODELS[name].build)({data.name: data.shape for data in inputs}, 4, params)
    return Standardised(built, fit_standardiser(inputs, StandardiseParams())), inputs


def waits_of_the_host(task: nn.Module, inputs: list[Input], labels: Tensor) -> Counter[str]:
    """Run a training step up to its loss; return what no CUDA graph can hold."""
    recordings = RecordingData(inputs, labels, AugmentParams())
    none: Any = None  # torch has no generator for a GPU that is not there
    with FakeTensorMode(allow_non_fake_inputs=True):
        task, data = task.to(GPU).train(), recordings.to(GPU)
        rows = torch.arange(6, device=GPU)
        data._augmented(
            rows, draw_time(6, AugmentParams(), GPU, none), none
        )  # what is kept on the device is brought there
        with HostWaits() as waits:
            batch: Any = {
                "inputs": data._augmented(rows, draw_time(6, AugmentParams(), GPU, none), none),
                "valid": {name: data.inputs[name].valid[rows] for name in data._masked},
                "labels": data.labels[rows],
            }
            output = task(batch)
    assert output["loss"].device == output["logits"].device == GPU
    return waits.found


@pytest.mark.parametrize("name", DESCENDED)
def test_nothing_leaves_the_device(name: str, forms: dict[str, list[Input]], labels: Tensor) -> None:
    built, inputs = model(name, forms)
    found = waits_of_the_host(ClassifyTask(built), inputs, labels)
    draws = {"trainers.models.trn.relations"} if name == "trn" else set()  # on the CPU, which must be seen here
    assert {what.rpartition(" at ")[2].partition(":")[0] for what in found} == draws


TAKE_GRADIENTS = {"rkd-angle", "dask"}  # within the loss, for which torch wants a real GPU


def distilled(name: str, forms: dict[str, list[Input]]) -> tuple[DistilTask, list[Input]]:
    """Return a student, its teacher and a loss between them, and what both take."""
    student, mine = model("dmft-lite" if name == "dmft-kd" else "cnn1d", forms)
    teacher, theirs = model("dmft" if name == "dmft-kd" else "resnet18", forms)
    params = import_object(LOSSES[name].params)()
    loss = import_object(LOSSES[name].build)(params, student.model.embedding_width, teacher.model.embedding_width)
    inputs = {data.name: data for data in (*mine, *theirs)}
    return DistilTask(student, teacher, loss), list(inputs.values())


@pytest.mark.parametrize("name", sorted({*LOSSES} - TAKE_GRADIENTS))
def test_no_loss_does(name: str, forms: dict[str, list[Input]], labels: Tensor) -> None:
    assert not waits_of_the_host(*distilled(name, forms), labels)


STACKS = sorted(name for name, each in MODELS.items() if each.stacks)
ONE_EPOCH = FitParams(epochs=1, batch=6)  # of two steps: one is tried out, one recorded


@pytest.mark.parametrize("name", DESCENDED)
def test_a_whole_step_of_it_can_be_recorded(
    name: str, forms: dict[str, list[Input]], labels: Tensor, recorder: Any
) -> None:
    built, inputs = model(name, forms, dropout=0.2)
    counts = recorder()
    fit(Training(ClassifyTask(built), RecordingData(inputs, labels, AugmentParams()), 0), ONE_EPOCH)
    assert not counts.found
    assert counts.recorded == 1


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_so_can_one_of_a_student(name: str, forms: dict[str, list[Input]], labels: Tensor, recorder: Any) -> None:
    task, inputs = distilled(name, forms)
    counts = recorder()
    fit(Training(task, RecordingData(inputs, labels, AugmentParams()), 0), ONE_EPOCH)
    assert not counts.found
    assert counts.recorded == 1


@pytest.mark.parametrize("name", STACKS)
def test_so_can_one_of_a_stack(name: str, forms: dict[str, list[Input]], labels: Tensor, recorder: Any) -> None:
    inputs = model(name, forms)[1]
    tasks = [ClassifyTask(model(name, forms, dropout=0.2)[0]) for _ in range(2)]
    data = [
        RecordingData([each.select(torch.arange(n)) for each in inputs], labels[:n], AugmentParams()) for n in (12, 8)
    ]
    counts = recorder()
    fit_stacked([Training(task, each, 0) for task, each in zip(tasks, data, strict=True)], ONE_EPOCH)
    assert not counts.found  # batches of 6 and 6, and of 6 and 2
    assert not counts.recorded


@pytest.mark.parametrize("name", STACKS)
def test_no_stack_of_models_does(name: str, forms: dict[str, list[Input]], labels: Tensor) -> None:
    stack = _StackedTasks(
        [ClassifyTask(model(name, forms, dropout=0.0)[0]) for _ in range(2)]
    )  # fake ones cannot be stacked
    recordings = RecordingData(model(name, forms)[1], labels)
    none: Any = None  # nothing is drawn
    with FakeTensorMode(allow_non_fake_inputs=True):
        stack._trained, stack._fixed = (
            {name: tensor.to(GPU) for name, tensor in each.items()} for each in (stack._trained, stack._fixed)
        )
        batch = recordings.to(GPU).batch(torch.arange(6, device=GPU))
        with HostWaits() as waits, per_model_generators([none, none]):
            losses, logits, _ = stack.forward([0, 1], _stacked([batch, batch]))
    assert losses.device == logits.device == GPU
    assert not waits.found


def test_what_is_on_the_wrong_device_would_be_seen(forms: dict[str, list[Input]], labels: Tensor) -> None:
    built, inputs = model("cnn1d", forms)
    data = RecordingData(inputs, labels)
    with FakeTensorMode(allow_non_fake_inputs=True), pytest.raises(RuntimeError, match="cuda:0"):
        built.to(GPU)(data.batch(torch.arange(3))["inputs"], {})
