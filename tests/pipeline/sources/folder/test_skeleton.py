"""Skeletons of any layout stand upright, and have the joints that encoding goes by."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.skeleton import Skeleton
from pipeline.sources.skeletons import layout

LAYOUTS = ["kinect20", "utd-mhad", "kinect25", "body25", "azure32", "coco17", "blazepose33"]


def stream(**described: Any) -> Stream:
    return msgspec.convert({"kind": "skeleton", "rate": 30, "files": "{subject}.npy", **described}, Stream)


@pytest.mark.parametrize("name", LAYOUTS)
def test_hips_lie_between_hips_and_shoulders_between_shoulders(name: str) -> None:
    skeleton, names = Skeleton.of(stream(joints=name)), layout(name).joints
    joints = np.random.default_rng(0).normal(size=(4, len(names), 3))
    left, right = (skeleton.named[f"{side}_shoulder"] for side in ("left", "right"))
    assert "left" in names[left]
    assert "right" in names[right]
    prepared = Skeleton(skeleton.named, skeleton.pairs, "y").prepared(joints)
    assert prepared.shape == (4, len(names) + len(skeleton.pairs), 3)
    np.testing.assert_array_equal(prepared[:, : len(names)], joints)
    if skeleton.named["shoulder_centre"] >= len(names):
        middle = prepared[:, skeleton.named["shoulder_centre"]]
        np.testing.assert_allclose(middle, (joints[:, left] + joints[:, right]) / 2)


@pytest.mark.parametrize("up", ["x", "-x", "y", "-y", "z", "-z"])
def test_what_points_up_becomes_y_and_nothing_is_mirrored(up: Any) -> None:
    axes = np.eye(3)
    turned = Skeleton({}, (), up).prepared(axes[None])[0]  # where the files' axes go
    sign = -1 if up.startswith("-") else 1
    np.testing.assert_array_equal(turned["xyz".index(up[-1])] * sign, [0, 1, 0])
    assert np.linalg.det(turned) == pytest.approx(1)


def test_chosen_joints_keep_their_names() -> None:
    chosen = stream(joints="kinect25", columns=["spine_base", "spine_shoulder", "left_shoulder"])
    assert Skeleton.of(chosen).named["hip_centre"] == 0


@pytest.mark.parametrize("name", LAYOUTS)
def test_all_joints_of_a_layout_hang_on_one(name: str) -> None:
    skeleton = Skeleton.of(stream(joints=name))
    parents = skeleton.parents
    assert len(parents) == len(layout(name).joints) + len(skeleton.pairs)
    above = [*range(len(parents))]
    for _ in parents:
        above = [parents[joint] for joint in above]
    assert {*above} == {skeleton.named["hip_centre"]}


def test_names_that_do_not_say_what_a_joint_hangs_on_say_no_parents() -> None:
    assert Skeleton.of(stream(joints=["hips", "neck", "tail"])).parents == ()
    assert Skeleton.of(stream(joints=["hips", "neck", "head"])).parents == (0, 0, 1)
