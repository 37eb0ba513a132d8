"""Depth and colour pictures of a figure: spheres along its bones, drawn into one depth buffer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.sample.body import JOINTS, Floats

HEIGHT, WIDTH, FOCAL = 120, 160, 142.0  # half of a Kinect's depth camera
_NOTHING = np.int32(2**31 - 1)
_SHIRT, _SKIN, _TROUSERS, _SHOES = range(4)

# from joint, to joint, radius at both (metres), spheres, part
_BONES = (
    ("head", "head", 0.105, 0.105, 1, _SKIN),
    ("head", "shoulder_center", 0.06, 0.07, 3, _SKIN),
    ("shoulder_center", "spine", 0.13, 0.13, 6, _SHIRT),
    ("spine", "hip_center", 0.13, 0.13, 3, _SHIRT),
    ("left_shoulder", "right_shoulder", 0.08, 0.08, 8, _SHIRT),
    ("left_hip", "right_hip", 0.11, 0.11, 4, _TROUSERS),
    *(
        (f"{side}_{a}", f"{side}_{b}", ra, rb, n, part)
        for side in ("left", "right")
        for a, b, ra, rb, n, part in (
            ("shoulder", "elbow", 0.06, 0.05, 8, _SHIRT),
            ("elbow", "wrist", 0.047, 0.037, 8, _SKIN),
            ("wrist", "hand", 0.045, 0.045, 2, _SKIN),
            ("hip", "knee", 0.085, 0.065, 8, _TROUSERS),
            ("knee", "ankle", 0.06, 0.045, 8, _TROUSERS),
            ("ankle", "foot", 0.045, 0.04, 3, _SHOES),
        )
    ),
)


@dataclass(frozen=True)
class Look:
    """One subject's clothes and room: RGB in 0..255."""

    parts: Floats  # (4, 3)
    wall: Floats  # (3,)
    floor: Floats  # (3,)


def look(rng: np.random.Generator) -> Look:
    """Draw a subject's look."""
    skin = np.array([205.0, 160.0, 130.0]) * rng.uniform(0.5, 1.1)
    parts = np.stack([rng.uniform(40, 230, 3), skin, rng.uniform(20, 130, 3), rng.uniform(10, 80, 3)])
    return Look(parts, rng.uniform(110, 200, 3), rng.uniform(70, 130, 3))


def draw(joints: Floats, girth: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draw T poses of joints (T, 20, 3), in metres and camera coordinates, `girth` times as thick as usual.

    Returns
    -------
    depth, part
        (T, HEIGHT, WIDTH): millimetres, 0 where there is nothing; and what is seen there, -1 for nothing.
    """
    times = len(joints)
    nearest = np.full(times * HEIGHT * WIDTH, _NOTHING, np.int32)
    base = np.arange(times) * (HEIGHT * WIDTH)
    distance = float(joints[..., 2].mean())
    for start, end, first, last, spheres, part in _BONES:
        a, b = joints[:, JOINTS.index(start)], joints[:, JOINTS.index(end)]
        for share in np.linspace(0, 1, spheres):
            radius = girth * (first + (last - first) * share)
            centre = a + (b - a) * share  # (T, 3)
            down, across, bulge = _disc(round(FOCAL * radius / distance, 1))
            column = np.rint(WIDTH / 2 + FOCAL * centre[:, 0] / centre[:, 2]).astype(np.int64)[:, None] + across
            row = np.rint(HEIGHT / 2 - FOCAL * centre[:, 1] / centre[:, 2]).astype(np.int64)[:, None] + down
            millimetres = ((centre[:, 2:] - radius * bulge) * 1000).astype(np.int32)
            value = millimetres * 4 + np.int32(part)  # part in the low bits
            inside = (column >= 0) & (column < WIDTH) & (row >= 0) & (row < HEIGHT)
            np.minimum.at(nearest, (base[:, None] + row * WIDTH + column)[inside], value[inside])
    seen = nearest.reshape(times, HEIGHT, WIDTH)
    empty = seen == _NOTHING
    return np.where(empty, 0, seen >> 2), np.where(empty, -1, seen & 3)


def kinect(depth: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Make a depth camera's picture: noisy, quantised, ragged at the silhouette; (T, 240, 320) uint16 mm."""
    seen = np.flatnonzero(depth)
    values = depth.reshape(-1)[seen] + rng.normal(0, 7, len(seen))
    solid = depth > 0
    edge = solid & ~(np.roll(solid, 1, 1) & np.roll(solid, -1, 1) & np.roll(solid, 1, 2) & np.roll(solid, -1, 2))
    lost = edge.reshape(-1)[seen] & (rng.random(len(seen)) < 0.35)
    noisy = np.zeros(depth.size, np.uint16)
    noisy[seen] = np.where(lost, 0, np.rint(values / 12) * 12)
    return noisy.reshape(depth.shape).repeat(2, axis=1).repeat(2, axis=2)


def colour(
    depth: NDArray[np.int32], part: NDArray[np.int32], look: Look, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Paint what was drawn: lit from the side, before a wall and a floor; (T, HEIGHT, WIDTH, 3) uint8 RGB."""
    rows = np.linspace(0, 1, HEIGHT)[:, None, None]
    room = np.where(rows > 0.8, look.floor, look.wall * (1.1 - 0.3 * rows)) + np.zeros((1, WIDTH, 1))
    room += rng.normal(0, 3, (HEIGHT, WIDTH, 1))  # texture, the same in every frame
    pictures = np.broadcast_to(room.clip(0, 255).astype(np.uint8), (*depth.shape, 3)).copy()
    slope = np.clip(np.diff(depth, axis=2, prepend=0), -60, 60)
    frame, row, column = np.nonzero(part >= 0)
    light = 0.8 + slope[frame, row, column, None] / 300
    paint = look.parts[part[frame, row, column]] * light + rng.normal(0, 4, (len(frame), 1))
    pictures[frame, row, column] = paint.clip(0, 255).astype(np.uint8)
    return pictures


@cache
def _disc(pixels: float) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Offsets (rows, columns) of a sphere's pixels, and by how many radii each is nearer than its centre."""
    reach = int(np.ceil(pixels))
    down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    squared = (down**2 + across**2) / max(pixels, 0.5) ** 2
    inside = squared <= 1.0
    return down[inside], across[inside], np.sqrt(1 - squared[inside])
