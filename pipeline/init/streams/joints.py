"""Which layout of joints a skeleton has, by its geometry; which axis is up, and the unit of lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LAYOUTS = ("kinect20", "utd-mhad", "kinect25", "body25", "azure32", "coco17", "blazepose33")
_BONES = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_FITS, _AHEAD = 0.75, 0.1
_INSIDE = 0.95  # of a picture: who stands before a camera is larger than a metre


def counts() -> Mapping[int, tuple[str, ...]]:
    """Return the names of layouts by their numbers of joints."""
    from pipeline.sources.skeletons import layout

    found: dict[int, tuple[str, ...]] = {}
    for name in LAYOUTS:
        count = len(layout(name).joints)
        found[count] = (*found.get(count, ()), name)
    return found


def layout_of(values: NDArray[np.float64]) -> tuple[str, tuple[str, ...]]:
    """Decide on a layout by geometry.

    Parameters
    ----------
    values
        (T, joints, 3).

    Returns
    -------
    tuple
        The layout's name, empty where geometry does not decide; and all that have as many joints.
    """
    names = counts().get(values.shape[1], ())
    ranked = sorted(((_score(values, name), name) for name in names), reverse=True)
    if not ranked or ranked[0][0] < _FITS or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _AHEAD):
        return "", names
    return ranked[0][1], names


def up_of(values: NDArray[np.float64], name: str) -> str:
    """Return which axis points up, and its sign where that is down: from feet to shoulders."""
    import numpy as np

    from pipeline.sources.skeletons import layout

    joints = layout(name).joints
    feet = _middle(values, joints, "ankle")
    upright = np.nanmedian(_centre(values, layout(name).shoulder_centre) - feet, axis=0)
    axis = int(np.abs(upright).argmax())
    return ("-" if upright[axis] < 0 else "") + "xyz"[axis]


def length_unit(values: NDArray[np.float64], name: str) -> str:
    """Return the unit of lengths by that of the trunk, which is a third to two thirds of a metre."""
    import numpy as np

    from pipeline.sources.skeletons import layout

    of = layout(name)
    trunk = np.linalg.norm(_centre(values, of.shoulder_centre) - _centre(values, of.hip_centre), axis=1)
    length = float(np.nanmedian(trunk))
    for unit, metres in (("m", 1.0), ("cm", 100.0), ("mm", 1000.0)):
        if 0.25 < length / metres < 0.8:
            return unit
    return "raw"


def in_picture(values: NDArray[np.float64]) -> bool:
    """Tell whether places of (T, joints, 3) are parts of a picture's width and height, as MediaPipe's landmarks are."""
    import numpy as np

    places = values[..., :2][~np.isnan(values[..., :2])]
    return bool(((places >= 0) & (places <= 1)).mean() > _INSIDE and np.nanmax(np.abs(values[..., 2])) <= 1)


def _score(values: NDArray[np.float64], name: str) -> float:
    """Say how well a layout fits, 0 to 1: limbs alike left and right and rigid, shoulders and hips in their places."""
    import numpy as np

    from pipeline.sources.skeletons import layout

    of = layout(name)
    at = {joint: number for number, joint in enumerate(of.joints)}
    told: list[float] = []

    def length(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.linalg.norm(one - other, axis=-1)
        return found

    for near, far in _BONES:
        left = length(values[:, at[f"left_{near}"]], values[:, at[f"left_{far}"]])
        right = length(values[:, at[f"right_{near}"]], values[:, at[f"right_{far}"]])
        a, b = float(np.nanmedian(left)), float(np.nanmedian(right))
        told.append(float(abs(a - b) < 0.25 * max(a, b)))
        told.append(float(max(np.nanstd(left) / (a + 1e-12), np.nanstd(right) / (b + 1e-12)) < 0.25))
    hips, shoulders = _centre(values, of.hip_centre), _centre(values, of.shoulder_centre)
    head = values[:, at["head"] if "head" in at else at["nose"]]
    feet = _middle(values, of.joints, "ankle")
    told.append(2 * float(np.nanmean(length(head, feet) > length(hips, feet))))
    told.append(2 * float(np.nanmean(length(head, shoulders) < length(head, hips))))
    for side in ("left", "right"):
        shoulder, hip = values[:, at[f"{side}_shoulder"]], values[:, at[f"{side}_hip"]]
        told.append(float(np.nanmean(length(shoulder, shoulders) < length(shoulder, hips))))
        told.append(float(np.nanmean(length(hip, hips) < length(hip, shoulders))))
        knee, ankle = values[:, at[f"{side}_knee"]], values[:, at[f"{side}_ankle"]]
        told.append(float(np.nanmean(length(ankle, hip) > length(knee, hip))))
    return sum(told) / (len(_BONES) * 2 + 4 + 6)


def _centre(values: NDArray[np.float64], joints: tuple[int, ...]) -> NDArray[np.float64]:
    centre: NDArray[np.float64] = values[:, list(joints)].mean(axis=1)
    return centre


def _middle(values: NDArray[np.float64], joints: tuple[str, ...], pair: str) -> NDArray[np.float64]:
    return _centre(values, (joints.index(f"left_{pair}"), joints.index(f"right_{pair}")))
