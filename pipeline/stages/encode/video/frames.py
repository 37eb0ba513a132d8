"""From a camera's frames to a network's images: cropped, scaled to 0..1, averaged by window, resized; on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.stages.encode.video.params import DepthRange, VideoParams

MARGIN = 0.05  # of the person's extent, on each side

Frame = NDArray[np.uint8] | NDArray[np.uint16]


class FramesError(ValueError):
    """A video's frames are not what its windows need."""


@dataclass(frozen=True)
class Images:
    """Inputs of a network, and in which patches their features count: `shares[i]` of image `images[i]`'s.

    An image may count in several patches, and a patch may be the sum of several images.
    """

    pixels: Tensor  # (k, 1 or 3, S, S) float32 in 0..1
    images: NDArray[np.int64]  # (m,) 0..k-1, increasing
    patches: NDArray[np.int64]  # (m,)
    shares: NDArray[np.float32]  # (m,)

    def __len__(self) -> int:
        return len(self.pixels)

    def cut(self, start: int, stop: int) -> Images:
        """Return images `start` to `stop`."""
        chosen = slice(*self.images.searchsorted((start, stop)))
        return Images(self.pixels[start:stop], self.images[chosen] - start, self.patches[chosen], self.shares[chosen])


class FramesOfWindows:
    """Which frames are needed, and in which windows each counts how often; never changed, so that videos share it.

    Parameters
    ----------
    windows
        (windows, window) frame numbers that do not decrease along either axis; a number can repeat.
    """

    def __init__(self, windows: NDArray[np.int64]) -> None:
        self.needed = np.unique(windows)
        self.window = windows.shape[1]
        # each pair of a window and a frame in it: the window, the frame's place in `needed`, how often it counts there
        places = self.needed.searchsorted(windows)
        new = np.ones(places.shape, np.bool_)
        new[:, 1:] = places[:, 1:] != places[:, :-1]
        pairs = np.flatnonzero(new)
        self.patches, self.places = pairs // self.window, places.ravel()[pairs]
        self.counts = np.diff(pairs, append=places.size)
        self.last = places[:, -1]  # of each window


