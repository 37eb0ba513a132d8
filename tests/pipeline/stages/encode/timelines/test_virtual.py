"""A virtual sensor measures what mechanics says: gravity at rest, r w^2 on a circle, how fast a bone turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pipeline.errors import ConfigError
from pipeline.sources.base import Modality, Series
from pipeline.stages.encode.timelines.params import SeriesParams
from pipeline.stages.encode.timelines.virtual import bone_frames, virtual_series
from pipeline.stages.encode.timelines.virtual_params import Place, VirtualParams, virtual_misfit

G = 9.80665
UNITS = ["g"] * 3 + ["deg/s"] * 3
ARM = Place((0, 1, 2))
BENT = np.array([[0.0, 1.4, 0.0], [0.0, 1.1, 0.0], [0.25, 1.1, 0.0]])  # shoulder, elbow, wrist: bent by a right angle


def still(joints: Any = BENT, frames: int = 60) -> Series:
    return Series(np.repeat(np.asarray(joints)[None], frames, axis=0))


def circling(radius: float, turns: float, rate: float, axis: str, frames: int = 120) -> Series:
    """A forearm that turns about its elbow with the upper arm fixed to it, `turns` a second, about an axis."""
    angles = 2 * np.pi * turns * np.arange(frames) / rate
    arm = np.array([[0.0, 0.0, 0.3], [0.0, 0.0, 0.0], [radius, 0.0, 0.0]])
    if axis == "z":
        arm[0] = [0.0, 0.3, 0.0]
    turned = [Rotation.from_euler(axis, angle).apply(arm) for angle in angles]
    return Series(np.stack(turned))


@pytest.mark.parametrize(("unit", "size"), [("g", 1.0), ("m/s2", G)])
@pytest.mark.parametrize("at", [0.0, 0.4, 1.0])
def test_a_sensor_at_rest_measures_gravity_upwards(unit: str, size: float, at: float) -> None:
    made = virtual_series(still(), Place((0, 1, 2), at), 0.3, (30.0, 50.0), [unit] * 3)
    assert made is not None
    np.testing.assert_allclose(np.linalg.norm(made.values, axis=1), size, rtol=1e-6)
    frames = bone_frames(still().values, 9)
    assert frames is not None
    np.testing.assert_allclose(made.values[0], size * frames[0].T @ [0, 1, 0], atol=1e-6)


def test_a_hanging_arm_measures_gravity_along_its_bone() -> None:
    hanging = [[0.0, 1.4, -0.3], [0.0, 1.4, 0.0], [0.0, 1.1, 0.0]]
    made = virtual_series(still(hanging), ARM, 0.3, (30.0, 50.0), UNITS)
    assert made is not None
    np.testing.assert_allclose(made.values, np.tile([-1.0, 0, 0, 0, 0, 0], (len(made.values), 1)), atol=1e-6)


def test_a_wrist_on_a_level_circle_feels_the_pull_inwards_and_gravity() -> None:
    radius, turns = 0.25, 0.5
    made = virtual_series(circling(radius, turns, 100.0, "y"), ARM, 0.1, (100.0, 50.0), UNITS)
    assert made is not None
    inner = made.values[10:-10]
    pull = radius * (2 * np.pi * turns) ** 2 / G
    np.testing.assert_allclose(inner[:, 0], -pull, rtol=5e-3)  # along the bone, towards the elbow
    np.testing.assert_allclose(np.linalg.norm(inner[:, :3], axis=1), np.hypot(1, pull), rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(inner[:, 3:], axis=1), 360 * turns, rtol=5e-3)


def test_a_wrist_on_an_upright_circle_feels_gravity_come_and_go() -> None:
    radius, turns = 0.25, 0.5
    made = virtual_series(circling(radius, turns, 100.0, "z"), ARM, 0.1, (100.0, 100.0), UNITS)
    assert made is not None
    assert made.times is not None
    pull = radius * (2 * np.pi * turns) ** 2 / G
    expected = -pull + np.sin(2 * np.pi * turns * made.times)  # the bone points up after a quarter of a turn
    np.testing.assert_allclose(made.values[10:-10, 0], expected[10:-10], atol=5e-3)
    np.testing.assert_allclose(np.abs(made.values[10:-10, 5]), 360 * turns, rtol=5e-3)  # in the plane of the limb


def test_twice_the_frames_a_second_are_four_times_the_acceleration() -> None:
    slow = virtual_series(circling(0.25, 0.5, 50.0, "y"), ARM, 0.2, (50.0, 50.0), UNITS)
    fast = virtual_series(circling(0.25, 0.5, 50.0, "y"), ARM, 0.1, (100.0, 50.0), UNITS)
    assert slow is not None
    assert fast is not None
    assert fast.values[20, 0] / slow.values[20, 0] == pytest.approx(4, rel=1e-2)
    assert len(fast.values) == pytest.approx(len(slow.values) / 2, abs=1)


def test_times_of_frames_count_where_there_are_some() -> None:
    even = circling(0.25, 0.5, 100.0, "y", 200)
    kept = np.sort(np.random.default_rng(2).permutation(200)[:170])
    kept[0] = 0
    uneven = Series(even.values[kept], 7.0 + kept / 100)
    made = virtual_series(uneven, ARM, 0.15, (60.0, 50.0), UNITS)
    assert made is not None
    pull = 0.25 * np.pi**2 / G
    assert np.median(made.values[10:-10, 0]) == pytest.approx(-pull, rel=0.02)


def test_a_limb_that_is_stretched_for_a_while_keeps_its_plane() -> None:
    bends = np.concatenate([np.full(30, 60.0), np.linspace(60, 0, 30), np.zeros(30), np.linspace(0, 60, 30)])
    lower = np.stack([np.sin(np.radians(bends)), -np.cos(np.radians(bends)), np.zeros(120)], axis=1)
    lower[60:90, 2] += np.random.default_rng(1).normal(0, 1e-3, 30)  # noise alone says where a straight arm bends
    joints = np.stack([np.tile([0, 0.3, 0], (120, 1)), np.zeros((120, 3)), 0.25 * lower], axis=1)
    frames = bone_frames(joints, 5)
    assert frames is not None
    np.testing.assert_allclose(np.abs(frames[:, 2, 2]), 1, atol=2e-3)
    np.testing.assert_allclose(frames @ frames.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (120, 3, 3)), atol=1e-9)
    assert np.linalg.det(frames) == pytest.approx(np.ones(120))


@pytest.mark.parametrize("joints", [[[0, 1.4, 0], [0, 1.1, 0], [0, 0.8, 0]], [[0, 1.4, 0], [0, 1.1, 0], [0, 1.1, 0]]])
def test_a_limb_without_bend_or_length_has_no_frame(joints: Any) -> None:
    assert virtual_series(still(joints), ARM, 0.3, (30.0, 50.0), UNITS) is None


def test_what_is_shorter_than_the_filter_has_none() -> None:
    assert virtual_series(still(frames=8), ARM, 0.3, (30.0, 50.0), UNITS) is None
    assert virtual_series(still(frames=9), ARM, 0.3, (30.0, 50.0), UNITS) is not None


def test_encoding_makes_the_real_sensors_shape_and_leaves_out_what_has_none(encode: Any, memory: Any) -> None:
    source = memory({("a", "body"): still().values, ("b", "body"): still(frames=4).values})
    params = SeriesParams(virtual=VirtualParams(skeleton="body", joints=(0, 1, 2), rate=30.0))
    output, _ = encode(source, Modality("series", ("body",), 50.0, units=tuple(UNITS)), params)
    series = output.read("series")
    assert series.shape == (2, 189, 6)
    assert output.read("valid").any(1).tolist() == [True, False]
    np.testing.assert_allclose(np.linalg.norm(series[0, :, :3], axis=1), 1, atol=1e-5)
    assert not series[1].any()


def test_a_class_may_have_its_sensor_elsewhere_or_none(encode: Any, memory: Any) -> None:
    joints = np.concatenate(
        [still().values, still(BENT @ Rotation.from_euler("z", 90, degrees=True).as_matrix()).values], 1
    )
    source = memory({("a", "body"): joints})  # of the class wave
    modality = Modality("series", ("body",), 50.0, units=("g",) * 3)

    numbers = iter(range(4))

    def made(classes: dict[str, Place | None], joints: Any = (0, 1, 2)) -> Any:
        params = VirtualParams(skeleton="body", joints=joints, rate=30.0, classes=classes)
        return encode(source, modality, SeriesParams(virtual=params), key=str(next(numbers)) * 64)[0]

    elsewhere = made({"wave": Place((3, 4, 5))}).read("series")
    np.testing.assert_array_equal(elsewhere, made({}, (3, 4, 5)).read("series"))
    assert not np.allclose(elsewhere, made({"clap": Place((3, 4, 5))}).read("series"))
    assert not made({"wave": None}).read("valid").any()


def test_a_joint_that_is_not_there_is_refused(encode: Any, memory: Any) -> None:
    source = memory({("a", "body"): still().values})
    params = SeriesParams(virtual=VirtualParams(skeleton="body", joints=(0, 1, 7), rate=30.0))
    with pytest.raises(ConfigError, match="virtual: joints: 7 is not among the source's 3 joints"):
        encode(source, Modality("series", ("body",), 50.0, units=("g",) * 3), params)


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ((), "units are not known"),
        (("uT",) * 3, "nothing of channels in uT"),
        (("g",) * 6, "more than one sensor"),
        (("g",) * 4, "not the x, y and z"),
    ],
)
def test_what_no_virtual_sensor_measures(units: tuple[str, ...], said: str) -> None:
    assert said in virtual_misfit(units)
    assert virtual_misfit(UNITS) == virtual_misfit(["g"]) == ""
