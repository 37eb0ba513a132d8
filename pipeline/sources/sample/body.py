"""The figure: 20 Kinect joints in UTD-MHAD's order, a build, and the pose that hands and hips force.

Axes as the Kinect's: x to the right of the picture, where the subject's right side is; y up; z away from the
camera; metres. The subject faces the camera, so forward is -z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

JOINTS = (
    "head", "shoulder_center", "spine", "hip_center",
    "left_shoulder", "left_elbow", "left_wrist", "left_hand",
    "right_shoulder", "right_elbow", "right_wrist", "right_hand",
    "left_hip", "left_knee", "left_ankle", "left_foot",
    "right_hip", "right_knee", "right_ankle", "right_foot",
)  # fmt: skip

UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Build:
    """One subject's body: lengths in metres."""

    torso: float
    neck: float
    shoulders: float  # half width
    hips: float  # half width
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    girth: float  # times the usual thickness
    slouch: float  # radians the trunk leans forward at rest
    elbow: float  # radians the elbow swivels outwards

    @property
    def arm(self) -> float:
        """Reach from shoulder to wrist."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> float:
        """From hip to ankle, stretched."""
        return self.thigh + self.shin


def build(rng: np.random.Generator) -> Build:
    """Draw a subject's build: stature 1.55 to 1.90 m, proportions a few percent around the average's."""
    stature = rng.uniform(1.55, 1.90)

    def part(share: float) -> float:
        return float(stature * share * rng.normal(1.0, 0.03))

    return Build(
        torso=part(0.29), neck=part(0.11), shoulders=part(0.105), hips=part(0.05),
        upper_arm=part(0.172), forearm=part(0.152), thigh=part(0.235), shin=part(0.232),
        girth=float(rng.uniform(0.85, 1.25)), slouch=float(rng.normal(0.04, 0.05)),
        elbow=float(rng.normal(0.0, 0.25)),
    )  # fmt: skip


@dataclass(frozen=True)
class Motion:
    """What an action prescribes, by time; hands in arm lengths from their shoulder as (out, up, forward)."""

    right: Floats  # (T, 3) wrist
    left: Floats  # (T, 3) wrist
    drop: Floats  # (T,) how far the hips sink, in leg lengths
    lean: Floats  # (T,) radians: trunk forward
    twist: Floats  # (T,) radians: shoulders turning to the subject's left
    sway: Floats  # (T, 3) metres that the hips wander
    roll: Floats  # (T,) radians: the right forearm turning about itself


@dataclass(frozen=True)
class Pose:
    """Joints (T, 20, 3) in metres, and the right forearm's frame (T, 3, 3): columns along, hinge, across."""

    joints: Floats
    forearm: Floats


def pose(body: Build, motion: Motion, place: Floats, yaw: float) -> Pose:
    """Solve the figure for its joints.

    Its ankles' middle stands at `place` (3,) in camera coordinates; it is turned away from the camera by `yaw` radians.
    """
    times = len(motion.drop)
    joints = np.zeros((times, 20, 3))
    lean = body.slouch + motion.lean
    spine_up = np.stack([np.zeros(times), np.cos(lean), -np.sin(lean)], axis=1)  # (T, 3), forward is -z
    right_out = np.stack([np.cos(motion.twist), np.zeros(times), -np.sin(motion.twist)], axis=1)
    forward = np.cross(spine_up, right_out)  # (T, 3)

    hips = motion.sway + np.stack(
        [np.zeros(times), body.leg * (0.985 - motion.drop), 0.25 * body.torso * np.sin(lean)], axis=1
    )
    neck = hips + body.torso * spine_up
    joints[:, 3] = hips + 0.06 * UP
    joints[:, 2] = hips + 0.25 * body.torso * spine_up
    joints[:, 1] = neck
    joints[:, 0] = neck + body.neck * 1.5 * (spine_up * 0.9 + forward * 0.1)
    forearm = np.empty((times, 3, 3))
    for side, sign, first in ((motion.left, -1.0, 4), (motion.right, 1.0, 8)):
        out = sign * right_out
        shoulder = neck + body.shoulders * out - 0.1 * body.torso * spine_up
        reach = body.arm * (side[:, :1] * out + side[:, 1:2] * spine_up + side[:, 2:] * forward)
        hint = 0.7 * out - 0.7 * spine_up - (0.35 + 0.3 * np.sin(body.elbow)) * forward + body.elbow * out
        elbow, wrist = two_bones(shoulder, reach, body.upper_arm, body.forearm, hint)
        along = _unit(wrist - elbow)
        joints[:, first], joints[:, first + 1], joints[:, first + 2] = shoulder, elbow, wrist
        joints[:, first + 3] = wrist + 0.08 * along
        if sign > 0:
            hinge = _unit(np.cross(reach, hint))
            across = np.cross(along, hinge)
            cos, sin = np.cos(motion.roll)[:, None], np.sin(motion.roll)[:, None]
            forearm = np.stack([along, cos * hinge + sin * across, cos * across - sin * hinge], axis=2)
    for sign, first in ((-1.0, 12), (1.0, 16)):
        hip = hips + sign * body.hips * np.array([1.0, 0.0, 0.0])
        ankle = np.broadcast_to(np.array([sign * body.hips * 1.3, 0.0, 0.0]), hip.shape)
        knee, ankle = two_bones(hip, ankle - hip, body.thigh, body.shin, np.array([sign * 0.3, 0.0, -1.0]))
        joints[:, first], joints[:, first + 1], joints[:, first + 2] = hip, knee, ankle
        joints[:, first + 3] = ankle + np.array([sign * 0.04, -0.06, -0.12])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    return Pose(joints @ turn.T + place, turn @ forearm)


def two_bones(start: Floats, reach: Floats, first: float, second: float, hint: Floats) -> tuple[Floats, Floats]:
    """Place the middle and end of two bones by the law of cosines, bending towards `hint`.

    Parameters
    ----------
    start, reach
        (T, 3) where the chain begins, and from there to where its end should be; drawn in where that is too
        far, smoothly, because a sudden stop would shake the accelerometer.
    first, second
        The bones' lengths.
    hint
        (3,) or (T, 3) direction in which the joint between them points.
    """
    direction = _unit(reach)
    length = np.linalg.norm(reach, axis=1)
    near, far, soft = 0.35 * (first + second), 0.99 * (first + second), 0.03 * (first + second)
    length = far - soft * np.logaddexp(0, (far - length) / soft)
    length = near + soft * np.logaddexp(0, (length - near) / soft)
    cosine = (first**2 + length**2 - second**2) / (2 * first * length)
    bend = _unit(hint - np.sum(hint * direction, axis=1, keepdims=True) * direction)
    along, off = first * cosine, first * np.sqrt(np.maximum(1 - cosine**2, 0.0))
    middle = start + along[:, None] * direction + off[:, None] * bend
    return middle, start + length[:, None] * direction


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return unit