class FramesToImages:
    """Turns one stream's frames into images as they come: holds the sums of windows that are open, and no frame.

    Where frames are averaged, an image is the mean of a window. Additions follow the order of the frames, however these
    are cut into blocks, so that an image has the same bits. The frames that are needed come in order, each once.
    """

    def __init__(self, windows: FramesOfWindows, params: VideoParams) -> None:
        self._depth, self._size, self._average = params.depth, params.image_size, params.pool == "frames"
        self._windows = windows
        self._done = 0  # frames that came
        self._open: dict[int, Tensor] = {}  # sums of windows that have further frames

    def add(self, frames: Tensor) -> Images:
        """Take the next frames, (n, H, W) uint16 millimetres or (n, H, W, 3) uint8; return what they complete.

        The result is on the frames' device; nothing waits for it.
        """
        begin, self._done = self._done, self._done + len(frames)
        of = self._windows
        chosen = (of.places >= begin) & (of.places < self._done)
        patches, places, counts = of.patches[chosen], of.places[chosen] - begin, of.counts[chosen]
        if self._average:
            return self._means(frames, patches, places, counts)
        order = np.argsort(places, kind="stable")
        pixels = resize(to_unit_range(frames, self._depth), self._size)
        shares = (counts[order] / of.window).astype(np.float32)
        return Images(pixels, places[order], patches[order], shares)

    def _means(
        self, frames: Tensor, patches: NDArray[np.int64], places: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> Images:
        """Add frames to their windows' sums; return the images of the windows whose last frame was among them."""
        touched, first, sizes = np.unique(patches, return_index=True, return_counts=True)
        sums = torch.zeros((len(touched), *frames.shape[1:]), device=frames.device)
        for patch, earlier in self._open.items():
            sums[int(touched.searchsorted(patch))] = earlier
        # The first frame of each window, then the second of each: a few additions of many frames.
        for turn in range(int(sizes.max(initial=0))):
            rows = np.flatnonzero(sizes > turn)
            pairs = first[rows] + turn
            part = to_unit_range(_rows(frames, places[pairs]), self._depth)
            if (counts[pairs] != 1).any():
                part *= _on(counts[pairs].astype(np.float32), frames).view(-1, *[1] * (part.ndim - 1))
            _add_rows(sums, rows, part)
        closed = self._windows.last[touched] < self._done
        self._open = {int(touched[row]): sums[row].clone() for row in np.flatnonzero(~closed)}
        means = _rows(sums, np.flatnonzero(closed)) / self._windows.window
        found = touched[closed]
        return Images(resize(means, self._size), np.arange(len(found)), found, np.ones(len(found), np.float32))


def to_unit_range(frames: Tensor, depth: DepthRange) -> Tensor:
    """Return frames in 0..1: colour divided by 255, millimetres linearly from near (0) to far (1), clipped.

    A depth pixel without a reading (0 mm) becomes 0, as everything nearer than `near` does.
    """
    if frames.dtype == torch.uint8:
        return frames.float().mul_(1 / 255)
    return frames.float().sub_(depth.near).mul_(1 / (depth.far - depth.near)).clamp_(0, 1)


def resize(values: Tensor, size: int) -> Tensor:
    """Return (k, 1 or 3, size, size) of (k, H, W) or (k, H, W, 3): bilinear, antialiased, proportions not kept."""
    planes = values[:, None] if values.ndim == 3 else values.permute(0, 3, 1, 2)
    if planes.shape[2:] == (size, size) or not len(planes):
        return planes.reshape(len(planes), planes.shape[1], size, size)
    return F.interpolate(planes, size=(size, size), mode="bilinear", antialias=True)


@dataclass(frozen=True)
class CropSquare:
    """A square of a frame, in pixels; it may reach beyond the frame."""

    top: int
    left: int
    side: int


def person_square(frames: Iterable[Frame]) -> CropSquare | None:
    """Return the square around all pixels with a reading in any of the frames, and a margin; None for none."""
    seen: NDArray[Any] | None = None
    for frame in frames:
        if seen is None:
            seen = frame.copy(order="K")
        else:
            np.bitwise_or(seen, frame, out=seen)
    if seen is None or not seen.any():
        return None
    (top, bottom), (left, right) = (np.flatnonzero(seen.any(axis))[[0, -1]].tolist() for axis in (1, 0))
    side = round((max(bottom - top, right - left) + 1) * (1 + 2 * MARGIN))
    return CropSquare((top + bottom + 1 - side) // 2, (left + right + 1 - side) // 2, side)


Allocate = Callable[[tuple[int, ...], torch.dtype], Tensor]  # memory on the CPU, of a shape


def pageable(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return new memory."""
    return torch.empty(shape, dtype=dtype)


def pinned(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return memory that a GPU copies from while it computes. torch keeps it for the next block: that is a ring."""
    return torch.empty(shape, dtype=dtype, pin_memory=True)


class FrameStack:
    """Frames of one shape and type, copied one by one into a tensor, cropped; what lies beyond a frame is 0.

    The tensor has the frames' order in memory: MATLAB's are stored column after column.

    Attributes
    ----------
    tensor
        (count, H, W) uint16 or (count, H, W, 3) uint8 on the CPU.
    """

    def __init__(self, count: int, first: Frame, square: CropSquare | None, allocate: Allocate) -> None:
        shape = first.shape if square is None else (square.side, square.side, *first.shape[2:])
        self._by_column = first.ndim == 2 and first.flags.f_contiguous and not first.flags.c_contiguous
        kind = torch.uint8 if first.dtype == np.uint8 else torch.uint16
        tensor = allocate((count, *(shape[::-1] if self._by_column else shape)), kind)
        self.tensor = tensor.transpose(1, 2) if self._by_column else tensor
        self._inside: Any = ...
        self._into: Any = self.tensor.numpy()
        if square is not None:
            self._into[:] = 0
            top, left = max(square.top, 0), max(square.left, 0)
            bottom, right = (
                min(square.top + square.side, first.shape[0]),
                min(square.left + square.side, first.shape[1]),
            )
            self._inside = np.s_[top:bottom, left:right]
            self._into = self._into[:, top - square.top : bottom - square.top, left - square.left : right - square.left]

    def put(self, row: int, frame: Frame) -> None:
        """Copy a frame, whose memory may be used for another one then."""
        self._into[row] = frame[self._inside]

    def take(self, frames: NDArray[Any], numbers: NDArray[np.int64]) -> None:
        """Copy as many frames as there is room for, of (T, H, W) or (T, H, W, 3)."""
        if self._inside is not ...:
            for row, number in enumerate(numbers.tolist()):
                self.put(row, frames[number])
            return
        # with the axes in the order of memory, and mode "clip", nothing is copied twice
        order = (0, 2, 1) if self._by_column else tuple(range(frames.ndim))
        np.take(frames.transpose(order), numbers, axis=0, out=self._into.transpose(order), mode="clip")


def _rows(values: Tensor, rows: NDArray[np.int64]) -> Tensor:
    """Return ``values[rows]``; a view where the rows are evenly spaced, as they are in most videos."""
    if (found := _even(rows)) is not None:
        return values[found]
    if values.dtype == torch.uint16:  # which a GPU cannot be asked for by index
        return values.view(torch.int16)[_on(rows, values)].view(torch.uint16)
    return values[_on(rows, values)]


def _add_rows(values: Tensor, rows: NDArray[np.int64], more: Tensor) -> None:
    """Add to rows, each of them once."""
    found = _even(rows)
    if found is None:
        values.index_add_(0, _on(rows, values), more)
    else:
        values[found] += more


def _even(rows: NDArray[np.int64]) -> slice | None:
    """Return increasing rows as a slice; None where their distances differ."""
    if len(rows) < 2:
        return slice(int(rows[0]), int(rows[0]) + 1) if len(rows) else slice(0, 0)
    steps = np.diff(rows)
    return slice(int(rows[0]), int(rows[-1]) + 1, int(steps[0])) if steps[0] > 0 and (steps == steps[0]).all() else None


def _on(values: NDArray[Any], like: Tensor) -> Tensor:
    return torch.from_numpy(values).to(like.device, non_blocking=True)
