"""Layouts of skeletons, held against what the devices' documentation numbers."""

from __future__ import annotations

import pytest

from pipeline.sources.skeletons import NAMES, layout

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
