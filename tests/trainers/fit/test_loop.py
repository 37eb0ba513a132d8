"""The fit loop: it learns, repeats itself, resumes to the same bits, stops at a loss that is not finite."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainers.data.batch import Batch, TaskOutput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.loop import Training, fit, learning_rate
from trainers.fit.output_checks import embedding_width
from trainers.fit.seeding import seeded
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.losses.dmft_kd import DMFTKD
from trainers.losses.params.dmft_kd import DMFTKDParams
from trainers.losses.params.similarity_queue import SimilarityQueueParams
from trainers.losses.similarity_queue import SimilarityQueue
from trainers.models.dmft.params import StudentParams, TeacherParams
from trainers.models.dmft.student import DMFTStudent
from trainers.models.dmft.teacher import DMFTTeacher
from trainers.params import AugmentParams, FitParams, StandardiseParams

SHORT = FitParams(epochs=4, batch=5, warmup=1, lr=5e-3)


@pytest.fixture
def data(skeleton: ModalityData, inertial: ModalityData, video: ModalityData, labels: Tensor) -> RecordingData:
    return RecordingData([skeleton, inertial, video], labels, AugmentParams())


def student(data: RecordingData, dropout: float = 0.2) -> Standardised:
    params = StudentParams(width=8, layers=1, heads=2, feed_forward=16, dropout=dropout)
    with seeded(0):
        model = DMFTStudent(data.shapes, 4, params)
    return Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams()))


def teacher(data: RecordingData) -> Standardised:
    with seeded(1):
        model = DMFTTeacher(data.shapes, 4, TeacherParams(width=8, layers=1, heads=2, feed_forward=16))
    return Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams()))


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same(first: nn.Module, second: nn.Module) -> None:
    one, two = first.state_dict(), second.state_dict()
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_it_learns_separable_recordings(skeleton: ModalityData, labels: Tensor) -> None:
    marked = replace(skeleton, features=skeleton.features + 20 * labels[:, None, None], series=None)
    data = RecordingData([marked], labels)
    history = fit(Training(ClassifyTask(student(data, 0.0)), data, 0), replace_fit(SHORT, epochs=60))
    assert history[-1]["accuracy"] == 1
    assert history[-1]["loss"] < history[0]["loss"] / 4


def replace_fit(params: FitParams, **changes: object) -> FitParams:
    values = {name: getattr(params, name) for name in params.__struct_fields__}
    return FitParams(**{**values, **changes})


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_equal_seeds_give_equal_models_and_leave_the_callers_random_state_alone(
    data: RecordingData, precision: str, device: str
) -> None:
    params = replace_fit(SHORT, precision=precision)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, second, other = student(data), student(data), student(data)
    histories = [
        fit(Training(ClassifyTask(model), data, s), params, device=device)
        for model, s in ((first, 3), (second, 3), (other, 4))
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert_same(first, second)
    assert histories[0] == histories[1] != histories[2]


def test_history_and_progress_tell_every_epoch(data: RecordingData) -> None:
    told: list[tuple[int, int, float, float]] = []
    history = fit(Training(ClassifyTask(student(data)), data, 0, progress=lambda *args: told.append(args)), SHORT)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert told == [(int(row["epoch"]), 4, row["loss"], row["accuracy"]) for row in history]


@pytest.mark.parametrize(
    ("stop", "precision", "distilled"),
    [(1, "fp32", ""), (3, "fp32", ""), (2, "fp16", ""), (2, "fp32", "dmft-kd"), (2, "fp32", "similarity-queue")],
)
def test_a_resumed_training_ends_with_the_same_bits(
    data: RecordingData, stop: int, precision: str, distilled: str, Memory: Any, device: str
) -> None:
    params = replace_fit(SHORT, precision=precision)

    def task(model: Standardised) -> nn.Module:
        if not distilled:
            return ClassifyTask(model)
        told = teacher(data)
        if distilled == "dmft-kd":
            return DistilTask(model, told, DMFTKD(DMFTKDParams(), 1, 1))
        widths = embedding_width(model), embedding_width(told)
        with seeded(0):  # a projector has weights; the queue of 7 is full, and its oldest have left
            return DistilTask(model, told, SimilarityQueue(SimilarityQueueParams(queue=7), *widths))

    unbroken, broken, resumed = student(data), student(data), student(data)
    whole = fit(Training(task(unbroken), data, 3), params, device=device)
    memory = Memory(epochs=stop)
    with pytest.raises(KeyboardInterrupt):
        fit(Training(task(broken), data, 3, checkpoint=memory), params, device=device)
    torch.rand(5)  # the process that resumes has another random state
    parts = fit(Training(task(resumed), data, 3, checkpoint=Memory(memory.content)), params, device=device)
    assert_same(unbroken, resumed)
    assert whole == parts


def test_a_finished_training_is_only_read(data: RecordingData, Memory: Any) -> None:
    memory, first, second = Memory(), student(data), student(data)
    fit(Training(ClassifyTask(first), data, 0, checkpoint=memory), SHORT)
    history = fit(Training(ClassifyTask(second), data, 0, checkpoint=memory), SHORT)
    assert len(history) == 4
    assert_same(first, second)


def test_equal_trainings_give_equal_checkpoints(data: RecordingData, Memory: Any, device: str) -> None:
    first, second = Memory(), Memory()
    for memory in (first, second):
        fit(Training(ClassifyTask(student(data)), data, 0, checkpoint=memory), SHORT, device=device)
    assert first.content == second.content


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_checkpoint_says_what_to_do(data: RecordingData, content: bytes, Memory: Any) -> None:
    with pytest.raises(TrainingError, match=r"checkpoint: not readable .*delete it and run the step again"):
        fit(Training(ClassifyTask(student(data)), data, 0, checkpoint=Memory(content)), SHORT)


def test_another_models_checkpoint_is_refused(data: RecordingData, Memory: Any) -> None:
    memory = Memory()
    fit(Training(ClassifyTask(teacher(data)), data, 0, checkpoint=memory), SHORT)
    with pytest.raises(TrainingError, match="checkpoint: it belongs to another model"):
        fit(Training(ClassifyTask(student(data)), data, 0, checkpoint=memory), SHORT)


class Spoilt(nn.Module):
    """A task whose loss becomes NaN with recording 11, wherever it is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, batch: Batch) -> TaskOutput:
        marks = batch["inputs"]["rgb"][:, 0, 0]
        loss = self.weight * torch.where(marks == marks.max(), torch.nan, 1.0).mean()
        logits = torch.zeros(len(marks), 4)
        return {"loss": loss, "logits": logits, "embedding": logits, "streams": {}}


