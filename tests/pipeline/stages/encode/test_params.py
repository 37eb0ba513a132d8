"""What a stages file may say, and what each mistake is told."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from pipeline.registry import ENCODERS, import_object
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams
from pipeline.stages.encode.video.params import VideoParams


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("series", {"window": 0}, "window: must be greater than 0"),
        ("series", {"stride": -1}, "stride: must be greater than 0"),
        (
            "series",
            {"window": 2.5},
            "window: 2.5 is not a whole number of samples; round it or set unit: seconds",
        ),
        ("series", {"patches": 0}, "patches: must be at least 1"),
        ("series", {"align": "pad"}, "keep_series: needs align: resample, not pad; set keep_series: false"),
        ("series", {"windw": 3}, "unknown field `windw`"),
        ("skeleton", {"hip_centre": -1}, "hip_centre: joints count from 0"),
        ("skeleton", {"bones": True}, r"bones: the source does not say which joint .* add parents: \[...\]"),
        ("skeleton", {"bones": True, "parents": [1, 3, 1]}, "parents: joint 1 hangs on 3, and joints are 0 to 2"),
        ("skeleton", {"bones": True, "parents": [0, 2, 1]}, "parents: joint 1 hangs on itself, by way of joint 2"),
        ("skeleton", {"bones": True, "parents": [0, 1]}, "parents: no joint hangs on another"),
        ("skeleton", {"reduce": "max"}, "Invalid enum value 'max'"),
        ("video", {"image_size": 4}, "image_size: must be 8 to 4096 pixels"),
        (
            "video",
            {"depth": {"near": 900, "far": 800}},
            r"near \(900\) must be at least 0 and below far \(800\)",
        ),
        ("motion-maps", {}, "missing required field `reduce`"),
        ("motion-maps", {"reduce": "motion-maps", "cell": 40}, "cell: 40 leaves no two cells in 64 pixels"),
        ("motion-maps", {"reduce": "motion-maps", "window": 0}, "window: must be greater than 0"),
        ("video", {"weights": ""}, "for random weights say weights: none"),
        ("video", {"weights": "DEFAULT"}, "DEFAULT means other weights in other versions of torchvision; name them"),
    ],
)
def test_mistakes_are_named(kind: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(given, import_object(ENCODERS[kind].params))


def test_defaults_are_those_of_the_trials() -> None:
    assert (SeriesParams().window, SeriesParams().stride, SeriesParams().reduce) == (18, 9, "mean-std")
    assert (SkeletonParams().window, SkeletonParams().stride, SkeletonParams().patches) == (6, 3, 20)
    assert (VideoParams().backbone, VideoParams().weights) == ("resnet50", "IMAGENET1K_V1")


def test_whole_numbers_and_their_floats_are_one_value() -> None:
    whole, real = (msgspec.convert({"window": value}, SeriesParams) for value in (12, 12.0))
    assert msgspec.json.encode(whole) == msgspec.json.encode(real)


def test_parameters_are_quick_to_import() -> None:
    code = (
        "import sys, pipeline.stages.encode.timelines.params, pipeline.stages.encode.video.params; "
        "import pipeline.stages.encode.motion_maps.params; "
        "sys.exit(' '.join({'torch', 'numpy', 'zarr', 'torchvision'} & set(sys.modules)) or None)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
