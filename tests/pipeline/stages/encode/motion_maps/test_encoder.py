"""Motion maps of arrays, end to end: what is stored depends on no place, batch or shard; what cannot be encoded."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import ConfigError, StepError
from pipeline.sources.base import Modality
from pipeline.stages.encode.motion_maps.encoder import MotionMapEncoder
from pipeline.stages.encode.motion_maps.hog import hog
from pipeline.stages.encode.motion_maps.motion import as_images
from pipeline.stages.encode.motion_maps.params import MotionMapParams
from pipeline.stages.encode.motion_maps.reading import BLOCK_BYTES
from pipeline.stages.encode.video.params import DepthRange

DEPTH = Modality("video", ("depth",), 30.0)
MAPS = partial(MotionMapParams, reduce="motion-maps", image_size=16, cell=4)
EACH = 3 * 3 * 4 * 9  # features of a view


@pytest.fixture
def encoded(encode: Any) -> Any:
    """A function that encodes a memory source, each time into another output."""
    keys = iter("0123456789")

    def run(source: Any, params: Any, modality: Modality = DEPTH, **options: Any) -> Any:
        return encode(source, modality, params, build=MotionMapEncoder, key=next(keys) * 64, **options)

    return run


def body(length: int, seed: int = 1, size: tuple[int, int] = (20, 12)) -> NDArray[np.uint16]:
    """A body whose outline changes, with a reading at two opposite corners of its box."""
    random = np.random.default_rng(seed)
    frames = random.integers(2000, 2400, (length, *size)).astype(np.uint16)
    frames[random.random(frames.shape) < 0.4] = 0
    frames[0, 0, 0], frames[0, -1, -1] = 2000, 2399
    return frames


def some(count: int, stream: str = "depth") -> dict[Any, Any]:
    return {(f"r{number:03}", stream): body(3 + number % 23, number) for number in range(count)}


def test_a_patch_holds_the_histograms_of_three_maps_of_its_share(encoded: Any, memory: Any) -> None:
    frames = body(13)
    output, _ = encoded(memory({("r", "depth"): frames}), MAPS(patches=3))
    assert output.read("features").shape == (1, 3, 3 * EACH)
    assert output.read("valid").all()
    relief = np.where(frames > 0, 2400 - frames.astype(int), 0)
    change = np.abs(np.diff(relief, axis=0))
    maps = np.concatenate([as_images([change[begin : begin + 4].sum(0)], 16) for begin in (0, 4, 8)])
    np.testing.assert_allclose(output.read("features")[0, :, :EACH], hog(maps, 4, 9), atol=1e-6)


def test_it_does_not_matter_where_the_body_stands(encoded: Any, memory: Any) -> None:
    data = {}
    for name, (top, left, farther) in {"a": (0, 0, 0), "b": (30, 50, 0), "c": (7, 5, 1000)}.items():
        frames = np.zeros((14, 50, 62), np.uint16)
        inside = frames[:, top : top + 20, left : left + 12]
        inside[:] = body(14)
        inside[inside > 0] += farther
        data[name, "depth"] = frames
    found = encoded(memory(data), MAPS())[0].read("features")
    assert found.any()
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_a_room_behind_the_body_is_cut_off_by_the_range_of_depth(encoded: Any, memory: Any) -> None:
    alone = np.zeros((9, 30, 40), np.uint16)
    alone[:, 5:25, 9:21] = body(9)
    room = np.where(alone == 0, 3500, alone).astype(np.uint16)
    params = MAPS(depth=DepthRange(near=500, far=3000))
    output, _ = encoded(memory({("alone", "depth"): alone, ("room", "depth"): room}), params)
    np.testing.assert_array_equal(output.read("features")[1], output.read("features")[0])


def test_values_do_not_depend_on_the_shard_the_threads_or_the_reader(encoded: Any, memory: Any) -> None:
    """Seventy recordings are two shards; `loaded` frames lie in memory column by column, as MATLAB's do."""
    source = memory(some(70))
    output, _ = encoded(source, MAPS(), threads=3)
    features = output.read("features")
    backwards, _ = encoded(source, MAPS(), threads=1, recordings=source.recordings()[::-1])
    np.testing.assert_array_equal(backwards.read("features")[::-1], features)
    opened = source.open_video

    def with_frames_in_memory(recording: Any, stream: str) -> Any:
        video = opened(recording, stream)
        video.loaded = video.data.transpose(0, 2, 1).copy().transpose(0, 2, 1)
        return video

    source.open_video = with_frames_in_memory
    loaded, _ = encoded(source, MAPS(), threads=2)
    np.testing.assert_array_equal(loaded.read("features"), features)