def test_a_loss_that_is_not_finite_names_epoch_batch_and_remedy(video: ModalityData, labels: Tensor) -> None:
    with pytest.raises(TrainingError, match="not finite in epoch 1, batch 1 of 3; lower lr"):
        fit(Training(Spoilt(), RecordingData([video], labels), 0), SHORT)


def test_a_teacher_is_frozen_and_not_saved(data: RecordingData, Memory: Any) -> None:
    taught, guide, memory = student(data), teacher(data), Memory()
    before = state(guide)
    task = DistilTask(taught, guide, DMFTKD(DMFTKDParams(), 1, 1))
    fit(Training(task, data, 0, checkpoint=memory), SHORT)
    assert all(torch.equal(before[name], tensor) for name, tensor in guide.state_dict().items())
    assert not guide.training
    assert set(task.state_dict()) == {f"model.{name}" for name in taught.state_dict()}
    assert all(weight.grad is None for weight in guide.parameters())


def test_a_teacher_of_other_modalities_teaches_through_its_vote(data: RecordingData) -> None:
    some = RecordingData([data.inputs["inertial"]], data.labels)
    others = RecordingData([data.inputs["skeleton"], data.inputs["rgb"]], data.labels)
    task = DistilTask(student(some), teacher(others), DMFTKD(DMFTKDParams(target="fused"), 1, 1))
    history = fit(Training(task, data, 0), SHORT)
    assert set(task(data.batch(torch.arange(3)))["streams"]) == {"inertial/temporal", "inertial/spatial"}
    assert len(history) == 4


def test_a_teacher_moves_with_its_task(data: RecordingData) -> None:
    guide = teacher(data)
    DistilTask(student(data), guide, DMFTKD(DMFTKDParams(), 1, 1)).to(torch.float64)
    assert next(guide.parameters()).dtype == torch.float64


def test_rows_and_labels_must_match(video: ModalityData, labels: Tensor) -> None:
    with pytest.raises(TrainingError, match="modality rgb: 12 rows for 11 labels"):
        RecordingData([video], labels[:11])


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    params = FitParams(epochs=10, lr=1.0, warmup=2)
    rates = [learning_rate(step, 5, params) for step in range(50)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == 1
    assert rates[30] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.01
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_a_constant_rate_stays() -> None:
    params = FitParams(epochs=3, lr=0.5, warmup=0, schedule="constant")
    assert {learning_rate(step, 4, params) for step in range(12)} == {0.5}


def test_a_warm_up_longer_than_the_training_is_cut() -> None:
    assert learning_rate(3, 4, FitParams(epochs=1, lr=1.0, warmup=5)) == 1


class Counter(nn.Module):
    """Notes how many recordings each batch has."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.sizes: list[int] = []

    def forward(self, batch: Batch) -> TaskOutput:
        self.sizes.append(len(batch["labels"]))
        logits = self.weight.expand(len(batch["labels"]), 4)
        return {"loss": logits.sum(), "logits": logits, "embedding": logits, "streams": {}, "maps": ()}


@pytest.mark.parametrize(("count", "sizes"), [(9, [4, 5]), (10, [4, 4, 2]), (8, [4, 4]), (1, [1])])
def test_no_batch_is_left_with_a_single_recording(data: RecordingData, count: int, sizes: list[int]) -> None:
    inputs = [data.inputs["inertial"].select(torch.arange(count))]
    task = Counter()
    fit(Training(task, RecordingData(inputs, data.labels[:count]), 0), FitParams(epochs=1, batch=4))
    assert task.sizes == sizes
