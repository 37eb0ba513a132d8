"""Losses on z-scores, correlations and a queue of similarities: cases worked by hand, and NumPy as the judge."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.losses.dist import DIST
from trainers.losses.params.dist import DISTParams
from trainers.losses.params.similarity_queue import SimilarityQueueParams
from trainers.losses.params.soft_targets import HintonParams
from trainers.losses.similarity_queue import SimilarityQueue
from trainers.losses.soft_targets import Hinton
from trainers.losses.z_scores import correlations, z_scores

HARD = torch.tensor(2.0)


def output(logits: Any = ((0.0,),), embedding: Any = ((0.0,),)) -> ModelOutput:
    return {"logits": torch.tensor(logits), "embedding": torch.tensor(embedding), "streams": {}, "maps": ()}


def value(loss: Any, student: ModelOutput, teacher: ModelOutput) -> float:
    made: Tensor = loss(student, teacher, HARD)
    return made.item()


def test_z_scores() -> None:
    """Mean 1, deviation root of 2; of the first three, mean 2 and root of 2/3."""
    made = z_scores(torch.tensor([[0.0, 0.0, 3.0], [7.0, 7.0, 7.0]]))
    torch.testing.assert_close(made, torch.tensor([[-math.sqrt(0.5), -math.sqrt(0.5), math.sqrt(2)], [0.0, 0.0, 0.0]]))
    some = z_scores(torch.tensor([1.0, 2.0, 3.0, 99.0]), torch.tensor([True, True, True, False]))
    torch.testing.assert_close(some[:3], torch.tensor([-math.sqrt(1.5), 0.0, math.sqrt(1.5)]))


@pytest.mark.parametrize("level", [0.1, 1e-3, 1e4, 0.0])
def test_rows_that_differ_by_rounding_alone_have_no_spread_and_no_gradient(level: float) -> None:
    rows = torch.full((1, 27), level) * (1 + 1e-7 * torch.arange(27))
    rows.requires_grad_()
    made = z_scores(rows)
    made.square().sum().backward()
    assert not made.any()
    assert rows.grad is not None
    assert not rows.grad.any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8), st.floats(0.01, 1000))
def test_correlations_are_numpys(seed: int, size: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    rows, others = draw.normal(size=(2, 3, size)) * [[[scale]], [[1]]] + draw.normal()
    among = draw.random(size) < 0.7
    made = correlations(torch.tensor(rows), torch.tensor(others))
    np.testing.assert_allclose(made, [np.corrcoef(*pair)[0, 1] for pair in zip(rows, others, strict=True)], rtol=1e-6)
    if among.sum() > 1:
        some = correlations(torch.tensor(rows), torch.tensor(others), torch.tensor(among))
        expected = [np.corrcoef(one[among], other[among])[0, 1] for one, other in zip(rows, others, strict=True)]
        np.testing.assert_allclose(some, expected, rtol=1e-6)


def test_standardised_soft_targets_leave_scale_and_shift_to_the_student() -> None:
    teacher = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    student = (30 * teacher - 4).tolist()
    standardised = Hinton(HintonParams(standardise=True), 1, 1)
    assert value(standardised, output(student), output(teacher.tolist())) == pytest.approx(0.2, abs=1e-5)
    assert value(Hinton(HintonParams(), 1, 1), output(student), output(teacher.tolist())) > 1


def test_standardised_soft_targets_by_hand() -> None:
    """Scores root of 2, and twice minus its half; one class up in the student, another in the teacher."""
    made = value(
        Hinton(HintonParams(temperature=2, standardise=True), 1, 1), output([[0.0, 0, 3]]), output([[9.0, 0, 0]])
    )
    up, down = math.exp(math.sqrt(2) / 2), math.exp(-math.sqrt(0.5) / 2)
    divergence = (up - down) / (up + 2 * down) * (math.sqrt(2) + math.sqrt(0.5)) / 2
    assert made == pytest.approx(0.1 * 2 + 0.9 * 4 * divergence, rel=1e-5)


ONE, OTHER = [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]


def test_dist_by_hand() -> None:
    """Recordings correlate by -13/14; classes by -1, not at all (one probability for both) and -1."""
    made = value(DIST(DISTParams(beta=3, gamma=5), 1, 1), output(np.log(ONE).tolist()), output(np.log(OTHER).tolist()))
    assert made == pytest.approx(2 + 3 * (1 + 13 / 14) + 5 * (1 + 2 / 3), rel=1e-5)


def test_dist_at_a_temperature() -> None:
    """Squares at temperature 2: the very case above, times four."""
    student, teacher = (output((2 * np.log(each)).tolist()) for each in (ONE, OTHER))
    made = value(DIST(DISTParams(hard=0.5, gamma=0, temperature=2), 1, 1), student, teacher)
    assert made == pytest.approx(0.5 * 2 + 4 * (1 + 13 / 14), rel=1e-5)


def queue(size: int, temperature: float = 1.0) -> SimilarityQueue:
    return SimilarityQueue(SimilarityQueueParams(1, 1, size, temperature, temperature), 2, 2)


X, Y = [3.0, 0.0], [0.0, 5.0]  # lengths do not matter
HIGH = math.e / (1 + math.e)


def test_a_recording_is_compared_with_batches_before_and_with_its_own() -> None:
    loss = queue(4)
    assert value(loss, output(embedding=[Y]), output(embedding=[X])) == pytest.approx(2)  # there is X alone
    made = value(loss, output(embedding=[X]), output(embedding=[Y]))  # X and Y: the teacher (0, 1), the student (1, 0)
    assert made == pytest.approx(2 + HIGH - (1 - HIGH))
    shares = [each / (2 * math.e + 1) for each in (1, math.e)]  # X, Y, Y
    made = value(loss, output(embedding=[X]), output(embedding=[Y]))
    own = [each / (math.e + 2) for each in (math.e, 1)]
    expected = shares[0] * math.log(shares[0] / own[0]) + 2 * shares[1] * math.log(shares[1] / own[1])
    assert made == pytest.approx(2 + expected)


def test_the_oldest_leave_the_queue_first() -> None:
    """With one place, Y has taken that of X: all that is there is Y."""
    loss = queue(1)
    for told in ([X], [X, Y]):
        loss(output(embedding=told), output(embedding=told), HARD)
    assert loss.queue.tolist() == [[0.0, 1.0]]
    assert value(loss, output(embedding=[X]), output(embedding=[Y])) == pytest.approx(2)


def test_evaluation_leaves_the_queue_as_it_is() -> None:
    loss = queue(4)
    loss(output(embedding=[X]), output(embedding=[X]), HARD)
    before = {name: tensor.clone() for name, tensor in loss.state_dict().items()}
    loss.eval()
    loss(output(embedding=[Y, Y]), output(embedding=[Y, Y]), HARD)
    assert all(torch.equal(tensor, before[name]) for name, tensor in loss.state_dict().items())


def test_the_two_temperatures() -> None:
    """At temperature 1/2 the student's cosine of 1 counts as 2."""
    loss = SimilarityQueue(SimilarityQueueParams(0, 1, 4, student_temperature=0.5, teacher_temperature=1), 2, 2)
    loss(output(embedding=[X]), output(embedding=[X]), HARD)
    made = value(loss, output(embedding=[X]), output(embedding=[Y]))
    sharp = math.exp(2) / (1 + math.exp(2))
    expected = (1 - HIGH) * math.log((1 - HIGH) / sharp) + HIGH * math.log(HIGH / (1 - sharp))
    assert made == pytest.approx(expected)


def test_a_linear_layer_between_embeddings_of_other_widths() -> None:
    loss = SimilarityQueue(SimilarityQueueParams(), 1, 2)
    assert isinstance(loss.projector, nn.Linear)
    assert loss.projector.weight.shape == (2, 1)
    assert not list(queue(3).parameters())
