"""Videos decoded by the GPU itself: frames become RGB and small there, and never pass through the cores' memory.

The result is what the cores' decoding gives (`pipeline.sources.formats.video.ToRgb`) to within two of 255 levels, but
for the leftmost column, where FFmpeg rounds otherwise at some sizes: both reduce brightness and colour each with a
triangle twice as wide as a pixel of the result, and then make RGB of them.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from pipeline.errors import BadRecording
from pipeline.sources.formats.video import VideoFile

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_log = logging.getLogger(__name__)
_TRIED = 3  # videos of which the GPU gave no frame, after which it is asked no more
_BT709, _BT601 = (0.2126, 0.0722), (0.299, 0.114)  # the parts of red and blue in brightness (ITU-R BT.709-6, BT.601-7)
_MATRICES = {1: _BT709, 2: _BT601, 5: _BT601, 6: _BT601}  # by FFmpeg's AVColorSpace; 2: not said
_FULL_RANGE = 2  # FFmpeg's AVColorRange
_LEFT = 0.25  # how far colour's samples lie to the left of the middle between brightness's two, in their own distance


class NotOnGpuError(Exception):
    """The GPU does not decode this kind of video."""


class GpuDecoder:
    """Decodes video files on a GPU; any number of threads may use it at once. A conversion (see `Conversion`), too.

    Parameters
    ----------
    side
        Of the frames that are wanted, in pixels.
    """

    def __init__(self, device: torch.device, side: int) -> None:
        from av.codec.hwaccel import HWAccel

        self._device, self._side = device, side
        # frames stay where they are decoded, in torch's own context
        self.hwaccel: HWAccel | None = HWAccel("cuda", device.index or 0, is_hw_owned=True)
        self._in_vain, self._told = 0, False
        self._weights: dict[tuple[int, float], Tensor] = {}

    def frames(self, video: VideoFile, wanted: NDArray[np.int64]) -> Generator[Tensor, None, None]:
        """Yield wanted frames, (side, side, 3) uint8 RGB on the GPU; ends where it cannot go on, for whatever reason.

        The cores read the rest, and their verdict on a file counts.
        """
        if self._in_vain >= _TRIED:
            return
        came = 0
        try:
            for frame in video.converted(wanted, self):
                self._in_vain = 0
                yield frame
                came += 1
        except (BadRecording, NotOnGpuError, NotImplementedError) as error:
            self._in_vain += came == 0
            self._tell(getattr(error, "reason", str(error)))

    def _tell(self, reason: str) -> None:
        if not self._told:
            self._told = True
            _log.warning("note: the cores decode videos that the GPU does not; the first of them: %s", reason)

    def begin(self) -> Callable[[VideoFrame], Tensor]:
        """See `Conversion`."""
        return self._to_rgb

    def _to_rgb(self, frame: VideoFrame) -> Tensor:
        luma, chroma = surface(frame)
        matrix, full = _MATRICES.get(frame.colorspace), frame.color_range == _FULL_RANGE
        if matrix is None:
            raise NotOnGpuError(f"colours by the matrix {frame.colorspace} of FFmpeg's AVColorSpace")
        if frame.width % 2 or frame.height % 2:
            raise NotOnGpuError(f"{frame.width} x {frame.height} pixels, which are not even numbers")
        y = self._reduced(luma, 0.0)
        u, v = (self._reduced(chroma[..., each], _LEFT) - 128 for each in (0, 1))
        return rgb(y, u, v, matrix, full)

    def _reduced(self, plane: Tensor, shift: float) -> Tensor:
        """Return (side, side) float32 in 0..255 of (H, W) uint8, or of uint16 with the value in the upper bits."""
        values = plane.float()
        if plane.dtype == torch.uint16:
            values /= 256
        return self._triangles(plane.shape[0], 0.0) @ values @ self._triangles(plane.shape[1], shift).T

    def _triangles(self, length: int, shift: float) -> Tensor:
        if (found := self._weights.get((length, shift))) is None:
            found = triangles(length, self._side, shift).to(self._device)
            self._weights[length, shift] = found
        return found


def surface(frame: VideoFrame) -> tuple[Tensor, Tensor]:
    """Return a decoded frame's brightness (H, W) and colour (H / 2, W / 2, 2), where they are: in the GPU's memory."""
    if frame.format.name != "cuda":
        raise NotOnGpuError(f"{frame.format.name} by a decoder that it does not have")
    luma, chroma = (from_dlpack(plane.__dlpack__()) for plane in frame.planes[:2])
    return luma, chroma


def rgb(y: Tensor, u: Tensor, v: Tensor, matrix: tuple[float, float], full: bool) -> Tensor:
    """Return (..., 3) uint8 of brightness in 0..255 and colour differences around 0, each (...) (ITU-R BT.601-7, 2.5).

    Parameters
    ----------
    full
        Brightness is in 0..255; else black is 16 and white 235.
    """
    red, blue = matrix
    if not full:
        y, u, v = (y - 16) * (255 / 219), u * (255 / 224), v * (255 / 224)
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    return torch.stack([r, g, b], -1).round_().clamp_(0, 255).to(torch.uint8)


def triangles(length: int, side: int, shift: float = 0.0) -> Tensor:
    """Return (side, length) float32: the weights of a row's pixels in each pixel of the row that it becomes.

    Parameters
    ----------
    shift
        How far the row's pixels lie to the left of where they would be, in their own distance.
    """
    scale = length / side
    beyond = math.ceil(max(1.0, scale)) + 1  # pixels that a triangle can reach past an end: the last one's repeated
    pixels = torch.arange(-beyond, length + beyond)
    centres = (torch.arange(side, dtype=torch.float64) + 0.5) * scale + shift
    distance = pixels + 0.5 - centres[:, None]
    reached = (1 - distance.abs() / max(1.0, scale)).clamp_min(0)
    weights = torch.zeros(side, length, dtype=torch.float64).index_add_(1, pixels.clamp(0, length - 1), reached)
    return (weights / weights.sum(1, keepdim=True)).float()
