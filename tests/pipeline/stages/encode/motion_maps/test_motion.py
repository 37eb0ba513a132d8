"""Motion maps of a tiny block that moves, by hand; windows of a recording, whatever blocks its frames come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.stages.encode.align import TooShortError, Windows
from pipeline.stages.encode.motion_maps.hog import hog
from pipeline.stages.encode.motion_maps.motion import MotionSums, as_images, frame_spans
from pipeline.stages.encode.motion_maps.views import Foreground, find_foreground, views_of
from pipeline.stages.encode.video.params import DepthRange

RANGE = DepthRange()


def video(*readings: dict[tuple[int, int], int], size: tuple[int, int] = (4, 5)) -> NDArray[np.uint16]:
    frames = np.zeros((len(readings), *size), np.uint16)
    for frame, reading in zip(frames, readings, strict=True):
        for place, depth in reading.items():
            frame[place] = depth
    return frames


# A pixel of a body moves one column to the right, then one row down and 10 mm nearer.
MOVING = video({(1, 1): 1010}, {(1, 2): 1010}, {(2, 2): 1000})


def maps_of(frames: NDArray[np.uint16], spans: Any, block: int, step: float = 10) -> dict[int, list[Any]]:
    """Return the sums of each window, of frames that come `block` at a time."""
    foreground = find_foreground([frames], RANGE)
    assert foreground
    sums, found = MotionSums(np.array(spans), 0), {}
    for begin in range(0, len(frames), block):
        for window, maps in sums.add(views_of(frames[begin : begin + block][foreground.pixels], foreground, step)):
            assert window not in found
            found[window] = maps
    return found


def test_the_foreground_is_the_box_around_all_readings_of_all_frames() -> None:
    assert find_foreground([MOVING], RANGE) == Foreground(top=1, bottom=3, left=1, right=3, near=1000, far=1010)
    assert find_foreground([MOVING[:2], MOVING[2:]], RANGE) == find_foreground([MOVING], RANGE)
    assert find_foreground([MOVING[:0], MOVING * 0], RANGE) is None


def test_what_is_too_near_or_too_far_is_no_foreground() -> None:
    room = MOVING.copy()
    room[:, 0, 0], room[:, 3, 4] = 499, 4501
    assert find_foreground([room], RANGE) == find_foreground([MOVING], RANGE)
    foreground = find_foreground([room], DepthRange(near=0, far=1e9))
    assert foreground == Foreground(top=0, bottom=4, left=0, right=5, near=499, far=4501)


def test_each_view_has_how_far_the_surface_stands_out_of_the_back_of_the_box() -> None:
    foreground = find_foreground([MOVING], RANGE)
    assert foreground
    front, side, top = views_of(MOVING[foreground.pixels], foreground, 10)
    assert front.tolist() == [[[1, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [0, 11]]]  # mm from 1011 on
    # rows, and layers of depth: 1000 to 1009 mm, then 1010 mm; from the right, columns from the left
    assert side.tolist() == [[[0, 1], [0, 0]], [[0, 2], [0, 0]], [[0, 0], [2, 0]]]
    # layers of depth, and columns; from above, rows from below
    assert top.tolist() == [[[0, 0], [2, 0]], [[0, 0], [0, 2]], [[0, 1], [0, 0]]]


def test_of_surfaces_behind_each_other_the_nearest_to_the_viewer_is_seen() -> None:
    frames = video({(0, 0): 1000, (0, 4): 1000, (3, 0): 1000})
    foreground = find_foreground([frames], RANGE)
    assert foreground
    _, side, top = views_of(frames, foreground, 10)
    assert side.tolist() == [[[5], [0], [0], [1]]]
    assert top.tolist() == [[[4, 0, 0, 0, 4]]]


@pytest.mark.parametrize("block", [1, 2, 3])
def test_the_motion_map_of_a_moving_block(block: int) -> None:
    (maps,) = maps_of(MOVING, [[0, 2]], block).values()
    front, side, top = (each.tolist() for each in maps)
    assert front == [[1 + 0, 1 + 1], [0, 0 + 11]]
    assert side == [[0, 1 + 2], [2, 0]]
    assert top == [[0, 0 + 1], [2 + 0, 2 + 2]]


@pytest.mark.parametrize("block", [1, 2, 3])
def test_each_window_has_what_changes_within_it(block: int) -> None:
    maps = maps_of(MOVING, [[0, 1], [1, 2]], block)
    assert [each[0].tolist() for each in maps.values()] == [[[1, 1], [0, 0]], [[0, 1], [0, 11]]]


def test_a_map_without_gradients_is_described_by_zeros_though_resizing_rounds() -> None:
    images = as_images([np.full((37, 53), 12_345)], 32)
    assert not hog(images, 8, 9).any()


def test_what_stands_still_has_no_motion() -> None:
    (maps,) = maps_of(np.repeat(MOVING[:1], 4, axis=0), [[0, 3]], 2).values()
    assert not any(each.any() for each in maps)


frames_of_depth = st.integers(2, 40)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(frames_of_depth, st.integers(1, 9), st.integers(1, 9), st.integers(1, 7), st.integers(1, 50))
def test_maps_do_not_depend_on_how_frames_are_cut_into_blocks(
    length: int, window: int, stride: int, patches: int, block: int
) -> None:
    random = np.random.default_rng(length)
    frames = random.choice([0, 900, 1000, 1234, 2000], (length, 3, 4)).astype(np.uint16)
    frames[0, 0, 0] = 900
    spans = frame_spans(Windows(window, stride, patches, "resample"), length)
    blocks, whole = maps_of(frames, spans, block, 100), maps_of(frames, spans, length, 100)
    assert [*blocks] == [*range(patches)]
    for number, maps in blocks.items():
        for mine, other in zip(maps, whole[number], strict=True):
            np.testing.assert_array_equal(mine, other)
    foreground = find_foreground([frames], RANGE)
    assert foreground
    front = views_of(frames[foreground.pixels], foreground, 100)[0]
    for (begin, end), maps in zip(spans.tolist(), whole.values(), strict=True):
        np.testing.assert_array_equal(maps[0], sum(np.abs(front[t + 1] - front[t]) for t in range(begin, end)))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames_of_depth, st.integers(1, 12))
def test_equal_shares_hold_each_change_once(length: int, patches: int) -> None:
    spans = frame_spans(Windows(5, 5, patches, "resample"), length)
    assert (spans[:, 1] > spans[:, 0]).all()
    assert spans.min() >= 0
    assert spans[-1, 1] == length - 1
    if patches < length:
        assert spans[0, 0] == 0
        assert (spans[1:, 0] == spans[:-1, 1]).all()
        assert np.ptp(spans[:, 1] - spans[:, 0]) <= 1


def test_windows_of_other_alignments_count_changes() -> None:
    assert frame_spans(Windows(4, 4, 3, "truncate"), 13).tolist() == [[0, 4], [4, 8], [8, 12]]
    assert frame_spans(Windows(4, 4, 3, "pad"), 12).tolist() == [[0, 4], [4, 8]]
    assert frame_spans(Windows(4, 1, 3, "spread"), 13).tolist() == [[0, 4], [4, 8], [8, 12]]
    with pytest.raises(
        TooShortError, match=r"has 11 samples, fewer than 3 windows span .12.: the changes between its 12"
    ):
        frame_spans(Windows(4, 4, 3, "truncate"), 12)
    with pytest.raises(TooShortError, match="has one frame, and motion needs two"):
        frame_spans(Windows(4, 4, 3, "resample"), 1)


def test_maps_become_squares_whose_pixels_are_means() -> None:
    small = np.arange(16).reshape(4, 4)
    images = as_images([small.repeat(4, 0).repeat(4, 1), np.full((3, 50), 7)], 4)
    assert images.shape == (2, 4, 4)
    np.testing.assert_allclose(images[1], 7, atol=0)
    np.testing.assert_allclose(images[0][1:3, 1:3], small[1:3, 1:3], atol=1e-6)  # a ramp is its own mean
