"""Motion maps: what changes from frame to frame, added up over a window, as images of one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pipeline.stages.encode.align import TooShortError, Windows, starts
from pipeline.stages.encode.motion_maps.views import Views


def frame_spans(spec: Windows, length: int) -> NDArray[np.int64]:
    """Return (windows, 2): the first and the last frame of each window of a video of `length` frames.

    A window's motion is what changes from each of its frames to the next, up to the last: the samples of `spec` are
    these changes, one fewer than there are frames. With ``resample`` the windows lie in the same parts of every
    recording, and each has one change at least.

    TooShortError as of `pipeline.stages.encode.align.starts`; also for a video of fewer than two frames.
    """
    changes = length - 1
    if changes < 1:
        raise TooShortError("has no samples" if length < 1 else "has one frame, and motion needs two")
    if spec.align != "resample":
        try:
            begin = starts(spec, changes)
        except TooShortError as error:
            raise TooShortError(f"{error}: the changes between its {length} frames") from error
        return np.stack([begin, begin + spec.window], axis=1)
    edges = np.arange(spec.patches, dtype=np.int64) * spec.stride
    begin = edges * changes // spec.length
    end = np.maximum((edges + spec.window) * changes // spec.length, begin + 1)
    return np.stack([begin, end], axis=1)


class MotionSums:
    """Adds up what changes from frame to frame, |next - this|, by window; holds the sums of windows that are open.

    Sums are whole numbers, so that they do not depend on how frames are cut into blocks.

    Parameters
    ----------
    spans
        (windows, 2): first and last frame of each window, which do not decrease along the windows.
    first
        The number of the first frame that will come.
    """

    def __init__(self, spans: NDArray[np.int64], first: int) -> None:
        self._spans, self._next = spans, first
        self._last: Views | None = None  # the views of the frame that came last
        self._open: dict[int, list[NDArray[np.int64]]] = {}

    def add(self, views: Views) -> Iterator[tuple[int, list[NDArray[np.int64]]]]:
        """Take the next frames' views; yield each window that they complete, and its sums: a map for each view."""
        if self._last is not None:
            views = tuple(np.concatenate(pair) for pair in zip(self._last, views, strict=True))  # type: ignore[assignment]
        begin, end = self._next - (self._last is not None), self._next + len(views[0]) - (self._last is not None)
        self._last, self._next = tuple(view[-1:] for view in views), end  # type: ignore[assignment]
        changes = [np.abs(np.diff(view, axis=0)) for view in views]  # change i: from frame begin + i to the next
        low = int(self._spans[:, 1].searchsorted(begin, "right"))
        high = int(self._spans[:, 0].searchsorted(end - 1, "left"))
        for window in range(low, high):
            start, stop = self._spans[window].tolist()
            of = slice(max(start - begin, 0), stop - begin)
            sums = [change[of].sum(axis=0, dtype=np.int64) for change in changes]
            if window in self._open:
                sums = [earlier + more for earlier, more in zip(self._open.pop(window), sums, strict=True)]
            if stop < end:
                yield window, sums
            else:
                self._open[window] = sums


def as_images(maps: Sequence[NDArray[np.int64]], size: int) -> NDArray[np.float64]:
    """Return maps of any shapes as (views, size, size): bilinear, antialiased, proportions not kept.

    Rounded to millionths, so that where a map is constant there is no gradient: blocks are normalised, however faint.
    """
    planes = [torch.from_numpy(each.astype(np.float64))[None, None] for each in maps]
    resized = [F.interpolate(each, size=(size, size), mode="bilinear", antialias=True)[0, 0] for each in planes]
    images: NDArray[np.float64] = torch.stack(resized).numpy().round(6)
    return images


def motion_maps(
    blocks: Iterable[Views], spans: NDArray[np.int64], size: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield each window's number and its maps (3, size, size), from the views of its video's frames.

    The first block begins with the first frame of the first window.
    """
    sums = MotionSums(spans, int(spans[0, 0]))
    for views in blocks:
        for window, maps in sums.add(views):
            yield window, as_images(maps, size)
