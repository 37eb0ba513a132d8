"""What the sensors make of a pose: a Kinect's skeleton, and an inertial unit on the right wrist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from pipeline.sources.sample.body import JOINTS, UP, Floats, Pose

GRAVITY = 9.80665
_LOOSE = np.array([2.0 if "wrist" in j or "hand" in j else 1.4 if "foot" in j else 1.0 for j in JOINTS])


@dataclass(frozen=True)
class Unit:
    """One subject's inertial unit: how it sits on the wrist, and its faults."""

    mounting: Floats  # (3,) rotation vector, radians
    bias: Floats  # (6,) g and deg/s
    noise: Floats  # (6,) g and deg/s


def unit(rng: np.random.Generator) -> Unit:
    """Draw a subject's unit."""
    scale = np.array([0.03] * 3 + [2.0] * 3)
    return Unit(rng.normal(0, [0.8, 0.3, 0.3]), rng.normal(0, scale), scale * rng.uniform(0.6, 1.6, 6))


def inertial(seen: Pose, unit: Unit, rate: float, rng: np.random.Generator) -> Floats:
    """Specific force and angular rate in the sensor's axes.

    The sensor's x points along the forearm, so that a hanging arm reads about -1 g on it, as in UTD-MHAD.
    With the sensor's frame R (columns in world coordinates), force is ``R.T (d2p/dt2 - gravity) / g`` and the
    rate is the vector of ``R.T dR/dt``. Of T moments, `rate` a second, (T, 6): g, clipped at 8, and deg/s, clipped
    at 1000.
    """
    wrist = seen.joints[:, JOINTS.index("right_wrist")]
    slip = Rotation.from_rotvec(rng.normal(0, 0.12, 3))
    frames = Rotation.from_matrix(seen.forearm) * Rotation.from_rotvec(unit.mounting) * slip
    acceleration = np.gradient(np.gradient(wrist, 1 / rate, axis=0), 1 / rate, axis=0)
    force = frames.apply(acceleration + GRAVITY * UP, inverse=True) / GRAVITY
    steps = (frames[:-1].inv() * frames[1:]).as_rotvec() * rate
    turning = np.degrees(np.concatenate([steps, steps[-1:]]))
    values = np.concatenate([force, turning], axis=1)
    values = gaussian_filter1d(values, 0.008 * rate, axis=0)
    values += unit.bias + unit.noise * rng.normal(size=values.shape)
    steps_of = np.array([1 / 2048] * 3 + [1 / 32.8] * 3)  # what the converter resolves
    limit = np.array([8.0] * 3 + [1000.0] * 3)
    read: Floats = np.clip(np.round(values / steps_of) * steps_of, -limit, limit)
    return read


def skeleton(joints: Floats, rng: np.random.Generator) -> Floats:
    """Jitter joints (T, 20, 3) as a Kinect does: smooth noise, loose hands, and a limb now and then lost."""
    times = len(joints)
    jitter = gaussian_filter1d(rng.normal(size=joints.shape), 0.8, axis=0) * 0.012 * _LOOSE[:, None]
    offset = rng.normal(size=(1, 20, 3)) * 0.010
    seen: Floats = joints + jitter + offset
    for _ in range(rng.poisson(times / 40)):
        first, length = int(rng.integers(0, times)), int(rng.integers(2, 7))
        limb = 4 * int(rng.integers(1, 5)) + np.arange(1, 4)
        bump = np.hanning(length + 2)[1:-1, None, None] * rng.normal(0, 0.12, (1, 1, 3))
        lost = slice(first, min(first + length, times))
        seen[lost, limb] += bump[: lost.stop - lost.start]
    return seen
