"""Which units channels have once they are read, as the stages file says it; nothing is said where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder
from pipeline.sources.mmact.layout import MODALITIES


def units(streams: dict[str, Any], modalities: dict[str, Any] | None = None) -> dict[str, tuple[str, ...]]:
    described = {name: {"rate": 50, "files": "{subject}-{label}.csv", **each} for name, each in streams.items()}
    values = {"root": "x", "classes": ["a", "b"], "streams": described, "modalities": modalities or {}}
    source = Folder(Path("x"), msgspec.convert(values, Params))
    return {name: each.units for name, each in source.modalities.items()}


ACC = {"columns": ["ax", "ay", "az"], "units": "m/s2"}
GYRO = {"columns": ["gx", "gy", "gz"], "units": "rad/s"}


def test_values_are_read_as_g_and_degrees_a_second() -> None:
    assert units({"acc": ACC, "gyro": GYRO}) == {"acc": ("g",), "gyro": ("deg/s",)}
    joined = units({"acc": ACC, "gyro": GYRO}, {"imu": {"streams": ["acc", "gyro"]}})
    assert joined == {"imu": ("g",) * 3 + ("deg/s",) * 3}


def test_chosen_channels_have_units_of_their_own() -> None:
    units_ = {"columns": [*"abcdef"], "units": ["g"] * 3 + ["uT"] * 3}
    modalities = {"acc": {"streams": ["imu"], "channels": [1, 2, 3]}, "one": {"streams": ["imu"], "channels": [6, 1]}}
    assert units({"imu": units_}, modalities) == {"acc": ("g",) * 3, "one": ("uT", "g")}


def test_a_channel_without_a_unit_hides_no_others() -> None:
    assert units({"acc": {"columns": [*"abcd"], "units": ["g"] * 3 + ["raw"]}}) == {"acc": ("g", "g", "g", "raw")}


@pytest.mark.parametrize(
    "streams",
    [
        {"acc": {"columns": ["x", "y", "z"]}},  # raw
        {"body": {"kind": "skeleton", "units": "mm", "files": "{subject}-{label}.npy"}},  # which way is up?
    ],
)
def test_what_is_not_said_is_not_known(streams: dict[str, Any]) -> None:
    assert set(units(streams).values()) == {()}


def test_a_skeleton_of_a_known_layout_is_in_metres() -> None:
    body = {"kind": "skeleton", "units": "mm", "joints": "kinect20", "files": "{subject}-{label}.npy"}
    assert units({"body": body}) == {"body": ("m",)}


def test_one_unit_of_unnamed_columns_is_that_of_all() -> None:
    assert units({"acc": {"units": "g"}}) == {"acc": ("g",)}
    assert units({"acc": {"units": "g"}, "gyro": GYRO}, {"imu": {"streams": ["acc", "gyro"]}}) == {"imu": ()}


def test_mmacts_accelerometers_are_in_metres_a_second_squared() -> None:
    assert {name for name, each in MODALITIES.items() if each.units == ("m/s2",) * 3} == {"phone", "watch"}
