"""Calibration by rest: 1 g where a recording is quietest, gravity along a chosen axis, nothing without rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pipeline.errors import ConfigError
from pipeline.sources.base import Modality
from pipeline.stages.encode.timelines.params import SeriesParams
from pipeline.stages.encode.timelines.rest import AXES, calibrated, turn_onto

REST = SeriesParams(calibrate="rest", rest_share=0.1)
UPRIGHT = SeriesParams(orient="z", rest_share=0.1)


def moved(gravity: Any, samples: int = 100) -> Any:
    """Shaken for as long as it is at rest, and at rest first."""
    shaking = np.random.default_rng(3).normal(0, 0.8, (samples, 3))
    shaking[: samples // 2] = 0
    return np.asarray(gravity) + shaking


@pytest.mark.parametrize(("unit", "size"), [("g", 1.0), ("m/s2", 9.80665)])
def test_a_sensor_that_reads_too_little_at_rest_reads_one_g(unit: str, size: float) -> None:
    values = 0.73 * size * moved([0.0, 0.6, 0.8])
    made = calibrated(values, [unit] * 3, REST)
    np.testing.assert_allclose(made, values / 0.73, rtol=1e-9)
    assert np.linalg.norm(made[0]) == pytest.approx(size)


def test_two_accelerometers_are_scaled_apart_and_a_gyroscope_is_not() -> None:
    first, second = 0.7 * moved([1.0, 0, 0]), 1.2 * moved([0, 0, 1.0])
    values = np.concatenate([first, np.full((100, 3), 30.0), second], axis=1)
    made = calibrated(values, ["g"] * 3 + ["deg/s"] * 3 + ["g"] * 3, REST)
    np.testing.assert_allclose(made[0], [1, 0, 0, 30, 30, 30, 0, 0, 1], atol=1e-9)


def test_gravity_lies_along_the_axis_and_the_gyroscope_turns_with_it() -> None:
    tilt = Rotation.from_euler("x", 50, degrees=True)
    force = moved([0.0, 0.0, 1.0])
    turning = np.random.default_rng(4).normal(0, 90, (100, 3))
    worn = np.concatenate([tilt.apply(force), tilt.apply(turning)], axis=1)
    made = calibrated(worn, ["g"] * 3 + ["deg/s"] * 3, UPRIGHT)
    np.testing.assert_allclose(made, np.concatenate([force, turning], axis=1), atol=1e-9)


def test_the_mean_of_the_quietest_stretch_counts_and_not_the_loudest() -> None:
    still = np.tile([0.0, 0.0, 0.5], (20, 1))
    values = np.concatenate([moved([0, 0, 2.0], 80)[40:], still, moved([0, 0, 2.0], 80)[40:]])
    assert np.linalg.norm(calibrated(values, ["g"] * 3, REST)[50]) == pytest.approx(1.0)


@pytest.mark.parametrize("values", [np.random.default_rng(1).normal(0, 2, (60, 3)), np.full((60, 3), 0.01)])
def test_without_rest_or_weight_a_recording_stays_as_it_is(values: Any) -> None:
    params = SeriesParams(calibrate="rest", orient="x")
    np.testing.assert_array_equal(calibrated(values, ["g"] * 3, params), values)


@settings(deadline=None, max_examples=60)
@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1), st.sampled_from(sorted(AXES)))
def test_a_turn_is_a_rotation_and_brings_its_vector_onto_the_axis(vector: Any, axis: str) -> None:
    direction = np.array(vector) / np.linalg.norm(vector)
    turn = turn_onto(direction, axis)
    at, sign = AXES[axis]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(turn) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(turn @ direction, sign * np.eye(3)[at], atol=5e-3)


@pytest.mark.parametrize("axis", sorted(AXES))
def test_opposite_and_equal_directions_have_a_turn_too(axis: str) -> None:
    at, sign = AXES[axis]
    for side in (1.0, -1.0):
        turn = turn_onto(side * sign * np.eye(3)[at], axis)
        np.testing.assert_allclose(turn @ (side * sign * np.eye(3)[at]), sign * np.eye(3)[at], atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)


def test_encoding_stores_what_is_calibrated(encode: Any, memory: Any) -> None:
    source = memory({("a", "wrist"): 0.7 * moved([0, 1.0, 0]), ("b", "wrist"): 1.2 * moved([1.0, 0, 0])})
    modality = Modality("series", ("wrist",), 50.0, units=("g",))
    output, _ = encode(source, modality, SeriesParams(calibrate="rest", orient="z"))
    series = output.read("series")
    np.testing.assert_allclose(series[:, 10], [[0, 0, 1], [0, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(output.read("features")[:, 0, :3], [[0, 0, 1], [0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ((), "calibrate: which channels are accelerations is not known"),
        (("deg/s",) * 3, "no channel is an acceleration"),
        (("g", "g", "deg/s"), "not the x, y and z of sensors"),
        (("g",) * 6, "6 units for 3 channels"),
    ],
)
def test_what_is_no_accelerometer_is_refused(encode: Any, memory: Any, units: tuple[str, ...], said: str) -> None:
    source = memory({("a", "wrist"): moved([0, 1.0, 0])})
    with pytest.raises(ConfigError, match=said):
        encode(source, Modality("series", ("wrist",), 50.0, units=units), SeriesParams(calibrate="rest"))


def test_which_of_two_accelerometers_turns_a_gyroscope_is_not_guessed() -> None:
    units = ["g"] * 6 + ["deg/s"] * 3
    assert SeriesParams(calibrate="rest").misfit(units) is None
    misfit = SeriesParams(orient="z").misfit(units)
    assert misfit is not None
    assert "several accelerometers" in misfit[1]


def test_windows_that_follow_a_clock_are_refused() -> None:
    with pytest.raises(ValueError, match="orient: needs align: resample, not pad"):
        SeriesParams(align="pad", keep_series=False, orient="x")
