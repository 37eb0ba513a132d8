"""Distillation losses against explicit loops over plain numbers."""

import itertools
import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainers.losses.attention import difference
from trainers.losses.params.rkd_distance import RKDDistanceParams
from trainers.losses.rkd_angle import angle_difference
from trainers.losses.rkd_distance import RKDDistance
from trainers.losses.similarity import similarity

Vector = Sequence[float]
CLOSE = {"rel": 1e-9, "abs": 1e-12}


def length(vector: Vector) -> float:
    return math.sqrt(sum(value**2 for value in vector))


def unit(vector: Vector) -> Vector:
    return [value / length(vector) for value in vector] if length(vector) else vector


def dot(first: Vector, second: Vector) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


def minus(first: Vector, second: Vector) -> Vector:
    return [a - b for a, b in zip(first, second, strict=True)]


def huber(difference: float) -> float:
    return difference**2 / 2 if abs(difference) < 1 else abs(difference) - 0.5


@st.composite
def embeddings(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Of student and teacher; few distinct numbers, so that some recordings coincide."""
    batch, numbers = draw(st.integers(1, 5)), st.sampled_from([-2.0, 0.0, 0.5, 7.0])
    made = [
        torch.tensor(draw(st.lists(numbers, min_size=batch * width, max_size=batch * width)), dtype=torch.float64)
        for width in (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    ]
    student, teacher = (values.reshape(batch, -1) for values in made)
    return student, teacher


def ratios(points: Sequence[Vector]) -> list[float]:
    found = [length(minus(a, b)) for a, b in itertools.product(points, repeat=2)]
    positive = [each for each in found if each > 0]
    return [each / (sum(positive) / len(positive)) for each in found] if positive else found


@settings(deadline=None)
@given(embeddings())
def test_distances(pair: tuple[Tensor, Tensor]) -> None:
    student, teacher = pair
    both = zip(ratios(student.tolist()), ratios(teacher.tolist()), strict=True)
    expected = sum(huber(a - b) for a, b in both) / len(student) ** 2
    outputs = [{"logits": each, "embedding": each, "streams": {}, "maps": ()} for each in pair]
    loss = RKDDistance(RKDDistanceParams(weight=1), 1, 1)(*outputs, torch.tensor(0.0))
    assert loss.item() == pytest.approx(expected, **CLOSE)


def angles(points: Sequence[Vector]) -> list[float]:
    return [
        dot(unit(minus(points[i], points[j])), unit(minus(points[k], points[j])))
        for i, j, k in itertools.product(range(len(points)), repeat=3)
    ]


@settings(deadline=None)
@given(embeddings(), st.sampled_from([1, 20, 10**6]))
def test_angles(pair: tuple[Tensor, Tensor], values: int) -> None:
    student, teacher = pair
    both = zip(angles(student.tolist()), angles(teacher.tolist()), strict=True)
    expected = sum(huber(a - b) for a, b in both) / len(student) ** 3
    assert angle_difference(student, teacher, values).item() == pytest.approx(expected, **CLOSE)


@settings(deadline=None)
@given(embeddings())
def test_similarities(pair: tuple[Tensor, Tensor]) -> None:
    points, _ = pair
    expected = [unit([dot(a, b) for b in points.tolist()]) for a in points.tolist()]
    torch.testing.assert_close(similarity(points), torch.tensor(expected, dtype=torch.float64))


def spread(size: int, parts: int, part: int) -> range:
    """Rows of adaptive pooling: part i covers floor(i n / m) to ceil((i + 1) n / m)."""
    return range(part * size // parts, -(-(part + 1) * size // parts))


def attention(maps: Tensor, height: int, width: int) -> list[Vector]:
    """Positions' mean squares over channels of averaged maps, at length one, by recording."""
    rows, columns = maps.shape[2:]
    found = []
    for recording in maps.tolist():
        energy = []
        for y, x in itertools.product(range(height), range(width)):
            cells = list(itertools.product(spread(rows, height, y), spread(columns, width, x)))
            means = [sum(channel[i][j] for i, j in cells) / len(cells) for channel in recording]
            energy.append(sum(mean**2 for mean in means) / len(means))
        found.append(unit(energy))
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3), st.tuples(*[st.integers(1, 3)] * 2), st.tuples(*[st.integers(2, 7)] * 4), st.integers(0, 2**32)
)
def test_attention(batch: int, channels: tuple[int, int], size: tuple[int, int, int, int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(batch, channels[0], size[0], size[1]), (batch, channels[1], size[2], size[3])]
    student, teacher = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    height, width = min(size[0], size[2]), min(size[1], size[3])
    both = zip(attention(student, height, width), attention(teacher, height, width), strict=True)
    squares = [(a - b) ** 2 for mine, told in both for a, b in zip(mine, told, strict=True)]
    assert difference(student, teacher).item() == pytest.approx(sum(squares) / len(squares), **CLOSE)
