"""Losses and models alone: closed forms, and the very loss that a distil step computes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import pipeline
from trainers.data.batch import Batch
from trainers.fit.tasks.distil import DistilTask
from trainers.losses.registry import LOSSES
from trainers.models.registry import MODELS


def outputs(width: int, seed: int) -> dict[str, Any]:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw).requires_grad_()

    return {"logits": normal(6, 4), "embedding": normal(6, width), "maps": (normal(6, 3, 8, 5), normal(6, 5, 4, 5))}


LABELS = torch.tensor([0, 1, 2, 3, 0, 1])


def test_soft_targets_in_closed_form() -> None:
    student, teacher = outputs(8, 0)["logits"], outputs(8, 1)["logits"]
    loss = pipeline.loss("hinton", hard=0.25, weight=0.75, temperature=3.0, label_smoothing=0.1)
    kl = F.kl_div((student / 3).log_softmax(-1), (teacher / 3).softmax(-1), reduction="batchmean")
    expected = 0.25 * F.cross_entropy(student, LABELS, label_smoothing=0.1) + 0.75 * 9 * kl
    torch.testing.assert_close(loss(student, teacher, LABELS), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_teaches_the_student_and_leaves_the_teacher(name: str) -> None:
    student, teacher = outputs(8, 0), outputs(12, 1)
    loss = pipeline.loss(name, student_width=8, teacher_width=12)(student, teacher, LABELS)
    assert loss.ndim == 0
    loss.backward()
    assert student["logits"].grad.abs().sum() > 0
    assert all(each.grad is None for each in (teacher["logits"], teacher["embedding"], *teacher["maps"]))


class Same(nn.Module):
    """A model that always says the same."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said = said

    def forward(self, inputs: Any, valid: Any) -> Any:
        return self.said


@pytest.mark.parametrize("name", LOSSES)
def test_it_is_the_loss_of_a_distil_step(name: str) -> None:
    student, teacher = outputs(8, 0), outputs(8, 1)
    for output in student, teacher:
        output["streams"] = {"a/temporal": output["logits"] + 1, "a/modal": output["logits"] * 2}
    loss = pipeline.loss(name, student_width=8, teacher_width=8, label_smoothing=0.1).eval()
    task = DistilTask(
        Same(student),
        Same(teacher),
        loss.distillation,
        loss="joint",
        label_smoothing=0.1,
        classes=4,
        class_weights=None,
    )
    batch: Batch = {"inputs": {}, "valid": {}, "labels": LABELS}
    torch.testing.assert_close(loss(student, teacher, LABELS), task(batch)["loss"])


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda: pipeline.loss("hintn"), "hintn: .*\n.*hinton"),
        (lambda: pipeline.loss("hinton", temprature=1), "hinton: temprature: .*\n.*temperature"),
        (lambda: pipeline.loss("hinton", temperature=-1), "hinton: .*temperature"),
        (lambda: pipeline.loss("dask")(*[outputs(8, 0)["logits"]] * 2, LABELS), "the models' embedding\n.*student"),
        (
            lambda: pipeline.loss("semantic")(outputs(8, 0), outputs(9, 0), LABELS),
            "student_width=8, teacher_width=9",
        ),
        (
            lambda: pipeline.loss("semantic", student_width=7, teacher_width=9)(outputs(8, 0), outputs(9, 0), LABELS),
            "student_width=8",
        ),
        (lambda: pipeline.loss("similarity-queue", student_width=8), "student_width=, and teacher_width="),
        (lambda: pipeline.loss("attention")(*[outputs(8, 0)["logits"]] * 2, LABELS), "has none"),
        (lambda: pipeline.loss("hinton")(torch.ones(6, 4), torch.ones(1, 4), LABELS), "teacher's logits are"),
        (lambda: pipeline.loss("hinton")(torch.ones(6, 4), torch.ones(6), LABELS), "teacher's logits are"),
        (lambda: pipeline.loss("hinton")(torch.ones(6, 4), torch.ones(6, 4), LABELS[:5]), "whose first axis is"),
        (lambda: pipeline.loss("hinton")(torch.ones(6, 4), torch.ones(6, 4), LABELS.float()), "labels are"),
        (lambda: pipeline.loss("hinton", label_smoothing=-1), "label_smoothing -1"),
        (lambda: pipeline.loss("semantic", student_width=-3), "student_width -3"),
        (lambda: pipeline.model("cnn1d", {"a": (20, 3)}, 0), "classes 0"),
        (lambda: pipeline.model("cnn1d", {"a": (20, 3)}, 3)({"b": torch.ones(2, 20, 3)}), "a: the network takes it"),
        (lambda: pipeline.loss(3), "3: there is no such name"),
        (lambda: pipeline.model("cnn", {}, 3), "cnn: .*\n.*cnn1d"),
        (lambda: pipeline.model("cnn1d", {"a": (20, 3)}, 3, widht=3), "cnn1d: .*widht"),
        (lambda: pipeline.model("resnet18", {"a:images": (3, 16, 16)}, 3), "weights: are not read here"),
    ],
)
def test_mistakes_are_told_with_the_remedy(ask: Any, what: str) -> None:
    with pytest.raises(pipeline.PipelineError, match=what):
        ask()


SHAPES = {"patches": {"a": (9, 12)}, "series": {"a:series": (40, 6)}, "images": {"a:images": (3, 32, 32)}}


@pytest.mark.parametrize("name", [name for name, each in MODELS.items() if not each.solved])
def test_every_model_can_be_built_and_trained(name: str) -> None:
    given: dict[str, Any] = {"weights": "none"} if MODELS[name].takes == "images" else {}
    if name == "gimme-signals":
        given = {"network": "resnet18", "size": 32}
    shapes = SHAPES[MODELS[name].takes]
    torch.manual_seed(0)
    model = pipeline.model(name, shapes, 4, **given)
    inputs = {each: torch.randn(6, *shape) for each, shape in shapes.items()}
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    found = []
    for _ in range(5):
        output = model(inputs)
        loss = F.cross_entropy(output["logits"], LABELS)
        found.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert output["embedding"].shape == (6, model.embedding_width)
    assert found[-1] < found[0]


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "rkd-angle"])  # which has no second derivative
def test_gradients_are_those_of_the_loss(name: str) -> None:
    student = {name: each.double() if isinstance(each, Tensor) else each for name, each in outputs(8, 0).items()}
    teacher = {name: each.double() if isinstance(each, Tensor) else each for name, each in outputs(8, 1).items()}
    loss = pipeline.loss(name, student_width=8, teacher_width=8, label_smoothing=0.1).eval()

    def of(logits: Tensor, embedding: Tensor) -> Tensor:
        found: Tensor = loss({**student, "logits": logits, "embedding": embedding}, teacher, LABELS)
        return found

    leaves = [student[each].detach().requires_grad_() for each in ("logits", "embedding")]
    assert torch.autograd.gradcheck(of, leaves)
