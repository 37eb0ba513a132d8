"""Skeleton normalisation, by what must not change its result."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.stages.encode.timelines.params import SkeletonParams
from pipeline.stages.encode.timelines.skeleton import DegenerateError, normalise

ALL = SkeletonParams(centre="first", scale="torso", orient="shoulders")


def body(seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(9, 20, 3)) + np.array([0.3, 0.1, 3.0])


def turn(joints: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return joints @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T


def test_first_centre_keeps_travel_and_frame_centre_removes_it() -> None:
    joints = body()
    first = normalise(joints, SkeletonParams(centre="first", scale="none"))
    frame = normalise(joints, SkeletonParams(centre="frame", scale="none"))
    np.testing.assert_allclose(first, joints - joints[0, 3])
    np.testing.assert_allclose(frame[:, 3], 0)
    np.testing.assert_allclose(np.diff(first[:, 3], axis=0), np.diff(joints[:, 3], axis=0))


def test_the_first_frames_torso_has_length_one() -> None:
    found = normalise(body(), SkeletonParams(centre="none", scale="torso"))
    assert np.linalg.norm(found[0, 1] - found[0, 3]) == pytest.approx(1)


@given(angle=st.floats(-3.1, 3.1), size=st.floats(0.3, 3), away=st.floats(-5, 5))
def test_place_size_and_heading_do_not_matter(angle: float, size: float, away: float) -> None:
    expected = normalise(body(), ALL)
    moved = turn(body(), angle) * size + [away, 0.5, -away]
    np.testing.assert_allclose(normalise(moved, ALL), expected, atol=1e-8)
    line = expected[0, 8] - expected[0, 4]
    assert line[0] > 0
    assert line[2] == pytest.approx(0, abs=1e-9)


def test_turning_keeps_heights_and_distances() -> None:
    joints = body()
    found = normalise(joints, SkeletonParams(centre="none", scale="none", orient="shoulders"))
    np.testing.assert_allclose(found[..., 1], joints[..., 1])
    np.testing.assert_allclose(
        np.linalg.norm(found[:, 5] - found[:, 9], axis=1), np.linalg.norm(joints[:, 5] - joints[:, 9], axis=1)
    )
    np.testing.assert_allclose(found[0, 3], joints[0, 3])


def test_a_body_without_extent_is_refused() -> None:
    with pytest.raises(DegenerateError, match="torso has no length"):
        normalise(np.zeros((3, 20, 3)), SkeletonParams())
    with pytest.raises(DegenerateError, match="no direction"):
        normalise(np.zeros((3, 20, 3)), SkeletonParams(scale="none", orient="shoulders"))
