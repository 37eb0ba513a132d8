"""Layouts of skeletons: which joints there are, in which order, and which of them normalisation goes by.

Orders are those of the devices' and models' own documentation: Kinect for Windows SDK 1.8
(``NUI_SKELETON_POSITION_INDEX``) and 2.0 (``JointType``, the order of NTU RGB+D, too), Azure Kinect Body Tracking SDK
(``k4abt_joint_id_t``), OpenPose (BODY_25), COCO's keypoints, MediaPipe Pose (BlazePose), and UTD-MHAD's
``Skeleton_joint_order.txt``. Imports nothing that is slow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.sources.broken_file import BrokenFileError

Up = Literal["x", "y", "z", "-x", "-y", "-z"]


@dataclass(frozen=True)
class Layout:
    """A skeleton's joints; where there is no joint in a place, it is the midpoint of two.

    Attributes
    ----------
    joints
        Names, in order.
    hip_centre, shoulder_centre
        Numbers from 0 of the joint, or of two joints between which it lies; empty where it cannot be told.
    left_shoulder, right_shoulder
        Of the person's own left and right; None where they cannot be told.
    up
        The direction that points up in the usual export.
    """

    joints: tuple[str, ...]
    hip_centre: tuple[int, ...]
    shoulder_centre: tuple[int, ...]
    left_shoulder: int | None
    right_shoulder: int | None
    up: Up

    def only(self, joints: Sequence[int]) -> Layout:
        """Return the layout of some of the joints, in the order given."""
        return described(tuple(self.joints[joint] for joint in joints), self.up)


_LIMBS = ("shoulder", "elbow", "wrist", "hand")
_LEGS = ("hip", "knee", "ankle", "foot")


def _sided(side: str, parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{side}_{part}" for part in parts)


_BOTH_ARMS_THEN_LEGS = (
    *_sided("left", _LIMBS), *_sided("right", _LIMBS), *_sided("left", _LEGS), *_sided("right", _LEGS),
)  # fmt: skip
_AZURE_ARM = ("clavicle", "shoulder", "elbow", "wrist", "hand", "handtip", "thumb")
_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_PAIRS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")

_JOINTS: Mapping[str, tuple[Up, tuple[str, ...]]] = {
    "kinect20": ("y", ("hip_centre", "spine", "shoulder_centre", "head", *_BOTH_ARMS_THEN_LEGS)),
    "utd-mhad": ("y", ("head", "shoulder_centre", "spine", "hip_centre", *_BOTH_ARMS_THEN_LEGS)),
    "kinect25": (
        "y",
        ("spine_base", "spine_mid", "neck", "head", *_BOTH_ARMS_THEN_LEGS, "spine_shoulder", "left_hand_tip",
         "left_thumb", "right_hand_tip", "right_thumb"),
    ),
    "body25": (
        "-y",
        ("nose", "neck", *_sided("right", _LIMBS[:3]), *_sided("left", _LIMBS[:3]), "mid_hip",
         *_sided("right", _LEGS[:3]), *_sided("left", _LEGS[:3]), "right_eye", "left_eye", "right_ear", "left_ear",
         "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
    ),
    "azure32": (
        "-y",
        ("pelvis", "spine_navel", "spine_chest", "neck", *_sided("left", _AZURE_ARM), *_sided("right", _AZURE_ARM),
         *_sided("left", _LEGS), *_sided("right", _LEGS), "head", "nose", "left_eye", "left_ear", "right_eye",
         "right_ear"),
    ),
    "coco17": ("-y", (*_FACE, *(f"{side}_{part}" for part in _PAIRS for side in ("left", "right")))),
    "blazepose33": (
        "-y",
        ("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
         "left_ear", "right_ear", "mouth_left", "mouth_right",
         *(f"{side}_{part}" for part in (*_PAIRS[:3], "pinky", "index", "thumb", *_PAIRS[3:], "heel", "foot_index")
           for side in ("left", "right"))),
    ),
}  # fmt: skip
_SAME = {"ntu": "kinect25", "kinect-v1": "kinect20", "kinect-v2": "kinect25"}
NAMES = (*_JOINTS, *_SAME)

_HIP_CENTRE = ("hipcentre", "hipcenter", "spinebase", "midhip", "pelvis", "hips", "root")
_SHOULDER_CENTRE = ("shouldercentre", "shouldercenter", "spineshoulder", "neck", "thorax")
_SIDES = {"left": ("left{}", "{}left", "l{}", "{}l"), "right": ("right{}", "{}right", "r{}", "{}r")}


@lru_cache(maxsize=64)
def layout(joints: str | tuple[str, ...]) -> Layout:
    """Return a layout by its name, or what the names of joints say of theirs, with y up.

    Raises
    ------
    ValueError
        An unknown name, or a name twice in a list.
    """
    if isinstance(joints, tuple):
        if len({*joints}) < len(joints):
            twice = next(name for name in joints if joints.count(name) > 1)
            raise ValueError(f"names `{twice}` twice")
        return described(joints, "y")
    name = _SAME.get(joints, joints)
    if name not in _JOINTS:
        raise ValueError(
            f"there is no layout `{joints}`; there are {', '.join(NAMES)}, or give the joints' names in order"
        )
    up, names = _JOINTS[name]
    return described(names, up)


def described(joints: tuple[str, ...], up: Up) -> Layout:
    """Find the joints that normalisation goes by through their names, in any common spelling."""
    at = {re.sub(r"[^a-z0-9]", "", name.lower()): number for number, name in reversed([*enumerate(joints)])}

    def centre(names: Sequence[str], pair: str) -> tuple[int, ...]:
        for name in names:
            if name in at:
                return (at[name],)
        sides = (side("left", pair), side("right", pair))
        return tuple(each for each in sides if each is not None) if None not in sides else ()

    def side(which: str, part: str) -> int | None:
        return next((at[name] for form in _SIDES[which] if (name := form.format(part)) in at), None)

    return Layout(
        joints=joints,
        hip_centre=centre(_HIP_CENTRE, "hip"),
        shoulder_centre=centre(_SHOULDER_CENTRE, "shoulder"),
        left_shoulder=side("left", "shoulder"),
        right_shoulder=side("right", "shoulder"),
        up=up,
    )


def chosen_joints(joints: str | tuple[str, ...], count: int, columns: Sequence[str | int]) -> list[int]:
    """Return the numbers from 0 of chosen joints, by name or number from 1.

    Raises
    ------
    BrokenFileError
        A file with another number of joints than its layout, or no such joint.
    """
    names = check_count(joints, count)
    found = []
    for column in columns:
        if isinstance(column, int):
            if column > count:
                raise BrokenFileError(f"has {count} joints, but columns asks for joint {column} (they count from 1)")
            found.append(column - 1)
        elif column in names:
            found.append(names.index(column))
        else:
            known = f"the layout has {', '.join(names)}" if names else "say joints: with a layout's name"
            raise BrokenFileError(f"columns asks for joint `{column}`; {known}")
    return found


def check_count(joints: str | tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return the joints' names, empty where none are said; BrokenFileError where a file has another number of them."""
    if not joints:
        return ()
    try:
        names = layout(joints).joints
    except ValueError as error:
        raise BrokenFileError(f"joints: {error}") from None
    if len(names) != count:
        of = f"layout {joints}" if isinstance(joints, str) else "joints"
        raise BrokenFileError(f"has {count} joints, but {of} has {len(names)}")
    return names
