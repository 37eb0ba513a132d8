"""Skeleton normalisation, from one recording alone: orientation, position, size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.encode.timelines.params import SkeletonParams

VERTICAL_AXIS = 1  # y points up in Kinect's camera coordinates
_SMALLEST = 1e-6  # metres; shorter lines have no length or direction to go by


class DegenerateError(ValueError):
    """The first frame does not define what the normalisation needs."""


def normalise(joints: NDArray[np.float64], params: SkeletonParams) -> NDArray[np.float64]:
    """Return (T, joints, 3) turned, centred and scaled as `params` says, in this order.

    DegenerateError where the first frame's torso or shoulder line has no length.
    """
    first = joints[0]
    scale = 1.0
    if params.scale == "torso":
        scale = float(np.linalg.norm(first[params.shoulder_centre] - first[params.hip_centre]))
        if scale < _SMALLEST:
            raise DegenerateError(
                "hip centre and shoulder centre coincide in the first frame, so the torso has no length"
            )
    if params.orient == "shoulders":
        joints = _face_camera(joints, params)
    if params.centre == "first":
        joints = joints - joints[:1, params.hip_centre, None]
    elif params.centre == "frame":
        joints = joints - joints[:, params.hip_centre, None]
    return joints / scale


def _face_camera(joints: NDArray[np.float64], params: SkeletonParams) -> NDArray[np.float64]:
    """Turn about the vertical through the first hip centre until the first shoulder line points along x."""
    # From the first frame alone, so that turning during the action stays in the data.
    line = joints[0, params.right_shoulder] - joints[0, params.left_shoulder]
    across = float(np.hypot(line[0], line[2]))
    if across < _SMALLEST:
        raise DegenerateError("the shoulders lie above each other in the first frame, so they give no direction")
    cos, sin = line[0] / across, line[2] / across
    turn = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    pivot = joints[0, params.hip_centre]
    turned: NDArray[np.float64] = (joints - pivot) @ turn.T + pivot
    return turned