def test_a_video_larger_than_a_block_is_as_one_that_is_not(
    encoded: Any, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = memory({("r", "depth"): body(60)})
    assert source.data["r", "depth"].nbytes < BLOCK_BYTES
    whole, _ = encoded(source, MAPS(patches=7, window=2, stride=1))
    monkeypatch.setattr("pipeline.stages.encode.motion_maps.reading.BLOCK_BYTES", 9000)  # two frames and their views
    cut, _ = encoded(source, MAPS(patches=7, window=2, stride=1))
    np.testing.assert_array_equal(cut.read("features"), whole.read("features"))


def test_cameras_are_joined_on_the_feature_axis(encoded: Any, memory: Any) -> None:
    data = some(3, "left") | some(3, "right")
    both, _ = encoded(memory(data), MAPS(), Modality("video", ("left", "right"), 30.0))
    left, _ = encoded(memory(data), MAPS(), Modality("video", ("left",), 30.0))
    assert both.read("features").shape == (3, 6, 6 * EACH)
    np.testing.assert_array_equal(both.read("features")[..., : 3 * EACH], left.read("features"))


def test_windows_that_a_short_video_lacks_are_not_valid(encoded: Any, memory: Any) -> None:
    output, _ = encoded(memory({("r", "depth"): body(8)}), MAPS(window=3, stride=3, patches=4, align="pad"))
    assert output.read("valid")[0].tolist() == [True, True, False, False]
    assert output.read("features")[0, :2].any(axis=1).all()
    assert not output.read("features")[0, 2:].any()


def test_half_precision_is_the_rounded_single(encoded: Any, memory: Any) -> None:
    half, single = (encoded(memory(some(2)), MAPS(dtype=dtype))[0].read("features") for dtype in ("float16", "float32"))
    np.testing.assert_array_equal(half, single.astype(np.float16))


def test_an_interrupted_run_ends_with_identical_arrays(encode: Any, memory: Any) -> None:
    source = memory(some(70))
    run = partial(encode, source, DEPTH, MAPS(), build=MotionMapEncoder)
    whole, _ = run(key="1" * 64)
    source.explode = {"r068"}
    with pytest.raises(KeyboardInterrupt):
        run()
    source.explode = set()
    resumed, provenance = run()
    assert provenance["rows"]["kept"] == 64
    np.testing.assert_array_equal(resumed.read("features"), whole.read("features"))


def test_broken_recordings_keep_an_empty_row(encoded: Any, memory: Any) -> None:
    source = memory(some(6))
    source.data["r001", "depth"] = body(1)
    source.data["r002", "depth"] = np.zeros((5, 20, 12), np.uint16)
    source.broken["r003", "depth"], source.broken_frame = "truncated", 2
    source.data["r004", "depth"] = body(0 + 2)[:0]
    output, provenance = encoded(source, MAPS(), strict=False)
    assert output.read("valid").any(axis=1).tolist() == [True, False, False, False, False, True]
    assert not output.read("features")[1:5].any()
    reasons = {each["recording"]: each["reason"] for each in provenance["late_broken"]}
    assert "has one frame, and motion needs two" in reasons["r001"]
    assert "no frame has a reading within depth's near and far" in reasons["r002"]
    assert "truncated" in reasons["r003"]
    assert "has no samples" in reasons["r004"]
    with pytest.raises(StepError, match=r"depth/r001\.bin: has one frame.*on_bad_recording: skip"):
        encoded(source, MAPS())


class Given:
    """A video of frames that are given, of any number and size, and that says a length."""

    def __init__(self, frames: Callable[[], Iterable[Any]], length: int) -> None:
        self.length, self._frames = length, frames

    def __enter__(self) -> Given:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def frames(self, wanted: Any = None, side: Any = None) -> Any:
        yield from self._frames()


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([*body(3)], "ends early: frame 4 is needed and missing"),
        ([*body(4), *body(2, size=(20, 14))], r"a frame has the size \(20, 14\), those before it \(20, 12\)"),
    ],
)
def test_frames_that_are_not_as_announced_break_their_recording(
    encoded: Any, memory: Any, frames: list[Any], reason: str
) -> None:
    source = memory(some(1))
    source.open_video = lambda recording, stream: Given(lambda: frames, 6)
    with pytest.raises(StepError, match=reason):
        encoded(source, MAPS())


def test_a_long_video_takes_no_more_memory_than_its_blocks(encoded: Any, memory: Any) -> None:
    """A thousand frames are 38 MB, and their views 87; a block of either is 4 MB, and there are some of each."""

    def frames() -> Iterator[NDArray[np.uint16]]:
        for number in range(1000):
            frame = np.zeros((120, 160), np.uint16)
            frame[number % 80 : number % 80 + 41, number % 120 : number % 120 + 41] = 2000 + number % 200
            yield frame

    source = memory({("r", "depth"): np.empty((1000, 0))})
    source.open_video = lambda recording, stream: Given(frames, 1000)
    tracemalloc.start()
    try:
        encoded(source, MAPS(), threads=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50e6


def test_colour_is_refused(encoded: Any, memory: Any) -> None:
    source = memory({("r", "rgb"): np.zeros((5, 20, 12, 3), np.uint8)})
    for strict in (True, False):
        with pytest.raises(ConfigError, match="motion-maps needs depth, and rgb is in colour; leave reduce out"):
            encoded(source, MAPS(), Modality("video", ("rgb",), 30.0), strict=strict)
