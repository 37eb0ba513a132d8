"""Distillation losses on cases worked by hand."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.losses.attention import AttentionTransfer
from trainers.losses.params.attention import AttentionParams
from trainers.losses.params.rkd_angle import RKDAngleParams
from trainers.losses.params.rkd_distance import RKDDistanceParams
from trainers.losses.params.semantic import SemanticParams
from trainers.losses.params.similarity import SimilarityParams
from trainers.losses.params.soft_targets import HintonParams
from trainers.losses.params.vskd_dask import DASKParams
from trainers.losses.rkd_angle import RKDAngle
from trainers.losses.rkd_distance import RKDDistance
from trainers.losses.semantic import Semantic
from trainers.losses.similarity import SimilarityPreserving
from trainers.losses.soft_targets import Hinton
from trainers.losses.vskd_dask import DASK

HARD = torch.tensor(2.0)
ROOT3 = math.sqrt(3.0)

LINE = [[0.0], [1.0], [3.0]]
TRIANGLE = [[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]
EVEN = [[0.5, 0.5]]
SURE = [[0.9, 0.1]]  # at temperature 2 its odds 9 become 3: 3/4, 1/4
DIVERGENCE = 4 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5))  # T^2 x KL = 0.5232


def output(*maps: Any, embedding: Any = ((0.0,),), chances: Any = ((1.0,),)) -> ModelOutput:
    return {
        "logits": torch.tensor(chances).log(),
        "embedding": torch.tensor(embedding),
        "streams": {},
        "maps": tuple(torch.tensor(values) for values in maps),
    }


def value(loss: Any, student: ModelOutput, teacher: ModelOutput) -> float:
    made: Tensor = loss(student, teacher, HARD)
    return made.item()


def test_hinton() -> None:
    student, teacher = output(chances=EVEN), output(chances=SURE)
    made = value(Hinton(HintonParams(temperature=2), 1, 1), student, teacher)
    assert made == pytest.approx(0.1 * 2 + 0.9 * DIVERGENCE)
    made = value(Hinton(HintonParams(0.5, 1, 2, scale_by_temperature=False), 1, 1), student, teacher)
    assert made == pytest.approx(0.5 * 2 + DIVERGENCE / 4)


DEEP = [[[[ROOT3], [2.0]]]]  # squares 3, 4: attention 0.6, 0.8
WIDE = [[[[1.0, 3.0], [2.0, 2.0], [ROOT3, ROOT3], [ROOT3, ROOT3]]]]  # averages 2, root 3: attention 0.8, 0.6
TWO = [[[[2.0], [math.sqrt(5)]], [[2.0], [1.0]]]]  # two channels with mean squares 4, 3: attention 0.8, 0.6


@pytest.mark.parametrize("teacher", [WIDE, TWO])
def test_attention(teacher: Any) -> None:
    """Attention differs by 0.2 at both positions."""
    loss = AttentionTransfer(AttentionParams(), 1, 1)
    assert value(loss, output(DEEP), output(teacher)) == pytest.approx(2 + 1000 * 0.04, rel=1e-5)
    assert value(loss, output(teacher), output(DEEP)) == pytest.approx(2 + 1000 * 0.04, rel=1e-5)


def test_attention_pairs_maps_from_the_deepest_backwards() -> None:
    loss = AttentionTransfer(AttentionParams(weight=1), 1, 1)
    unmatched = [[[[5.0], [1.0], [1.0]]]]
    made = value(loss, output(unmatched, TWO, DEEP), output(TWO, WIDE))
    assert made == pytest.approx(2 + 0 + 0.04)
    assert value(loss, output(DEEP, TWO), output(WIDE, TWO)) == pytest.approx(2 + 0.04)
    assert value(loss, output(DEEP, TWO), output(TWO, DEEP)) == pytest.approx(2 + 0.04 + 0.04)


def test_attention_says_which_model_has_no_maps() -> None:
    loss = AttentionTransfer(AttentionParams(), 1, 1)
    with pytest.raises(TrainingError, match="but the teacher has none; choose another teacher or a loss on embeddings"):
        value(loss, output(DEEP), output())
    with pytest.raises(TrainingError, match="but the student has none; choose another student or a loss on embeddings"):
        value(loss, output(), output(DEEP))


def test_attention_refuses_maps_that_share_one_position() -> None:
    loss = AttentionTransfer(AttentionParams(), 1, 1)
    row = [[[[1.0, 2.0]]]]
    with pytest.raises(TrainingError, match=r"map of 2 x 1 and the teacher's of 1 x 2 share one position only"):
        value(loss, output(DEEP), output(row))


def test_similarity() -> None:
    """The student's recordings have nothing in common, the teacher's everything: rows 1, 0 and 0.7071, 0.7071."""
    loss = SimilarityPreserving(SimilarityParams(), 1, 1)
    apart, alike = [[[[2.0, 0.0]]], [[[0.0, 5.0]]]], [[[[3.0]]], [[[3.0]]]]
    expected = 2 + 3000 * (1 - math.sqrt(0.5))  # (2 (1 - 0.7071)^2 + 2 x 0.7071^2) / 4 = 0.2929
    assert value(loss, output(apart), output(alike)) == pytest.approx(expected)


def test_similarity_takes_the_deepest_map_or_else_the_embedding() -> None:
    loss = SimilarityPreserving(SimilarityParams(weight=1), 1, 1)
    apart, alike = [[[[2.0, 0.0]]], [[[0.0, 5.0]]]], [[[[3.0]]], [[[3.0]]]]
    expected = pytest.approx(2 + 1 - math.sqrt(0.5))
    assert value(loss, output(alike, apart), output(apart, alike)) == expected
    assert value(loss, output(alike, apart), output(embedding=[[3.0], [3.0]])) == expected


def test_rkd_distance() -> None:
    """Distances 1, 3, 2 over their mean are 0.5, 1.5, 1; 3, 4, 5 are 0.75, 1, 1.25."""
    loss = RKDDistance(RKDDistanceParams(), 1, 2)
    expected = 2 * (0.25**2 + 0.5**2 + 0.25**2) / 2 / 9
    assert value(loss, output(embedding=LINE), output(embedding=TRIANGLE)) == pytest.approx(2 + 25 * expected)
    far = (100 * torch.tensor(TRIANGLE) + 7).tolist()
    assert value(loss, output(embedding=LINE), output(embedding=far)) == pytest.approx(2 + 25 * expected, rel=1e-5)


def test_rkd_distance_where_recordings_coincide() -> None:
    """Zeros are left out of the mean, and differences over 1 count in proportion.

    Student: 1, 2, 15, 1, 14, 13 with mean 46/6. Teacher: 1, 1, 0, 0, 1, 1 with mean 1.
    """
    student, teacher = [[0.0], [1.0], [2.0], [15.0]], [[0.0], [1.0], [1.0], [0.0]]
    small = [6 / 46 - 1, 12 / 46 - 1, 6 / 46, 84 / 46 - 1, 78 / 46 - 1]
    expected = 2 * (sum(each**2 for each in small) / 2 + (90 / 46 - 0.5)) / 16
    made = value(RKDDistance(RKDDistanceParams(), 1, 1), output(embedding=student), output(embedding=teacher))
    assert made == pytest.approx(2 + 25 * expected)


def test_rkd_angle() -> None:
    """On a line the cosines are 1, -1, 1, in the triangle 0, 0.6, 0.8: they differ by 1, 1.6 and 0.2."""
    expected = 2 * (0.5 + (1.6 - 0.5) + 0.02) / 27
    made = value(RKDAngle(RKDAngleParams(), 1, 2), output(embedding=LINE), output(embedding=TRIANGLE))
    assert made == pytest.approx(2 + 50 * expected)


def test_semantic() -> None:
    student, teacher = output(embedding=[[1.0, 2.0], [3.0, 4.0]]), output(embedding=[[1.0, 0.0], [0.0, 4.0]])
    assert value(Semantic(SemanticParams(), 2, 2), student, teacher) == pytest.approx(2 + (4 + 9) / 4)


def onto_the_first_axis(loss: Any) -> Any:
    with torch.no_grad():
        for name, weight in loss.named_parameters():
            weight.copy_(torch.tensor([[1.0], [0.0]]) if name.endswith("weight") else torch.zeros(2))
    return loss


def test_semantic_with_a_projector() -> None:
    """The projected line is (0, 0), (1, 0), (3, 0)."""
    loss = onto_the_first_axis(Semantic(SemanticParams(weight=0.5), 1, 2))
    made = value(loss, output(embedding=LINE), output(embedding=TRIANGLE))
    assert made == pytest.approx(2 + 0.5 * (4 + 9 + 16) / 6)


def test_dask() -> None:
    loss = onto_the_first_axis(DASK(DASKParams(temperature=2), 1, 2))
    student, teacher = output(embedding=LINE, chances=EVEN * 3), output(embedding=TRIANGLE, chances=SURE * 3)
    expected = 2 + 0.01 * DIVERGENCE + 1 / 24 + 0.12 + 29 / 6
    assert value(loss, student, teacher) == pytest.approx(expected)
    for name, part in (("alpha", DIVERGENCE), ("distance", 1 / 24), ("angle", 0.12), ("semantic", 29 / 6)):
        params = dict.fromkeys(("alpha", "distance", "angle", "semantic"), 0.0) | {name: 3.0}
        loss = onto_the_first_axis(DASK(DASKParams(temperature=2, **params), 1, 2))
        assert value(loss, student, teacher) == pytest.approx(2 + 3 * part)
