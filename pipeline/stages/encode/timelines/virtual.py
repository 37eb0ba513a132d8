"""Inertial data that a moving skeleton would give: a sensor that sits on a bone (Young, Ling, Arvind, IMUSim, 2011).

Paths of joints are smoothed and twice differentiated at their own rate, gravity is added, and the result is seen from a
frame on the bone; as IMUTube does with skeletons of videos (Kwon et al., 2020). How the real sensor was turned on the
bone, and its noise, are known to training alone (`trainers.data.virtual`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation

from pipeline.sources.base import Series
from pipeline.stages.encode.align import interpolate
from pipeline.stages.encode.timelines.skeleton import VERTICAL_AXIS
from pipeline.stages.encode.timelines.triads import GRAVITY, TURNING, triad_units
from pipeline.stages.encode.timelines.virtual_params import Place

_ORDER = 3  # of the polynomial: the least that lets an acceleration change within the filter
_SHORTEST = 5  # samples of the filter
_STRAIGHT = 0.1  # sine of the angle between two bones below which they give no plane
_SMALLEST = 1e-6  # metres

Floats = NDArray[np.float64]


def virtual_series(
    skeleton: Series, place: Place, smoothing: float, rates: tuple[float, float], units: Sequence[str]
) -> Series | None:
    """Return what a sensor on a bone would measure, (T, C) in `units` with its times.

    Parameters
    ----------
    skeleton
        (T, joints, 3) in metres.
    smoothing
        Seconds of the filter.
    rates
        In Hz: of the skeleton's frames, and of the sensor.

    Returns
    -------
    Series or None
        None of a recording that is shorter than the filter, and of a limb without length or, throughout, without bend.
    """
    rate, wanted = rates
    joints = _evenly(skeleton, rate)[:, list(place.joints)]  # (T, 3 joints, 3)
    samples = max(_SHORTEST, round(smoothing * rate) | 1)
    if len(joints) < samples:
        return None
    path = joints[:, 1] + place.at * (joints[:, 2] - joints[:, 1])
    acceleration = savgol_filter(path, samples, _ORDER, deriv=2, delta=1 / rate, axis=0)
    frames = bone_frames(savgol_filter(joints, samples, _ORDER, axis=0), samples)
    if frames is None:
        return None
    measured = {"force": specific_force(acceleration, frames), "turning": angular_velocity(frames, rate)}
    kinds = triad_units(units)
    values = [
        measured["force"] * GRAVITY[kind] if kind in GRAVITY else measured["turning"] * TURNING[kind] for kind in kinds
    ]
    times = np.arange(len(joints)) / rate
    at = np.arange(int(times[-1] * wanted + 1e-6) + 1) / wanted
    return Series(interpolate(np.concatenate(values, axis=1), times, at), at)


def specific_force(acceleration: Floats, frames: Floats) -> Floats:
    """Return what an accelerometer feels, (T, 3) in g: acceleration (T, 3) in m/s2 and weight, seen from its frame."""
    gravity = GRAVITY["m/s2"]
    force: Floats = np.einsum("tji,tj->ti", frames, acceleration + gravity * np.eye(3)[VERTICAL_AXIS]) / gravity
    return force


def angular_velocity(frames: Floats, rate: float) -> Floats:
    """Return how frames (T, 3, 3) turn about their own axes, (T, 3) in rad/s: central differences."""
    rotations = Rotation.from_matrix(frames)
    last = len(frames) - 1
    before, after = np.maximum(np.arange(last + 1) - 1, 0), np.minimum(np.arange(last + 1) + 1, last)
    steps: Floats = (rotations[before].inv() * rotations[after]).as_rotvec()
    velocity: Floats = steps * rate / (after - before)[:, None]
    return velocity


def bone_frames(joints: Floats, samples: int) -> Floats | None:
    """Return a frame on the bone between the last two of three joints (T, 3, 3), as rotation matrices (T, 3, 3).

    Columns are its axes in the skeleton's coordinates: x along the bone, z across the plane of both bones, y within it.
    Planes are averaged over `samples`, each by how much the limb is bent; a straight limb keeps the plane that it had.
    None where a bone has no length, or the limb is never bent.
    """
    upper, lower = joints[:, 1] - joints[:, 0], joints[:, 2] - joints[:, 1]
    lengths = np.linalg.norm(upper, axis=1), np.linalg.norm(lower, axis=1)
    if min(each.min() for each in lengths) < _SMALLEST:
        return None
    along = lower / lengths[1][:, None]
    across = np.cross(upper / lengths[0][:, None], along)  # as long as the sine of the angle between the bones
    across = savgol_filter(across, samples, 1, axis=0)
    across -= (across * along).sum(1, keepdims=True) * along
    sines = np.linalg.norm(across, axis=1)
    bent = np.flatnonzero(sines > _STRAIGHT)
    if not len(bent):
        return None
    number = np.arange(len(across))
    across = interpolate(across[bent] / sines[bent, None], bent.astype(np.float64), number.astype(np.float64))
    across -= (across * along).sum(1, keepdims=True) * along
    sizes = np.linalg.norm(across, axis=1, keepdims=True)
    if sizes.min() < _SMALLEST:
        return None
    across /= sizes
    return np.stack([along, np.cross(across, along), across], axis=-1)


def _evenly(skeleton: Series, rate: float) -> Floats:
    """Return joints (T, joints, 3) at a rate; of a skeleton without times as they are, since it has that rate."""
    if skeleton.times is None or len(skeleton.values) == 1:
        return skeleton.values
    times = skeleton.times - skeleton.times[0]
    at = np.arange(int(times[-1] * rate + 1e-6) + 1) / rate
    flat = interpolate(skeleton.values.reshape(len(times), -1), times, at)
    return flat.reshape(len(at), *skeleton.values.shape[1:])
