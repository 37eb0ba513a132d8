"""Skeleton normalisation in tensor operations: `pipeline.stages.encode.timelines.skeleton` for batches."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.stages.encode.timelines.params import SkeletonParams


def normalise(joints: Tensor, params: SkeletonParams) -> Tensor:
    """Turn, centre and scale (B, T, J, 3) by each recording's first frame; not finite where that has no direction."""
    first = joints[:, 0]
    torso = torch.linalg.vector_norm(first[:, params.shoulder_centre] - first[:, params.hip_centre], dim=-1)
    if params.orient == "shoulders":
        joints = _face_camera(joints, params)
    if params.centre == "first":
        joints = joints - joints[:, :1, params.hip_centre, None]
    elif params.centre == "frame":
        joints = joints - joints[:, :, params.hip_centre, None]
    return joints / torso[:, None, None, None] if params.scale == "torso" else joints


def _face_camera(joints: Tensor, params: SkeletonParams) -> Tensor:
    line = joints[:, 0, params.right_shoulder] - joints[:, 0, params.left_shoulder]
    across = torch.sqrt(line[:, 0] ** 2 + line[:, 2] ** 2)
    cos, sin = (line[:, 0] / across)[:, None, None], (line[:, 2] / across)[:, None, None]
    pivot = joints[:, :1, params.hip_centre, None]
    x, y, z = (joints - pivot).unbind(-1)
    return torch.stack([cos * x + sin * z, y, cos * z - sin * x], dim=-1) + pivot
