"""Series and skeletons end to end: what is stored is what the parameters say."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import ConfigError, StepError
from pipeline.sources.base import Modality, Series
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams
from trainers.data.patches import derive_velocities, patches

INERTIAL = Modality("series", ("inertial",), 50.0)
SKELETON = Modality("skeleton", ("skeleton",), 30.0)


def random_series(count: int, tail: tuple[int, ...] = (6,), stream: str = "inertial") -> dict[Any, Any]:
    random = np.random.default_rng(7)
    return {(f"r{n:03}", stream): random.normal(size=(int(random.integers(40, 200)), *tail)) for n in range(count)}


@pytest.mark.parametrize("reduce", ["mean", "mean-std", "flatten"])
def test_patches_are_those_of_the_stored_series(encode: Any, memory: Any, reduce: Any) -> None:
    params = SeriesParams(window=6, stride=4, patches=5, reduce=reduce)
    output, _ = encode(memory(random_series(70)), INERTIAL, params)
    series = torch.from_numpy(output.read("series"))
    expected = patches(series, torch.arange(5) * 4, 6, reduce)
    assert series.shape == (70, 22, 6)
    np.testing.assert_allclose(output.read("features"), expected.numpy(), rtol=1e-6, atol=1e-6)
    assert output.read("valid").all()


def test_skeleton_velocities_come_after_positions_and_are_not_in_the_series(encode: Any, memory: Any) -> None:
    source = memory(random_series(5, (20, 3), "skeleton"))
    output, _ = encode(source, SKELETON, SkeletonParams())
    series = torch.from_numpy(output.read("series"))
    assert series.shape == (5, 63, 60)
    assert output.read("features").shape == (5, 20, 120)
    expected = patches(derive_velocities(series), torch.arange(20) * 3, 6, "mean")
    np.testing.assert_allclose(output.read("features"), expected.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(series[:, 0, 9:12], 0, atol=1e-7)
    assert output.attributes["velocities"] is True
    assert output.attributes["length"] == 63


CHAIN = (1, 1, 1)  # of three joints two hang on the one in the middle


def test_bones_come_after_positions_and_are_not_in_the_series(encode: Any, memory: Any) -> None:
    source = memory(random_series(5, (3, 3), "skeleton"))
    params = SkeletonParams(bones=True, parents=CHAIN, hip_centre=0, shoulder_centre=1)
    output, _ = encode(source, SKELETON, params)
    series = output.read("series")
    assert series.shape == (5, 63, 9)
    joints = series.reshape(5, 63, 3, 3)
    lines = np.concatenate([joints[:, :, 0] - joints[:, :, 1], joints[:, :, 2] - joints[:, :, 1]], axis=2)
    whole = np.concatenate([series, lines], axis=2)
    whole = np.concatenate([whole, np.diff(whole, axis=1, prepend=whole[:, :1])], axis=2)
    expected = np.stack([whole[:, start : start + 6].mean(1) for start in range(0, 60, 3)], axis=1)
    np.testing.assert_allclose(output.read("features"), expected, rtol=1e-4, atol=1e-5)
    assert output.attributes["parents"] == [1, 1, 1]


def test_bones_are_as_long_wherever_a_body_stands_and_are_scaled_with_it(encode: Any, memory: Any) -> None:
    still = np.array([[0.0, 2, 0], [0, 0, 0], [1, 0, 0]])  # its torso is 2 long
    source = memory({("r", "skeleton"): still + np.linspace(0, 9, 50)[:, None, None]})
    found = {}
    for number, (centre, scale) in enumerate([("none", "none"), ("first", "none"), ("frame", "torso")]):
        params = SkeletonParams(bones=True, parents=CHAIN, hip_centre=1, shoulder_centre=0, velocities=False,
                                centre=centre, scale=scale)  # fmt: skip
        output, _ = encode(source, SKELETON, params, key=str(number) * 64)
        found[centre] = output.read("features")[0, :, 9:]
    np.testing.assert_allclose(found["none"], np.tile([0, 2, 0, 1, 0, 0], (20, 1)), atol=1e-5)
    np.testing.assert_allclose(found["first"], found["none"], atol=1e-5)
    np.testing.assert_allclose(found["frame"], found["none"] / 2, atol=1e-5)


def test_each_stream_has_bones_of_its_own_joints(encode: Any, memory: Any) -> None:
    random = np.random.default_rng(0)
    data = {("r", "one"): random.normal(size=(50, 3, 3)), ("r", "other"): random.normal(size=(60, 3, 3))}
    params = SkeletonParams(bones=True, parents=CHAIN, centre="none", scale="none", velocities=False)
    output, _ = encode(memory(data), Modality("skeleton", ("one", "other"), 30.0), params)
    joints = output.read("features")[0, :, :18].reshape(20, 6, 3)
    bones = output.read("features")[0, :, 18:].reshape(20, 4, 3)
    expected = joints[:, [0, 2, 3, 5]] - joints[:, [1, 1, 4, 4]]
    np.testing.assert_allclose(bones, expected, atol=1e-5)


def test_parents_of_another_number_of_joints_are_refused(encode: Any, memory: Any) -> None:
    params = SkeletonParams(bones=True, parents=CHAIN, centre="none", scale="none")
    with pytest.raises(ConfigError, match="parents: it names those of 3 joints, and the source has 20"):
        encode(memory(random_series(2, (20, 3), "skeleton")), SKELETON, params)


def test_a_linear_ramp_becomes_the_means_of_a_linear_ramp(encode: Any, memory: Any) -> None:
    ramp = np.linspace(0, 1, 37)[:, None]
    params = SeriesParams(window=4, stride=4, patches=3, reduce="mean")
    output, _ = encode(memory({("r", "inertial"): ramp}), INERTIAL, params)
    expected = np.linspace(0, 1, 12).reshape(3, 4).mean(axis=1)
    np.testing.assert_allclose(output.read("features")[0, :, 0], expected, atol=1e-6)


def test_several_streams_are_joined_by_relative_time(encode: Any, memory: Any) -> None:
    data = {("r", "acc"): np.linspace(0, 1, 100)[:, None], ("r", "gyro"): np.linspace(0, 1, 41)[:, None]}
    params = SeriesParams(window=5, stride=5, patches=4, reduce="mean")
    output, _ = encode(memory(data), Modality("series", ("acc", "gyro"), 50.0), params)
    found = output.read("features")[0]
    assert found.shape == (4, 2)
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-6)


def test_streams_with_clocks_are_joined_where_both_have_samples(encode: Any, memory: Any) -> None:
    early, late = np.linspace(0, 10, 300), np.linspace(2, 12, 90)
    data = {("r", "acc"): Series(early[:, None], early), ("r", "gyro"): Series(late[:, None], late)}
    modality = Modality("series", ("acc", "gyro"), 30.0)
    output, _ = encode(memory(data), modality, SeriesParams(window=5, stride=5, patches=4, reduce="mean"))
    series = output.read("series")[0]
    np.testing.assert_allclose(series, np.linspace(2, 10, 20)[:, None].repeat(2, axis=1), atol=1e-5)
    seconds = SeriesParams(window=1, stride=1, unit="seconds", patches=3, align="pad", reduce="mean", keep_series=False)
    output, _ = encode(memory(data), modality, seconds, key="1" * 64)
    np.testing.assert_allclose(output.read("features")[0, :, 0], 2 + np.arange(3) + 29 / 60, atol=1e-5)


def test_streams_whose_clocks_share_no_time_are_broken(encode: Any, memory: Any) -> None:
    clock = np.linspace(0, 1, 30)
    data = {("r", "acc"): Series(clock[:, None], clock), ("r", "gyro"): Series(clock[:, None], clock + 5)}
    with pytest.raises(StepError, match=r"acc/r\.bin: its streams share no time"):
        encode(memory(data), Modality("series", ("acc", "gyro"), 30.0), SeriesParams())


def test_padded_windows_are_masked(encode: Any, memory: Any) -> None:
    data = {("a", "inertial"): np.ones((10, 2)), ("b", "inertial"): np.ones((100, 2))}
    params = SeriesParams(window=4, stride=4, patches=5, align="pad", keep_series=False, reduce="mean")
    output, _ = encode(memory(data), INERTIAL, params)
    assert output.read("valid").tolist() == [[True, True, False, False, False], [True] * 5]
    np.testing.assert_array_equal(output.read("features")[0, :, 0], [1, 1, 0, 0, 0])
    assert "series" not in output.names


def test_a_recording_shorter_than_its_windows_names_the_remedy(encode: Any, memory: Any) -> None:
    data = {("a", "inertial"): np.ones((10, 2))}
    params = SeriesParams(window=4, stride=4, patches=5, align="truncate", keep_series=False)
    with pytest.raises(StepError, match=r"inertial/a\.bin: has 10 samples, fewer than 5 windows span \(20\); use"):
        encode(memory(data), INERTIAL, params)


def test_broken_recordings_fail_with_the_file_and_the_remedy(encode: Any, memory: Any) -> None:
    source = memory(random_series(3))
    source.broken["r001", "inertial"] = "no array d_iner"
    with pytest.raises(StepError, match=r"inertial/r001\.bin: no array d_iner.*on_bad_recording: skip") as caught:
        encode(source, INERTIAL, SeriesParams())
    assert caught.value.__traceback__ is not None  # holds the frames that read; their threads must end all the same
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_skipped_recordings_stay_empty_and_shift_nothing(encode: Any, memory: Any, tmp_path: Path) -> None:
    source = memory(random_series(70))
    whole, _ = encode(source, INERTIAL, SeriesParams(), key="1" * 64)
    source.broken["r066", "inertial"] = "truncated"
    source.data["r002", "inertial"] = np.full((50, 6), np.nan)
    source.data["r003", "inertial"] = np.ones((50, 4))
    output, provenance = encode(source, INERTIAL, SeriesParams(), strict=False, broken={"r001": "no file"})
    bad = [1, 2, 3, 66]
    good = [row for row in range(70) if row not in bad]
    np.testing.assert_array_equal(output.read("features")[good], whole.read("features")[good])
    assert not output.read("features")[bad].any()
    assert not output.read("valid")[bad].any()
    assert output.read("valid")[good].all()
    assert [late["recording"] for late in provenance["late_broken"]] == ["r002", "r003", "r066"]
    assert "a sample has the shape (4,)" in provenance["late_broken"][1]["reason"]
    listed = json.loads(next((tmp_path / "store/outputs/encode" / ("0" * 64)).glob("*/skipped.json")).read_text())
    assert [entry["recording"] for entry in listed] == ["r001", "r002", "r003", "r066"]
    assert listed[0]["reason"] == "no file"


def test_no_usable_recording_is_an_error(encode: Any, memory: Any) -> None:
    source = memory(random_series(2))
    source.broken = {("r000", "inertial"): "truncated", ("r001", "inertial"): "truncated"}
    with pytest.raises(StepError, match="no recording can be used"):
        encode(source, INERTIAL, SeriesParams(), strict=False)


def test_a_joint_that_the_source_lacks_is_a_configuration_error(encode: Any, memory: Any) -> None:
    with pytest.raises(ConfigError, match="hip_centre: 3 is not among the source's 3 joints"):
        encode(memory({("r", "skeleton"): np.ones((50, 3, 3))}), SKELETON, SkeletonParams())


def test_values_beyond_float16_name_the_remedy(encode: Any, memory: Any) -> None:
    data = {("r", "inertial"): np.full((50, 2), 1e6)}
    with pytest.raises(StepError, match="recording r are not finite as float16; set dtype: float32"):
        encode(memory(data), INERTIAL, SeriesParams(dtype="float16"))
    output, _ = encode(memory({("r", "inertial"): np.ones((50, 2))}), INERTIAL, SeriesParams(dtype="float16"))
    assert output.read("features").dtype == np.float16


class TestValuesThatSinglePrecisionCannotHold:
    """They are their recording's defect: with `skip` the others are encoded, and nobody is told to change the dtype."""

    MODALITY = Modality("series", ("acc",), 50.0)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize(
        ("value", "kind", "reason"),
        [
            (1e300, "series", "has a value of 1e+300, more than single precision holds"),
            (3e38, "skeleton", "has values so large that what is made of them is more than single precision holds"),
        ],
    )
    def test_are_its_defect(self, encode: Any, memory: Any, value: float, kind: Any, reason: str) -> None:
        good = np.random.default_rng(0).normal(size=(60, 20, 3) if kind == "skeleton" else (60, 3))
        bad = good.copy()
        bad[::2], bad[1::2] = value, -value  # whose difference overflows
        source = memory({("a", "acc"): good, ("b", "acc"): bad, ("c", "acc"): good})
        modality = Modality(kind, ("acc",), 50.0)
        skeleton = SkeletonParams(patches=4, centre="none", scale="none", align="spread", keep_series=False)
        params = skeleton if kind == "skeleton" else SeriesParams(patches=4)
        output, provenance = encode(source, modality, params, strict=False)
        ((late),) = provenance["late_broken"]
        assert late["recording"] == "b"
        assert reason in late["reason"]
        assert output.read("valid").any(axis=1).tolist() == [True, False, True]
        with pytest.raises(StepError, match="set on_bad_recording: skip, which goes on and lists all"):
            encode(source, modality, params, key="1" * 64)

    def test_but_not_where_half_precision_was_chosen(self, encode: Any, memory: Any) -> None:
        source = memory({("a", "acc"): np.full((60, 3), 1e6)})
        with pytest.raises(StepError, match="not finite as float16; set dtype: float32"):
            encode(source, self.MODALITY, SeriesParams(patches=4, dtype="float16"), strict=False)
