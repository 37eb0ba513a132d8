"""Frames become images in blocks: the same bits however they are cut, and as the definition says."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.stages.encode.align import frames, windows
from pipeline.stages.encode.video.frames import (
    CropSquare,
    FramesOfWindows,
    FrameStack,
    FramesToImages,
    Images,
    pageable,
    person_square,
)
from pipeline.stages.encode.video.params import VideoParams

SIDE = 12


def params(**changes: Any) -> VideoParams:
    return VideoParams(backbone="squeezenet1_1", weights="none", **{"image_size": SIDE, **changes})


def stacked(video: NDArray[Any], square: CropSquare | None = None) -> torch.Tensor:
    found = FrameStack(len(video), video[0], square, pageable)
    for row, frame in enumerate(video):
        found.put(row, frame)
    return found.tensor


def images(video: NDArray[Any], spec: VideoParams, cuts: list[int]) -> list[Images]:
    of_windows = FramesOfWindows(frames(windows(spec, 30.0), len(video)))
    to_images = FramesToImages(of_windows, spec)
    return [to_images.add(stacked(video[part])) for part in np.split(of_windows.needed, sorted(set(cuts))) if len(part)]


def sums(found: list[Images], patches: int) -> torch.Tensor:
    """Add up images by their shares, as features are."""
    total = torch.zeros((patches, *found[0].pixels.shape[1:]))
    for each in found:
        for image, patch, share in zip(each.images, each.patches, each.shares, strict=True):
            total[patch] += each.pixels[image] * float(share)
    return total


@settings(max_examples=40, deadline=None)
@given(
    st.integers(3, 30),
    st.booleans(),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from(["frames", "features"]),
    st.lists(st.integers(1, 29), max_size=4),
)
def test_images_are_the_same_however_frames_are_cut(
    length: int, depth: bool, window: int, stride: int, pool: Any, cuts: list[int]
) -> None:
    random = np.random.default_rng(length)
    video = (
        random.integers(0, 6000, (length, 20, 16), np.uint16)
        if depth
        else random.integers(0, 256, (length, 20, 16, 3), np.uint8)
    )
    spec = params(window=window, stride=stride, patches=3, pool=pool)
    whole, parts = images(video, spec, []), images(video, spec, cuts)
    assert torch.equal(torch.cat([each.pixels for each in whole]), torch.cat([each.pixels for each in parts]))
    for name in ("patches", "shares"):
        left, right = (np.concatenate([getattr(each, name) for each in found]) for found in (whole, parts))
        np.testing.assert_array_equal(left, right)
    # the definition: levels, mean of each window, antialiased resizing
    level = torch.from_numpy(video.astype(np.float32))
    level = ((level - 500) / 4000).clip(0, 1)[:, None] if depth else level.permute(0, 3, 1, 2) / 255
    members = torch.from_numpy(frames(windows(spec, 30.0), length))
    expected = F.interpolate(level[members].mean(1), size=(SIDE, SIDE), mode="bilinear", antialias=True)
    torch.testing.assert_close(sums(parts, len(members)), expected, rtol=1e-5, atol=1e-6)


def test_sums_of_open_windows_alone_are_held() -> None:
    spec = params(window=4, stride=2, patches=50)
    numbers = frames(windows(spec, 30.0), 102)
    to_images = FramesToImages(FramesOfWindows(numbers), spec)
    video = np.zeros((102, 20, 16), np.uint16)
    for begin in range(0, 102, 3):
        to_images.add(stacked(video[begin : begin + 3]))
        assert len(to_images._open) <= 2
    assert not to_images._open


def test_images_can_be_cut() -> None:
    (found,) = images(np.zeros((9, 20, 16), np.uint16), params(window=3, stride=2, patches=3, pool="features"), [])
    parts = [found.cut(0, 2), found.cut(2, 5), found.cut(5, len(found))]
    assert [len(part) for part in parts] == [2, 3, len(found) - 5]
    np.testing.assert_array_equal(np.concatenate([part.patches for part in parts]), found.patches)
    assert all(part.images.max() < len(part) for part in parts)


@settings(max_examples=30, deadline=None)
@given(st.integers(-5, 15), st.integers(-5, 15), st.integers(6, 30), st.booleans())
def test_a_crop_is_zero_beyond_the_frame(top: int, left: int, side: int, by_column: bool) -> None:
    video = np.random.default_rng(0).integers(1, 6000, (3, 16, 20), np.uint16)
    if by_column:
        video = video.transpose(0, 2, 1).copy().transpose(0, 2, 1)
    square = CropSquare(top, left, side)
    found = stacked(video, square)
    taken = FrameStack(3, video[0], square, pageable)
    taken.take(video, np.arange(3))
    padded = np.pad(video, ((0, 0), (40, 40), (40, 40)))[:, 40 + top :][:, :side, 40 + left : 40 + left + side]
    np.testing.assert_array_equal(found.numpy(), padded)
    np.testing.assert_array_equal(taken.tensor.numpy(), padded)


def test_frames_in_memory_are_taken_as_one_by_one() -> None:
    video = np.random.default_rng(0).integers(0, 6000, (9, 20, 16), np.uint16)
    for array in (video, video.transpose(0, 2, 1).copy().transpose(0, 2, 1)):
        taken = FrameStack(4, array[0], None, pageable)
        taken.take(array, np.array([0, 3, 4, 8]))
        np.testing.assert_array_equal(taken.tensor.numpy(), video[[0, 3, 4, 8]])


def test_a_person_is_all_pixels_that_ever_have_a_reading() -> None:
    video = np.zeros((3, 20, 30), np.uint16)
    video[0, 4, 10], video[2, 9, 19] = 1, 32768
    square = person_square(iter(video))
    assert square == CropSquare(top=1, left=9, side=11)  # 10 columns and a margin, around the middle
    assert person_square(iter(np.zeros((2, 4, 4), np.uint16))) is None
