"""Losses on closed forms (DMFT eq. 13-15)."""

import math

import pytest
import torch
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.losses.cross_entropy import cross_entropy
from trainers.losses.dmft_kd import DMFTKD, stream_weights
from trainers.losses.params.dmft_kd import DMFTKDParams
from trainers.losses.soft_targets import soft_divergence
from trainers.models.dmft.heads import vote

LOG3 = math.log(3.0)


def output(**streams: list[float]) -> ModelOutput:
    logits = {name.replace("_", "/"): torch.tensor([values]) for name, values in streams.items()}
    return {"logits": vote(logits.values()), "embedding": torch.zeros(1, 1), "streams": logits, "maps": ()}


def test_eq_13_and_14_by_hand() -> None:
    """Teacher 3/4, 1/4 and student 1/2, 1/2 at temperature 2."""
    teacher, student = torch.tensor([[2 * LOG3, 0.0]]), torch.tensor([[5.0, 5.0]])
    kl = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert soft_divergence(student, teacher, 2.0, scale=False).item() == pytest.approx(kl)
    assert soft_divergence(student, teacher, 2.0).item() == pytest.approx(4 * kl)


def test_a_student_that_agrees_has_no_divergence() -> None:
    logits = torch.randn(5, 7)
    assert soft_divergence(logits + 3, logits, 4.0).item() == pytest.approx(0, abs=1e-5)


def test_the_teacher_gets_no_gradient() -> None:
    teacher, student = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, requires_grad=True)
    soft_divergence(student, teacher, 2.0).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_the_gradient_keeps_its_size_whatever_the_temperature() -> None:
    """Hinton et al.: with T^2, the limit of large T is (student - teacher) / K for centred logits."""
    student = torch.tensor([[0.5, -0.5]], requires_grad=True)
    soft_divergence(student, torch.tensor([[-0.25, 0.25]]), 1000.0).backward()
    assert student.grad is not None
    torch.testing.assert_close(student.grad, torch.tensor([[0.375, -0.375]]), atol=1e-3, rtol=0)


def test_hard_loss_of_streams_is_the_sum_of_their_cross_entropies() -> None:
    made = output(a_temporal=[LOG3, 0.0], a_spatial=[0.0, 0.0])
    loss = cross_entropy(made, torch.tensor([0]), "streams")
    assert loss.item() == pytest.approx(-math.log(0.75) - math.log(0.5))


def test_joint_hard_loss_is_that_of_the_mean_probability() -> None:
    made = output(a_temporal=[LOG3, 0.0], a_spatial=[0.0, 0.0])
    assert cross_entropy(made, torch.tensor([0]), "joint").item() == pytest.approx(-math.log(0.625))


def test_label_smoothing_spreads_the_target() -> None:
    made = output(a_temporal=[LOG3, 0.0])
    expected = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    for kind in ("streams", "joint"):
        loss = cross_entropy(made, torch.tensor([0]), kind, 0.2)
        assert loss.item() == pytest.approx(expected)


def even(teacher: Tensor, student: Tensor) -> float:
    return soft_divergence(student, teacher, 4.0).item()


def test_eq_15_weighs_labels_and_streams() -> None:
    student = output(a_temporal=[1.0, 0.0], a_spatial=[0.0, 2.0])
    teacher = output(a_temporal=[3.0, 0.0], a_spatial=[0.0, 1.0], b_temporal=[9.0, 0.0])
    parts = [even(teacher["streams"][name], student["streams"][name]) for name in ("a/temporal", "a/spatial")]
    hard = torch.tensor(2.0)
    made = DMFTKD(DMFTKDParams(comparable=False), 1, 1)(student, teacher, hard)  # as it is printed
    assert made.item() == pytest.approx(0.5 * 2 + 0.25 * parts[0] + 0.25 * parts[1])
    weights = {"a/temporal": 0.1, "a/spatial": 0.3}
    made = DMFTKD(DMFTKDParams(w_cs=0.6, weights=weights, comparable=False), 1, 1)(student, teacher, hard)
    assert made.item() == pytest.approx(0.6 * 2 + 0.1 * parts[0] + 0.3 * parts[1])


def test_comparable_terms_give_each_stream_its_hard_and_its_soft_loss() -> None:
    student = output(a_temporal=[1.0, 0.0], a_spatial=[0.0, 2.0])
    teacher = output(a_temporal=[3.0, 0.0], a_spatial=[0.0, 1.0])
    labels = torch.tensor([0])
    made = DMFTKD(DMFTKDParams(w_cs=0.6), 1, 1)(student, teacher, cross_entropy(student, labels, "streams"))
    by_stream = [
        0.6 * cross_entropy({**student, "streams": {name: logits}}, labels, "streams")
        + 0.4 * even(teacher["streams"][name], logits)
        for name, logits in student["streams"].items()
    ]
    assert made.item() == pytest.approx(sum(float(each) for each in by_stream))


def test_a_fused_target_teaches_any_streams() -> None:
    student = output(a_temporal=[1.0, 0.0])
    teacher = output(b_temporal=[3.0, 0.0], c_temporal=[0.0, 1.0])
    made = DMFTKD(DMFTKDParams(target="fused", w_cs=0.5), 1, 1)(student, teacher, torch.tensor(0.0))
    assert made.item() == pytest.approx(0.5 * even(teacher["logits"], student["streams"]["a/temporal"]))
    with pytest.raises(TrainingError, match=r"no a/temporal \(it has b/temporal, c/temporal\); set target: fused"):
        DMFTKD(DMFTKDParams(), 1, 1)(student, teacher, torch.tensor(0.0))


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"x": 0.5}, "one for each of the student's streams"), ({"a/t": 0.1, "a/s": 0.1}, "add up to 0.2")],
)
def test_weights_must_fit(weights: dict[str, float], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        stream_weights(DMFTKDParams(weights=weights), ["a/t", "a/s"])
