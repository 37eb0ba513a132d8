"""Gramian angular fields: what pyts draws, its own extensions in closed form, and the stored types."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers.gaf.fused import render_into
from trainers.gaf.params import GafParams
from trainers.gaf.render import render
from trainers.gaf.stored import decode, encode
from trainers.gaf.taps import taps

FIELDS = ("summation", "difference")
TYPES = (torch.float32, torch.float16, torch.uint8)
RESOLUTION = {torch.float32: 1e-6, torch.float16: 2.0**-12, torch.uint8: 1 / 255}


def fused(series: torch.Tensor, params: GafParams, dtype: torch.dtype) -> torch.Tensor:
    out = torch.empty(len(series), len(params.fields) * series.shape[2], params.size, params.size, dtype=dtype)
    render_into(series, params, out)
    return out


RENDERERS: dict[str, Callable[[torch.Tensor, GafParams], torch.Tensor]] = {
    "torch": render,
    "fused": lambda series, params: fused(series, params, torch.float32),
}
either = pytest.mark.parametrize("draw", RENDERERS.values(), ids=RENDERERS)


class TestAgainstPyts:
    @either
    @pytest.mark.parametrize("field", FIELDS)
    def test_a_thousand_random_series_of_random_lengths(self, pyts: Any, draw: Any, field: Any) -> None:
        random = np.random.default_rng(7)
        for _ in range(100):
            length = int(random.integers(2, 260))
            size = int(random.integers(2, min(length, 96) + 1))
            series = random.normal(size=(5, length, 2)).cumsum(1) * 10.0 ** random.uniform(-3, 3)
            images = draw(torch.from_numpy(series), GafParams(size=size, field=field))
            np.testing.assert_allclose(images.numpy(), pyts(series, size, field), atol=1e-6, rtol=0)

    @either
    @pytest.mark.parametrize("size", [16, 32, 64, 100, 128, 224])
    def test_every_size(self, pyts: Any, draw: Any, size: int) -> None:
        series = np.random.default_rng(size).normal(size=(2, 224, 3)).cumsum(1)
        for field in FIELDS:
            images = draw(torch.from_numpy(series), GafParams(size=size, field=field))
            np.testing.assert_allclose(images.numpy(), pyts(series, size, field), atol=1e-6, rtol=0)

    @either
    def test_monotone_and_spiked_series(self, pyts: Any, draw: Any) -> None:
        spike = np.zeros(50)
        spike[20] = 9.81
        series = np.stack([np.arange(50.0), -np.exp(np.linspace(0, 9, 50)), spike], 1)[None]
        for field in FIELDS:
            images = draw(torch.from_numpy(series), GafParams(size=17, field=field))
            np.testing.assert_allclose(images.numpy(), pyts(series, 17, field), atol=1e-6, rtol=0)

    @either
    @pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
    def test_a_constant_series_gives_one_and_zero(self, pyts: Any, draw: Any, value: float) -> None:
        series = np.full((1, 61, 2), value)
        images = draw(torch.from_numpy(series), GafParams(size=24, field="both"))
        assert torch.equal(images[:, :2], torch.ones(1, 2, 24, 24).to(images))
        assert torch.equal(images[:, 2:], torch.zeros(1, 2, 24, 24).to(images))
        np.testing.assert_allclose(pyts(series, 24, "summation"), 1.0, atol=1e-6)
        np.testing.assert_allclose(pyts(series, 24, "difference"), 0.0, atol=1e-6)

    @either
    @pytest.mark.parametrize("value", [9.81, 1e6 / 3, -9806.65])
    def test_a_large_constant_is_no_noise(self, draw: Any, value: float) -> None:
        """pyts may scale the rounding of its means to -1..1 here."""
        images = draw(torch.full((1, 61, 1), value, dtype=torch.float64), GafParams(size=24))
        assert torch.equal(images, torch.ones_like(images))

    def test_float32_series_keep_three_more_digits_than_float16_stores(self, pyts: Any) -> None:
        series = np.random.default_rng(1).normal(size=(20, 180, 3)).cumsum(1).astype(np.float32)
        images = render(torch.from_numpy(series), GafParams())
        assert images.dtype == torch.float32
        np.testing.assert_allclose(images.numpy(), pyts(series.astype(float), 64, "summation"), atol=2e-5, rtol=0)

    @pytest.mark.parametrize("dtype", TYPES, ids=str)
    @pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=str)
    def test_stored_images_are_within_the_types_resolution(
        self, pyts: Any, dtype: torch.dtype, kind: torch.dtype
    ) -> None:
        series = torch.from_numpy(np.random.default_rng(2).normal(size=(20, 180, 3)).cumsum(1)).to(kind)
        for field in FIELDS:
            images = decode(fused(series, GafParams(size=40, field=field), dtype))
            difference = np.abs(images.numpy() - pyts(series.double().numpy(), 40, field))
            assert difference.max() <= RESOLUTION[dtype] + 1e-6

    def test_what_is_not_finite_pyts_refuses(self, pyts: Any) -> None:
        with pytest.raises(ValueError, match="NaN"):
            pyts(np.full((1, 30, 1), np.nan), 10, "summation")


class TestFixedScaling:
    @either
    @pytest.mark.parametrize("given", [2.0, (2.0, 0.5, 8.0)])
    def test_the_closed_form(self, draw: Any, given: Any) -> None:
        series = np.random.default_rng(3).normal(size=(4, 12, 3)) * 3
        angles = np.arccos(np.clip(series / np.broadcast_to(given, 3), -1, 1)).transpose(0, 2, 1)
        rows, columns = angles[..., :, None], angles[..., None, :]
        expected = np.concatenate([np.cos(rows + columns), np.sin(rows - columns)], 1)
        images = draw(torch.from_numpy(series), GafParams(size=12, field="both", scaling="fixed", range=given))
        np.testing.assert_allclose(images.numpy(), expected, atol=1e-6, rtol=0)

    @either
    def test_points_are_averaged_before_they_are_clipped(self, draw: Any) -> None:
        series = torch.tensor([4.0, -2.0, 0.5, 0.5])[None, :, None]
        images = draw(series, GafParams(size=2, scaling="fixed", range=2.0))
        x = np.array([0.5, 0.25])
        np.testing.assert_allclose(images.diagonal(0, 2, 3).flatten().numpy(), 2 * x**2 - 1, atol=1e-6)

    @either
    def test_amplitude_and_offset_are_kept(self, draw: Any) -> None:
        series = torch.randn(1, 30, 1, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
        fixed, sample = GafParams(size=30, scaling="fixed", range=4.0), GafParams(size=30)
        assert not torch.allclose(draw(series, fixed), draw(2 * series + 1, fixed), atol=1e-2)
        torch.testing.assert_close(draw(series, sample), draw(2 * series + 1, sample), atol=1e-3, rtol=0)

    @either
    def test_one_value_a_channel(self, draw: Any) -> None:
        with pytest.raises(ValueError, match=r"range: has 2 values, the series has 3 channels; give one value or 3"):
            draw(torch.zeros(1, 30, 3), GafParams(size=10, scaling="fixed", range=(1.0, 2.0)))


class TestInterpolation:
    @either
    @pytest.mark.parametrize(("length", "size"), [(1, 5), (2, 9), (30, 31), (30, 59), (30, 224)])
    def test_an_image_larger_than_its_series_interpolates_linearly(
        self, pyts: Any, draw: Any, length: int, size: int
    ) -> None:
        series = np.random.default_rng(4).normal(size=(2, length, 2))
        at = np.linspace(0, length - 1, size)
        longer = np.array([[np.interp(at, np.arange(length), row[:, c]) for c in range(2)] for row in series])
        for field in FIELDS:
            images = draw(torch.from_numpy(series), GafParams(size=size, field=field))
            expected = pyts(longer.transpose(0, 2, 1), size, field)
            np.testing.assert_allclose(images.numpy(), expected, atol=2e-6, rtol=0)


class TestWhatTheFieldsSee:
    @either
    def test_summation_cannot_see_sign_and_difference_can(self, draw: Any) -> None:
        series = torch.from_numpy(np.random.default_rng(5).normal(size=(3, 64, 2)).cumsum(1))
        upright, turned = (draw(s, GafParams(size=32, field="both")) for s in (series, -series))
        torch.testing.assert_close(upright[:, :2], turned[:, :2], atol=1e-6, rtol=0)
        torch.testing.assert_close(upright[:, 2:], -turned[:, 2:], atol=1e-6, rtol=0)
        assert (upright[:, 2:] - turned[:, 2:]).abs().max() > 0.5

    @either
    def test_both_has_all_summation_fields_first(self, draw: Any) -> None:
        series = torch.randn(2, 40, 3, generator=torch.Generator().manual_seed(1))
        single = [draw(series, GafParams(size=16, field=field)) for field in FIELDS]  # type: ignore[arg-type]
        assert torch.equal(draw(series, GafParams(size=16, field="both")), torch.cat(single, 1))

    @pytest.mark.parametrize("dtype", TYPES, ids=str)
    def test_fused_images_mirror_exactly(self, dtype: torch.dtype) -> None:
        series = torch.randn(2, 90, 1, generator=torch.Generator().manual_seed(2))
        summation, difference = fused(series, GafParams(size=45, field="both"), dtype).unbind(1)
        assert torch.equal(summation, summation.mT)
        if dtype != torch.uint8:  # whose middle lies between two numbers
            assert torch.equal(difference, -difference.mT)


class TestTaps:
    @given(st.integers(1, 500), st.integers(2, 300))
    def test_every_point_is_a_mean_and_every_sample_counts_where_none_is_interpolated(
        self, length: int, size: int
    ) -> None:
        index, weight = taps(length, size)
        assert index.min() == 0
        assert index.max() == length - 1
        np.testing.assert_allclose(weight.sum(0), 1.0)
        used = np.zeros(length)
        np.add.at(used, index.ravel(), (weight > 0).ravel())
        if size <= length:
            np.testing.assert_array_equal(used, 1)


class TestStored:
    @settings(max_examples=50)
    @given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40))
    def test_round_trips_stay_within_the_types_resolution(self, values: list[float]) -> None:
        images = torch.tensor(values)
        for name, dtype in (("float16", torch.float16), ("uint8", torch.uint8)):
            stored = encode(images, name)  # type: ignore[arg-type]
            assert stored.dtype == dtype
            assert decode(stored).dtype == torch.float32
            assert (decode(stored) - images).abs().max() <= RESOLUTION[dtype] + 1e-6

    def test_the_ends_are_exact(self) -> None:
        ends = torch.tensor([-1.0, 1.0])
        assert encode(ends, "uint8").tolist() == [0, 255]
        assert all(torch.equal(decode(encode(ends, name)), ends) for name in ("float16", "uint8"))

    def test_every_stored_byte_survives(self) -> None:
        stored = torch.arange(256, dtype=torch.uint8)
        assert torch.equal(encode(decode(stored), "uint8"), stored)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.uint8], ids=str)
    def test_rendering_into_is_rendering_and_storing(self, dtype: torch.dtype) -> None:
        series = torch.randn(4, 80, 3, generator=torch.Generator().manual_seed(3)).double()
        params = GafParams(size=48, field="both")
        name: Any = str(dtype).removeprefix("torch.")
        one, other = decode(fused(series, params, dtype)), decode(encode(render(series, params), name))
        step = 2 * RESOLUTION[dtype]
        assert (one - other).abs().max() <= step + 1e-6
        assert (one != other).float().mean() < 0.01  # a value at the middle of two may go either way

    @pytest.mark.parametrize("scaling", ["sample", "fixed"])
    @pytest.mark.parametrize("length", [1, 2, 3, 25, 40, 41, 200])
    def test_every_channel_of_every_series_is_drawn_as_if_alone(self, length: int, scaling: Any) -> None:
        for channels, dtype in itertools.product(range(1, 10), (torch.float32, torch.float64)):
            series = torch.randn(3, length, channels, generator=torch.Generator().manual_seed(channels), dtype=dtype)
            params = GafParams(size=40, field="both", scaling=scaling, range=2.0 if scaling == "fixed" else None)
            together = fused(series, params, torch.float32).reshape(3, 2, channels, 40, 40)
            for row, channel in itertools.product(range(3), range(channels)):
                alone = fused(series[row : row + 1, :, channel : channel + 1], params, torch.float32)
                assert torch.equal(alone[0], together[row, :, channel])

    def test_no_series_make_no_images(self) -> None:
        assert fused(torch.empty(0, 30, 3), GafParams(size=8), torch.float16).shape == (0, 3, 8, 8)

    def test_other_tensors_are_refused(self) -> None:
        series = torch.zeros(2, 30, 3)
        for out in (
            torch.empty(2, 3, 8, 9),
            torch.empty(2, 3, 8, 8, dtype=torch.int8),
            torch.empty(3, 2, 8, 8).transpose(0, 1),
        ):
            with pytest.raises(ValueError, match=r"give a contiguous \(2, 3, 8, 8\) tensor"):
                render_into(series, GafParams(size=8), out)


class TestParams:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"scaling": "fixed"}, r"range: .*; give the value that becomes 1, in the sensor's unit"),
            ({"range": 2}, r"range: .*; leave it out or set scaling: fixed"),
            ({"scaling": "fixed", "range": 0}, r"range: must be greater than 0"),
            ({"scaling": "fixed", "range": []}, r"range: must be greater than 0"),
            ({"scaling": "fixed", "range": [1, -2]}, r"range: must be greater than 0"),
            ({"size": 1}, r">= 2"),
            ({"size": 2048}, r"<= 1024"),
            ({"sizes": 3}, r"sizes"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, given: Any, said: str) -> None:
        with pytest.raises(msgspec.ValidationError, match=said):
            msgspec.convert(given, GafParams)

    def test_lists_of_a_stages_file_are_taken(self) -> None:
        params = msgspec.convert({"scaling": "fixed", "range": [2, 3.5]}, GafParams)
        assert params.range == (2.0, 3.5)
        assert msgspec.convert(msgspec.to_builtins(params), GafParams) == params


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_draws_the_same() -> None:
    series = torch.randn(5, 150, 3, generator=torch.Generator().manual_seed(4))
    for params in (GafParams(field="both"), GafParams(size=224, scaling="fixed", range=2.0)):
        there = render(series.cuda(), params)
        assert there.is_cuda
        torch.testing.assert_close(there.cpu(), render(series, params), atol=1e-5, rtol=0)
