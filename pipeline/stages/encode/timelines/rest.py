"""What accelerometers measure at rest: gravity alone. By it a series is scaled to 1 g and turned upright.

Each recording goes by itself, so that no row depends on which others there are, and a recogniser on a device, which has
seen nobody else's recordings, prepares its samples in the same way (`pipeline.edge.export.rest`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.stages.encode.timelines.params import SeriesParams
from pipeline.stages.encode.timelines.triads import GRAVITY, triad_units

LEAST = 0.2  # g: what is less has no direction to go by, and no scale
AXES = {sign + name: (at, -1.0 if sign else 1.0) for sign in ("", "-") for at, name in enumerate("xyz")}
HALF_TURN = 1e-5  # a cosine so near to -1 is that of opposite directions, which tell no way to turn


def rest_samples(share: float, length: int) -> int:
    """Return how many of a recording's samples are looked at together, at least two where there are two."""
    return min(length, max(2, round(share * length)))


def calibrated(values: NDArray[np.float64], units: Sequence[str], params: SeriesParams) -> NDArray[np.float64]:
    """Return (T, C) scaled and turned as `params` says, by what each accelerometer measures at rest.

    One that is never at rest is left as it is. Where there is one accelerometer, all other triads turn with it.
    """
    kinds = triad_units([*units] * values.shape[1] if len(units) == 1 else units)
    triads = values.reshape(len(values), -1, 3).copy()
    accelerometers = [at for at, unit in enumerate(kinds) if unit in GRAVITY]
    for at in accelerometers:
        gravity = GRAVITY[kinds[at]]
        force = rest_force(triads[:, at] / gravity, params)
        if force is None:
            continue
        magnitude = float(np.linalg.norm(force))
        if params.calibrate == "rest":
            triads[:, at] /= magnitude
        if params.orient != "none":
            turned = slice(None) if len(accelerometers) == 1 else slice(at, at + 1)
            triads[:, turned] = triads[:, turned] @ turn_onto(force / magnitude, params.orient).T
    return triads.reshape(values.shape)


def rest_force(values: NDArray[np.float64], params: SeriesParams) -> NDArray[np.float64] | None:
    """Return the mean (3,) of an accelerometer's samples (T, 3) in g where they are quietest; None without rest.

    The quietest of all stretches of ``rest_share`` of the samples is the one with the least deviation from its mean, in
    all three axes together (root mean square).
    """
    windows = sliding_window_view(values, rest_samples(params.rest_share, len(values)), axis=0)  # (n, 3, samples)
    variances = windows.var(axis=-1).sum(-1)
    quietest = int(variances.argmin())
    force: NDArray[np.float64] = windows[quietest].mean(-1)
    at_rest = variances[quietest] <= params.rest_deviation**2 and np.linalg.norm(force) >= LEAST
    return force if at_rest else None


def turn_onto(direction: NDArray[np.float64], axis: str) -> NDArray[np.float64]:
    """Return the smallest rotation (3, 3) that brings a unit vector onto an axis; one of them from its opposite."""
    at, sign = AXES[axis]
    target = np.zeros(3)
    target[at] = sign
    cosine = float(direction @ target)
    if cosine < -1 + HALF_TURN:
        half = -np.eye(3)
        half[(at + 1) % 3, (at + 1) % 3] = 1.0
        return half
    x, y, z = np.cross(direction, target)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn: NDArray[np.float64] = np.eye(3) + cross + cross @ cross / (1 + cosine)
    return turn
