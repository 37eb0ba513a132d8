"""Window arithmetic, against slow loops and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.encode.align import TooShortError, Windows, frames, interpolate, nearest, starts, windows
from pipeline.stages.encode.timelines.params import SeriesParams

SPECS: dict[str, Any] = {
    "window": st.integers(1, 12),
    "stride": st.integers(1, 12),
    "patches": st.integers(1, 15),
}


@given(**SPECS, length=st.integers(1, 400))
def test_resampled_windows_number_p_and_end_with_the_timeline(
    window: int, stride: int, patches: int, length: int
) -> None:
    spec = Windows(window, stride, patches, "resample")
    found = starts(spec, length)
    assert len(found) == patches
    assert found[0] == 0
    assert found[-1] + window == spec.length
    covered = {sample for start in found for sample in range(start, start + window)}
    assert (covered == set(range(spec.length))) == (stride <= window or patches == 1)


@given(**SPECS, length=st.integers(1, 400))
def test_spread_windows_are_whole_evenly_spread_and_reach_both_ends(
    window: int, stride: int, patches: int, length: int
) -> None:
    spec = Windows(window, stride, patches, "spread")
    if length < window:
        with pytest.raises(TooShortError, match="fewer than one window"):
            starts(spec, length)
        return
    found = starts(spec, length)
    assert len(found) == patches
    assert found[0] == 0
    assert patches == 1 or found[-1] == length - window
    steps = np.diff(found)
    assert (steps >= 0).all()
    assert patches < 3 or steps.max() - steps.min() <= 1


@given(**SPECS, length=st.integers(1, 400))
def test_padded_and_truncated_windows_equal_a_loop(window: int, stride: int, patches: int, length: int) -> None:
    expected = []
    at = 0
    while at + window <= length and len(expected) < patches:
        expected.append(at)
        at += stride
    pad, truncate = (Windows(window, stride, patches, align) for align in ("pad", "truncate"))
    if expected:
        assert starts(pad, length).tolist() == expected
    else:
        with pytest.raises(TooShortError):
            starts(pad, length)
    if len(expected) == patches:
        assert starts(truncate, length).tolist() == expected
    else:
        with pytest.raises(TooShortError):
            starts(truncate, length)


@given(length=st.integers(1, 300), samples=st.integers(1, 300))
def test_nearest_sample_is_the_nearest_and_never_goes_back(length: int, samples: int) -> None:
    found = nearest(length, samples)
    assert found[0] == 0
    assert samples == 1 or found[-1] == length - 1
    assert (np.diff(found) >= 0).all()
    if samples > 1:
        for number, sample in enumerate(found):
            assert abs(sample * (samples - 1) - number * (length - 1)) * 2 <= (samples - 1) * (1 + 1e-9)


@given(**SPECS, length=st.integers(1, 200))
def test_frames_are_the_windows_of_the_nearest_frames(window: int, stride: int, patches: int, length: int) -> None:
    spec = Windows(window, stride, patches, "resample")
    line = nearest(length, spec.length)
    expected = [[line[p * stride + k] for k in range(window)] for p in range(patches)]
    assert frames(spec, length).tolist() == expected


@given(
    length=st.integers(2, 100),
    samples=st.integers(1, 150),
    gaps=st.lists(st.floats(0.01, 5), min_size=100, max_size=100),
)
def test_interpolating_a_linear_ramp_gives_the_ramp(length: int, samples: int, gaps: list[float]) -> None:
    times = np.cumsum(gaps[:length])
    ramp = np.stack([3 * times - 1, -times], axis=1)
    at = np.linspace(times[0], times[-1], samples)
    np.testing.assert_allclose(interpolate(ramp, times, at), np.stack([3 * at - 1, -at], axis=1), atol=1e-9)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_interpolation_equals_numpys(values: list[float], samples: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.random(len(values)) + 0.01)
    at = np.sort(random.uniform(times[0] - 1, times[-1] + 1, samples))
    found = interpolate(np.array(values)[:, None], times, at)[:, 0]
    np.testing.assert_allclose(found, np.interp(at, times, values), atol=1e-9)


def test_doubled_times_do_not_divide_by_zero() -> None:
    found = interpolate(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 1.0]), np.array([0.5, 1.0]))
    assert np.isfinite(found).all()


def test_seconds_count_at_the_nominal_rate() -> None:
    params = SeriesParams(window=0.25, stride=0.001, unit="seconds", patches=4)
    assert windows(params, 50.0) == Windows(window=12, stride=1, patches=4, align="resample")
