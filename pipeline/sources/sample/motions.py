"""The eight actions: paths of hands, hips and trunk, in one subject's and one trial's manner.

Some are close on purpose: a swipe's preparation looks like the opposite swipe, a knock and a push differ by
their repeats, circles by their sense only and start anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from pipeline.sources.sample.body import Floats, Motion

REST = np.array([0.15, -0.92, 0.06])  # a hanging arm: out, up, forward in arm lengths


@dataclass(frozen=True)
class Manner:
    """How one trial is done: a subject's habits plus what changes between trials."""

    seconds: float  # the whole recording
    lead: float  # share of it before the action starts
    tail: float  # and after it ends
    size: float  # times the usual amplitude
    height: float  # added to the hand's height, in arm lengths
    depth: float  # and to how far forward it works
    tilt: float  # radians that the plane of the movement is turned
    start: float  # radians: where a circle begins
    repeats: int
    asymmetry: float  # 0..1: how much the other arm follows
    fidget: float  # arm lengths of unrelated movement
    curl: float  # bend of straight paths
    skew: float  # how unevenly the movement's time runs


Path = tuple[Floats, Floats, Floats]  # right (n, 3), left (n, 3), drop (n,) on evenly spaced phases


class Action(NamedTuple):
    """How long an action usually takes, and its path by phase (n,) from 0 to 1."""

    seconds: float
    path: Callable[[Floats, Manner], Path]


def motion(action: str, manner: Manner, rate: float, rng: np.random.Generator) -> Motion:
    """Perform one of `ACTIONS` in ``round(seconds * rate)`` moments, from rest to rest; `rng` is for fidgeting."""
    times = round(manner.seconds * rate)
    phase = np.clip((np.linspace(0, 1, times) - manner.lead) / (1 - manner.lead - manner.tail), 0, 1)
    phase = phase + manner.skew * np.sin(2 * np.pi * phase) / (2 * np.pi)
    right, left, drop = ACTIONS[action].path(phase, manner)

    def wander(width: float, scale: float, channels: int) -> Floats:
        noise = gaussian_filter1d(rng.normal(size=(times, channels)), width * rate, axis=0, mode="nearest")
        wandered: Floats = scale * noise / max(float(noise.std()), 1e-9)
        return wandered

    busy = 0.3 + np.sin(np.pi * phase)[:, None]
    right = right + manner.fidget * busy * wander(0.12, 1.0, 3)
    left = left + manner.asymmetry * 0.35 * (right - REST) + manner.fidget * wander(0.3, 0.6, 3)
    smooth = 0.05 * rate  # no jerks: muscles
    right, left, drop = (gaussian_filter1d(p, smooth, axis=0, mode="nearest") for p in (right, left, drop))
    lean = 0.9 * drop + 0.12 * (right[:, 2] - REST[2]) + wander(0.5, 0.02, 1)[:, 0]
    twist = 0.25 * (0.16 - right[:, 0]) + wander(0.5, 0.03, 1)[:, 0]
    return Motion(
        right, left, drop, lean, twist,
        sway=wander(0.6, 0.012, 3) * np.array([1.0, 0.2, 1.0]),
        roll=0.5 * (right[:, 1] - REST[1]) + wander(0.3, 0.08, 1)[:, 0],
    )  # fmt: skip


def _through(phase: Floats, points: list[tuple[float, Floats]]) -> Floats:
    """Pass through points (phase, (3,)) without overshoot, starting and ending at rest."""
    at = np.array([0.0, *(p for p, _ in points), 1.0])
    path: Floats = PchipInterpolator(at, np.stack([REST, *(x for _, x in points), REST]))(phase)
    return path


def _still(phase: Floats) -> tuple[Floats, Floats]:
    return np.broadcast_to(REST, (len(phase), 3)), np.zeros(len(phase))


def _tilted(out: float, up: float, manner: Manner) -> Floats:
    """Turn an offset in the frontal plane by the manner's tilt."""
    cos, sin = np.cos(manner.tilt), np.sin(manner.tilt)
    return np.array([cos * out - sin * up, sin * out + cos * up, 0.0])


def _centre(manner: Manner, out: float, up: float, forward: float) -> Floats:
    return np.array([out, up + manner.height, forward + manner.depth])


def _swipe(sign: float) -> Callable[[Floats, Manner], Path]:
    def swipe(phase: Floats, manner: Manner) -> Path:
        centre = _centre(manner, -0.15, 0.12, 0.68)
        far, near = (_tilted(side * 0.5 * manner.size, 0.0, manner) for side in (sign, -sign))
        bow = np.array([0.0, manner.curl, 0.15])
        right = _through(phase, [(0.33, centre + far), (0.5, centre + bow), (0.67, centre + near)])
        return right, *_still(phase)

    return swipe


def _circle(sign: float) -> Callable[[Floats, Manner], Path]:
    # out is right and up is up for the subject too, so a growing angle is counter-clockwise as they see it
    def circle(phase: Floats, manner: Manner) -> Path:
        centre = _centre(manner, -0.1, 0.12, 0.68)
        points = []
        for part in np.linspace(0, 1, 13):
            angle = manner.start + sign * 2 * np.pi * part * (1 + 0.08 * manner.curl)
            offset = _tilted(0.36 * manner.size * np.cos(angle), 0.36 * manner.size * np.sin(angle), manner)
            points.append((0.22 + 0.56 * part, centre + offset))
        return _through(phase, points), *_still(phase)

    return circle


def _wave(phase: Floats, manner: Manner) -> Path:
    centre, points = _centre(manner, 0.15, 0.42, 0.5), []
    for i in range(2 * manner.repeats + 1):
        side = _tilted(0.28 * manner.size * (-1) ** i, 0.0, manner)
        points.append((0.2 + 0.6 * i / (2 * manner.repeats), centre + side))
    return _through(phase, points), *_still(phase)


def _knock(phase: Floats, manner: Manner) -> Path:
    centre, points = _centre(manner, -0.02, 0.22, 0.55), []
    for i in range(2 * manner.repeats + 1):
        forth = np.array([0.0, 0.04, -0.2 if i % 2 == 0 else 0.2]) * manner.size
        points.append((0.22 + 0.56 * i / (2 * manner.repeats), centre + forth + _tilted(0.03 * (-1) ** i, 0, manner)))
    return _through(phase, points), *_still(phase)


def _push(phase: Floats, manner: Manner) -> Path:
    centre = _centre(manner, -0.05, 0.1, 0.55)
    back, forth = np.array([0.0, -0.05, -0.25]) * manner.size, np.array([0.0, 0.05, 0.32]) * manner.size
    right = _through(phase, [(0.32, centre + back), (0.55, centre + forth), (0.68, centre + 0.8 * forth)])
    return right, *_still(phase)


def _squat(phase: Floats, manner: Manner) -> Path:
    bent = np.sin(np.pi * np.clip((phase - 0.1) / 0.8, 0, 1)) ** 2
    forward = _centre(manner, 0.0, -0.25, 0.8) - REST
    right = REST + bent[:, None] * forward * (0.35 + 0.5 * manner.size)
    return right, right.copy(), 0.3 * manner.size * bent


ACTIONS = {
    "swipe_left": Action(2.0, _swipe(1.0)),
    "swipe_right": Action(2.0, _swipe(-1.0)),
    "wave": Action(2.5, _wave),
    "draw_circle_cw": Action(2.3, _circle(-1.0)),
    "draw_circle_ccw": Action(2.3, _circle(1.0)),
    "push": Action(2.0, _push),
    "knock": Action(2.3, _knock),
    "squat": Action(2.3, _squat),
}
