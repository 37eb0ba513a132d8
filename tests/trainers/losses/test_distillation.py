"""What every distillation loss promises, whatever it compares."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline.registry import import_object
from trainers.data.batch import Batch, ModelOutput
from trainers.fit.tasks.distil import DistilTask
from trainers.losses.params.semantic import SemanticParams
from trainers.losses.params.vskd_dask import DASKParams
from trainers.losses.params.weighted import WeightedParams
from trainers.losses.registry import LOSSES
from trainers.losses.rkd_angle import RKDAngle
from trainers.losses.semantic import Semantic
from trainers.losses.vskd_dask import DASK

NAMES = sorted(LOSSES)
HARD = torch.tensor(1.5)
Make = Callable[..., Tensor]


def outputs(batch: int, width: int, seed: int, make: Make = torch.randn, dtype: Any = torch.float32) -> ModelOutput:
    """Two streams, two maps, four classes, all leaves that want a gradient."""
    generator = torch.Generator().manual_seed(seed)

    def leaf(*shape: int) -> Tensor:
        return make(*shape, generator=generator).to(dtype).requires_grad_()

    streams = {"a/temporal": leaf(batch, 4), "a/spatial": leaf(batch, 4)}
    maps = (leaf(batch, width, 6, 4), leaf(batch, 2, 3, 2))
    return {"logits": leaf(batch, 4), "embedding": leaf(batch, width), "streams": streams, "maps": maps}


def leaves(output: ModelOutput) -> list[Tensor]:
    return [output["logits"], output["embedding"], *output["streams"].values(), *output["maps"]]


def with_leaves(output: ModelOutput, new: list[Tensor]) -> ModelOutput:
    logits, embedding, *others = new
    count = len(output["streams"])
    streams = dict(zip(output["streams"], others[:count], strict=True))
    return {"logits": logits, "embedding": embedding, "streams": streams, "maps": tuple(others[count:])}


def converted(output: ModelOutput, dtype: torch.dtype) -> ModelOutput:
    return with_leaves(output, [leaf.detach().to(dtype).requires_grad_() for leaf in leaves(output)])


def loss_of(name: str, student: int = 3, teacher: int = 5, **params: Any) -> Any:
    torch.manual_seed(0)
    return import_object(LOSSES[name].build)(import_object(LOSSES[name].params)(**params), student, teacher)


def gradients(output: ModelOutput) -> list[Tensor]:
    return [leaf.grad for leaf in leaves(output) if leaf.grad is not None]


@pytest.mark.parametrize("name", NAMES)
def test_a_module_with_defaults_that_gives_one_number(name: str) -> None:
    loss = loss_of(name)
    assert isinstance(loss, nn.Module)
    made = loss(outputs(4, 3, 0), outputs(4, 5, 1), HARD)
    assert made.shape == ()
    assert made.dtype == torch.float32
    assert made.isfinite()


@pytest.mark.parametrize("name", NAMES)
def test_the_student_gets_a_gradient_and_the_teacher_none(name: str) -> None:
    student, teacher, hard = outputs(4, 3, 0), outputs(4, 5, 1), HARD.clone().requires_grad_()
    loss_of(name)(student, teacher, hard).backward()
    assert any(gradient.abs().sum() > 0 for gradient in gradients(student))
    assert not gradients(teacher)
    assert hard.grad is not None


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_slopes(name: str) -> None:
    is_weighted = issubclass(import_object(LOSSES[name].params), WeightedParams)
    weights = {"hard": 0.5, "weight": 1.0} if is_weighted else {}  # 1: the default may be too large to be exact
    loss = loss_of(name, **weights).double().eval()  # a queue that moved on would give another value
    student, teacher = outputs(4, 3, 0, dtype=torch.float64), outputs(4, 5, 1, dtype=torch.float64)

    def value(*new: Tensor) -> Tensor:
        made: Tensor = loss(with_leaves(student, list(new)), teacher, HARD.double())
        return made

    assert torch.autograd.gradcheck(value, leaves(student))


@pytest.mark.parametrize("name", ["semantic", "dask", "similarity-queue"])
def test_the_projectors_gradients_are_the_slopes(name: str) -> None:
    loss = loss_of(name).double().eval()
    student, teacher = outputs(4, 3, 0, dtype=torch.float64), outputs(4, 5, 1, dtype=torch.float64)
    weights = dict(loss.named_parameters())
    assert {weight.shape for weight in weights.values()} == {(5, 3), (5,)}

    def value(*new: Tensor) -> Tensor:
        named = dict(zip(weights, new, strict=True))
        made: Tensor = torch.func.functional_call(loss, named, (student, teacher, HARD.double()))
        return made

    assert torch.autograd.gradcheck(value, tuple(weights.values()))


def constant(*shape: int, generator: torch.Generator) -> Tensor:
    return torch.full(shape, 2.0)


def zero(*shape: int, generator: torch.Generator) -> Tensor:
    return torch.zeros(shape)


def alike(*shape: int, generator: torch.Generator) -> Tensor:
    return torch.randn(1, *shape[1:], generator=generator).expand(shape).contiguous()


def twins(*shape: int, generator: torch.Generator) -> Tensor:
    """The first two recordings coincide, where there are two."""
    made = torch.randn(shape, generator=generator)
    made[:2] = made[0].clone()
    return made


KINDS = [torch.randn, constant, zero, alike, twins]


@pytest.mark.parametrize("batch", [1, 2, 4])
@pytest.mark.parametrize("teacher", KINDS)
@pytest.mark.parametrize("student", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_degenerate_batches_give_tame_gradients(name: str, student: Make, teacher: Make, batch: int) -> None:
    """A batch of one, recordings that coincide, activations that are constant or zero."""
    mine, told = outputs(batch, 3, 0, student), outputs(batch, 5, 1, teacher)
    loss = loss_of(name)
    made = loss(mine, told, HARD)
    made.backward()
    assert made.isfinite()
    weight = getattr(loss.params, "weight", 1.0) / getattr(loss.params, "student_temperature", 1.0)
    for gradient in gradients(mine):
        assert gradient.isfinite().all()
        assert gradient.abs().max() <= 10 * max(weight, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_student_that_equals_its_teacher_pays_the_hard_loss_only(name: str) -> None:
    even = {"student_temperature": 0.1} if name == "similarity-queue" else {}  # by default sharper than the teacher's
    same, loss = outputs(4, 3, 0), loss_of(name, 3, 3, **even)
    share = getattr(loss.params, "hard", getattr(loss.params, "w_cs", 1.0))  # as the paper of the latter calls it
    assert loss(same, same, HARD).item() == pytest.approx(share * HARD.item(), abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_autocast_changes_nothing(name: str) -> None:
    """Also what the models gave in half precision is compared in full."""
    half = converted(outputs(4, 3, 0), torch.bfloat16), converted(outputs(4, 5, 1), torch.bfloat16)
    whole = converted(half[0], torch.float32), converted(half[1], torch.float32)
    loss = loss_of(name).eval()
    expected = loss(*whole, HARD)
    expected.backward()
    with torch.autocast("cpu", torch.bfloat16):
        made = [loss(*whole, HARD), loss(*half, HARD)]
    assert [each.dtype for each in made] == [torch.float32] * 2
    assert [each.item() for each in made] == [expected.item()] * 2
    made[1].backward()
    for gradient, exact in zip(gradients(half[0]), gradients(whole[0]), strict=True):
        torch.testing.assert_close(gradient.float(), exact, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("off", ["alpha", "distance", "angle", "semantic"])
def test_dask_without_a_part_is_the_sum_of_the_others(off: str) -> None:
    student, teacher = outputs(6, 3, 0), outputs(6, 3, 1)
    weights = {"alpha": 0.5, "distance": 2.0, "angle": 3.0, "semantic": 4.0}
    alone = {
        "alpha": loss_of("hinton", 3, 3, hard=0, weight=0.5),
        "distance": loss_of("rkd-distance", 3, 3, hard=0, weight=2),
        "angle": loss_of("rkd-angle", 3, 3, hard=0, weight=3),
        "semantic": loss_of("semantic", 3, 3, hard=0, weight=4),
    }
    parts = [loss(student, teacher, HARD) for name, loss in alone.items() if name != off]
    made = DASK(DASKParams(**(weights | {off: 0.0})), 3, 3)(student, teacher, HARD)
    torch.testing.assert_close(made, HARD + torch.stack(parts).sum())


def test_dask_does_not_compute_what_weighs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(RKDAngle, "soft_loss", called)
    DASK(DASKParams(angle=0), 3, 5)(outputs(4, 3, 0), outputs(4, 5, 1), HARD)
    assert not list(DASK(DASKParams(semantic=0), 3, 5).parameters())


def test_there_is_a_projector_only_where_widths_differ() -> None:
    assert not list(Semantic(SemanticParams(), 3, 3).parameters())
    assert len(list(Semantic(SemanticParams(), 3, 5).parameters())) == 2


class Fixed(nn.Module):
    """A model that gives the same outputs whatever it sees."""

    def __init__(self, output: ModelOutput) -> None:
        super().__init__()
        self.output = output

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> ModelOutput:
        return self.output


def test_a_task_trains_the_projector() -> None:
    student, teacher = outputs(4, 3, 0), outputs(4, 5, 1)
    task = DistilTask(Fixed(student), Fixed(teacher), Semantic(SemanticParams(), 3, 5), loss="joint")
    batch: Batch = {"inputs": {}, "valid": {}, "labels": torch.tensor([0, 1, 2, 3])}
    task(batch)["loss"].backward()
    grads = {name: weight.grad for name, weight in task.named_parameters()}
    assert set(grads) == {"distillation.projector.weight", "distillation.projector.bias"}
    assert all(gradient is not None and gradient.any() for gradient in grads.values())
