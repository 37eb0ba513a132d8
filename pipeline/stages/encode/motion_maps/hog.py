"""Histograms of oriented gradients, as Dalal and Triggs (CVPR 2005) describe an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.encode.motion_maps.params import BLOCK

_CLIP = 0.2
_EPSILON = 1e-5  # added to a block's norm, whose histograms are sums a pixel: a block without gradients is zero


def width(size: int, cell: int, orientations: int) -> int:
    """Return how many numbers describe an image of `size` x `size` pixels."""
    blocks = size // cell - BLOCK + 1
    return blocks * blocks * BLOCK * BLOCK * orientations


def hog(images: NDArray[np.float64], cell: int, orientations: int) -> NDArray[np.float32]:
    """Describe (N, S, S) images by (N, D) histograms: blocks row by row, in each its cells, in each its orientations.

    Gradients are differences of the neighbours on either side, [-1, 0, 1], and 0 at the image's border. A pixel votes
    by its gradient's magnitude for one of `orientations` equal parts of 0 to 180 degrees, in its cell of `cell` x
    `cell` pixels; those that fill no cell, at the right and bottom, do not vote. Blocks of 2 x 2 cells are normalised
    by their L2 norm, clipped at 0.2 and normalised again (L2-Hys). An image's bits do not depend on those beside it.
    """
    cells = _cells(images, cell, orientations)  # (N, cells, cells, orientations)
    count = cells.shape[1] - BLOCK + 1
    corners = [cells[:, y : y + count, x : x + count] for y in range(BLOCK) for x in range(BLOCK)]
    blocks = np.stack(corners, axis=3).reshape(*corners[0].shape[:3], -1)  # (N, blocks, blocks, 4 x orientations)
    clipped = np.minimum(_normalised(blocks), _CLIP)
    described: NDArray[np.float32] = _normalised(clipped).reshape(len(images), -1).astype(np.float32)
    return described


def _cells(images: NDArray[np.float64], cell: int, orientations: int) -> NDArray[np.float64]:
    """Return (N, cells, cells, orientations): the votes in each cell, a pixel."""
    count, side = len(images), images.shape[1] // cell
    down, right = np.zeros_like(images), np.zeros_like(images)
    down[:, 1:-1] = images[:, 2:] - images[:, :-2]
    right[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    inside = np.s_[:, : side * cell, : side * cell]
    down, right = down[inside], right[inside]
    angle = np.arctan2(down, right) % np.pi
    part = np.minimum((angle * (orientations / np.pi)).astype(np.int64), orientations - 1)
    number = np.arange(side * cell) // cell
    place = (np.arange(count)[:, None, None] * side + number[:, None]) * side + number
    votes = np.bincount(
        (place * orientations + part).ravel(), np.hypot(down, right).ravel(), count * side * side * orientations
    )
    return votes.reshape(count, side, side, orientations) / (cell * cell)


def _normalised(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    normalised: NDArray[np.float64] = blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + _EPSILON**2)
    return normalised
