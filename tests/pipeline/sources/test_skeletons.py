"""Layouts of skeletons, held against what the devices' documentation numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.sources.joint_parents import parents_by_name
from pipeline.sources.skeletons import NAMES, layout
from pipeline.sources.utd_mhad import UtdMhad

# joint numbers as documented: hip centre, shoulder centre, left and right shoulder, left wrist, right ankle
KNOWN = {
    "kinect20": ((0,), (2,), 4, 8, 6, 18),
    "utd-mhad": ((3,), (1,), 4, 8, 6, 18),
    "kinect25": ((0,), (20,), 4, 8, 6, 18),
    "ntu": ((0,), (20,), 4, 8, 6, 18),
    "body25": ((8,), (1,), 5, 2, 7, 11),
    "azure32": ((0,), (3,), 5, 12, 7, 24),
    "coco17": ((11, 12), (5, 6), 5, 6, 9, 16),
    "blazepose33": ((23, 24), (11, 12), 11, 12, 15, 28),
}
COUNTS = {"kinect20": 20, "utd-mhad": 20, "kinect25": 25, "body25": 25, "azure32": 32, "coco17": 17, "blazepose33": 33}


@pytest.mark.parametrize("name", KNOWN)
def test_layouts(name: str) -> None:
    found = layout(name)
    hips, shoulders, left, right, wrist, ankle = KNOWN[name]
    assert (found.hip_centre, found.shoulder_centre) == (hips, shoulders)
    assert (found.left_shoulder, found.right_shoulder) == (left, right)
    assert found.joints.index("left_wrist") == wrist
    assert found.joints.index("right_ankle") == ankle
    assert len({*found.joints}) == len(found.joints) == COUNTS.get(name, 25)
    assert found.up == ("y" if "kinect" in name or name in ("ntu", "utd-mhad") else "-y")


def test_some_of_a_layouts_joints() -> None:
    some = layout("kinect20").only([8, 4, 0])
    assert some.joints == ("right_shoulder", "left_shoulder", "hip_centre")
    assert (some.hip_centre, some.shoulder_centre, some.left_shoulder, some.right_shoulder) == ((2,), (1, 0), 1, 0)


@pytest.mark.parametrize("names", [
    ("Pelvis", "Neck", "LShoulder", "RShoulder"),
    ("HipCenter", "ShoulderCenter", "Shoulder_L", "Shoulder_R"),
    ("spine base", "spine shoulder", "left shoulder", "right shoulder"),
])  # fmt: skip
def test_names_in_any_common_spelling(names: tuple[str, ...]) -> None:
    found = layout(names)
    assert (found.hip_centre, found.shoulder_centre, found.left_shoulder, found.right_shoulder) == ((0,), (1,), 2, 3)


def test_names_that_say_nothing() -> None:
    found = layout(("a", "b"))
    assert (found.hip_centre, found.shoulder_centre, found.left_shoulder) == ((), (), None)


def test_unknown_layouts() -> None:
    with pytest.raises(ValueError, match="no layout `kinect`; there are kinect20"):
        layout("kinect")
    with pytest.raises(ValueError, match="`a` twice"):
        layout(("a", "b", "a"))
    assert {*KNOWN} <= {*NAMES}


# The hierarchies that Microsoft documents for its sensors: (joint, the joint that it hangs on), each side by turns.
KINECT_V1 = [
    ("spine", "hip_centre"), ("shoulder_centre", "spine"), ("head", "shoulder_centre"),
    *((f"{side}_shoulder", "shoulder_centre") for side in ("left", "right")),
    *((f"{side}_hip", "hip_centre") for side in ("left", "right")),
    *((f"{side}_{end}", f"{side}_{start}") for side in ("left", "right") for start, end in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand"), ("hip", "knee"), ("knee", "ankle"),
        ("ankle", "foot"))),
]  # fmt: skip


@pytest.mark.parametrize("name", ["utd-mhad", "kinect20"])
def test_joints_hang_on_each_other_as_kinect_has_them(name: str) -> None:
    names = layout(name).joints
    found = {(names[joint], names[parent]) for joint, parent in enumerate(parents_by_name(names)) if parent != joint}
    assert found == {*KINECT_V1}


def test_utd_mhad_says_what_its_joints_hang_on() -> None:
    parents = [1, 2, 3, 3, 1, 4, 5, 6, 1, 8, 9, 10, 3, 12, 13, 14, 3, 16, 17, 18]  # Skeleton_joint_order.txt, from 0
    assert [*UtdMhad(Path()).skeleton_joints("skeleton")["parents"]] == parents


def test_the_spine_of_ntus_skeleton_runs_through_the_joint_between_its_shoulders() -> None:
    parents = parents_by_name(layout("ntu").joints)
    assert [parents[joint] for joint in (0, 1, 20, 2, 3, 4, 8)] == [0, 0, 1, 20, 2, 20, 20]


def test_a_limb_without_its_middle_hangs_on_what_is_left() -> None:
    assert parents_by_name(["left_hand", "left_shoulder", "neck"]) == (1, 2, 2)
