"""Augmentation: what each part changes and what it must leave alone."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainers.data.augment import Augmenter, draw_time, rotations
from trainers.data.inputs import SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.time_warp import KNOTS, choose_patches, resample, warp_positions
from trainers.params import AugmentParams

NOTHING = AugmentParams(
    time_warp=0, crop=0, skeleton_rotation=0, inertial_rotation=0, scale=0, jitter=0, feature_jitter=0
)
EVERY = torch.arange(12)
WHOLE = torch.ones(12, 1, dtype=torch.bool)


def draw(data: ModalityData, params: AugmentParams, seed: int = 0, rows: Tensor = EVERY) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    data_of = RecordingData([data], torch.zeros(len(data)), params)
    return data_of.batch(rows, generator)["inputs"][data.name]


def with_params(**changes: float) -> AugmentParams:
    return AugmentParams(**{name: changes.get(name, 0.0) for name in AugmentParams.__struct_fields__})


def raw(data: ModalityData) -> ModalityData:
    """The same with windows of one sample, so that patches are the series itself."""
    assert data.series is not None
    length = data.series.shape[1]
    valid = torch.ones(len(data), length, dtype=torch.bool)
    return replace(data, features=data.series, valid=valid, window=1, stride=1, reduce="mean", velocities=False)


@pytest.mark.parametrize("name", ["skeleton", "inertial", "video"])
def test_nothing_asked_gives_the_stored_features(name: str, request: pytest.FixtureRequest) -> None:
    data: ModalityData = request.getfixturevalue(name)
    rows = torch.tensor([4, 1, 1])
    torch.testing.assert_close(draw(data, NOTHING, rows=rows), data.features[rows])


def test_equal_seeds_give_equal_copies_and_others_do_not(skeleton: ModalityData) -> None:
    first, again, other = (draw(skeleton, AugmentParams(), seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_a_skeletons_rotation_keeps_heights_and_distances_from_the_vertical(skeleton: ModalityData) -> None:
    data = raw(skeleton)
    before = data.features.view(12, 21, 3, 3)
    after = draw(data, with_params(skeleton_rotation=40)).view(12, 21, 3, 3)
    torch.testing.assert_close(after[..., 1], before[..., 1])
    torch.testing.assert_close(after[..., [0, 2]].norm(dim=-1), before[..., [0, 2]].norm(dim=-1))
    assert not torch.allclose(after, before, atol=0.1)


def test_a_skeleton_without_a_known_vertical_is_not_rotated(skeleton: ModalityData) -> None:
    data = raw(replace(skeleton, vertical_axis=None))
    assert torch.equal(draw(data, with_params(skeleton_rotation=40)), data.features)


def test_accelerometer_and_gyroscope_turn_together(inertial: ModalityData) -> None:
    data = raw(inertial)
    before = data.features.view(12, 40, 2, 3)
    after = draw(data, with_params(inertial_rotation=40)).view(12, 40, 2, 3)

    def angle(vectors: Tensor) -> Tensor:
        return torch.cosine_similarity(vectors[:, :, 0], vectors[:, :, 1], dim=-1)

    torch.testing.assert_close(after.norm(dim=-1), before.norm(dim=-1))
    torch.testing.assert_close(angle(after), angle(before), atol=1e-4, rtol=0)
    assert not torch.allclose(after, before, atol=0.1)


def test_scale_multiplies_a_recording_by_one_factor(inertial: ModalityData) -> None:
    data = raw(inertial)
    factors = (draw(data, with_params(scale=0.1)) / data.features).flatten(1)
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
    assert len(set(factors[:, 0].tolist())) == 12


def test_jitter_is_measured_in_the_channels_deviation(inertial: ModalityData) -> None:
    data = raw(inertial)
    noise = draw(data, with_params(jitter=0.1)) - data.features
    torch.testing.assert_close(noise.std() / data.features.std(), torch.tensor(0.1), atol=0.01, rtol=0)


def test_an_offset_is_one_constant_a_channel_in_its_own_unit(inertial: ModalityData, skeleton: ModalityData) -> None:
    data = raw(inertial)
    added = draw(data, with_params(offset=0.3)) - data.features
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-5, rtol=0)
    many = torch.cat(
        [(draw(data, with_params(offset=0.3), seed) - data.features)[:, 0].flatten() for seed in range(40)]
    )
    assert many.std().item() == pytest.approx(0.3, rel=0.05)
    assert abs(many.mean().item()) < 0.03
    assert torch.equal(draw(skeleton, with_params(offset=0.3)), draw(skeleton, NOTHING))


def test_an_offset_is_drawn_after_all_else(inertial: ModalityData) -> None:
    data = raw(inertial)
    added = draw(data, AugmentParams(offset=0.3), 5) - draw(data, AugmentParams(), 5)
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-5, rtol=0)


def test_features_without_series_take_feature_jitter_only(video: ModalityData) -> None:
    assert torch.equal(draw(video, AugmentParams()), video.features)
    assert not torch.equal(draw(video, with_params(feature_jitter=0.1)), video.features)


def test_features_without_series_may_follow_the_time_of_the_others(video: ModalityData) -> None:
    numbered = torch.arange(5.0)[None, :, None].expand(12, 5, 16).contiguous()
    data = replace(video, features=numbered)
    params = AugmentParams(feature_warp=True, time_warp=0.8, crop=0.2)
    moved = draw(data, params)[:, :, 0]
    assert not torch.equal(moved, numbered[:, :, 0])
    last = data.valid.sum(1) - 1  # every other recording ends after its third patch
    for row, end in zip(moved, last.tolist(), strict=True):
        assert (row[: end + 1].diff() >= 0).all()
        assert row[: end + 1].max() <= end  # nothing is taken from where there is nothing
        assert torch.equal(row[end + 1 :], numbered[0, end + 1 :, 0])
    ramp = torch.linspace(0, 1, 21)[None, :, None].expand(12, 21, 3).contiguous()
    whole = replace(data, valid=torch.ones(12, 5, dtype=torch.bool))
    both = RecordingData([whole, SeriesInput("inertial", "series", ramp, WHOLE)], torch.zeros(12), params)
    inputs = both.batch(EVERY, torch.Generator().manual_seed(5))["inputs"]
    still = with_params(jitter=0.02)
    assert still.feature_warp == 0
    expected = (inputs["inertial:series"].mean(-1)[:, ::5] * 4).round()
    assert (inputs["rgb"][:, :, 0] - expected).abs().max() <= 1  # the same warp, to the nearest patch


@given(st.lists(st.booleans(), min_size=2, max_size=9), st.integers(0, 99))
def test_patches_are_chosen_among_valid_ones_and_in_order(mask: list[bool], seed: int) -> None:
    valid, numbered = torch.tensor([mask]), torch.arange(float(len(mask)))[None, :, None]
    generator = torch.Generator().manual_seed(seed)
    params = AugmentParams(time_warp=0.6, crop=0.3)
    positions = warp_positions(*draw_time(1, params, torch.device("cpu"), generator), len(mask))
    chosen = choose_patches(numbered, valid, positions)[0, :, 0]
    own = numbered[0, :, 0]
    assert torch.equal(chosen[~valid[0]], own[~valid[0]])
    assert set(chosen[valid[0]].tolist()) <= set(own[valid[0]].tolist())
    assert (chosen[valid[0]].diff() >= 0).all()
    still = torch.linspace(0, 1, len(mask))[None]
    assert torch.equal(choose_patches(numbered, valid, still)[0, :, 0], own)


def test_modalities_of_one_recording_share_its_warp() -> None:
    ramp = torch.linspace(0, 1, 40)[None, :, None].expand(12, 40, 3).contiguous()
    coarse = torch.linspace(0, 1, 14)[None, :, None].expand(12, 14, 3).contiguous()
    params = with_params(time_warp=0.3, crop=0.1)
    generator = torch.Generator().manual_seed(0)
    time = draw_time(12, params, torch.device("cpu"), generator)
    fine, rough = (
        Augmenter(SeriesInput("inertial", "series", series, WHOLE), params).series(EVERY, time, generator)
        for series in (ramp, coarse)
    )
    torch.testing.assert_close(fine[:, ::3], rough, atol=0.01, rtol=0)


@given(st.integers(2, 60), st.floats(0, 1), st.floats(0, 0.3), st.integers(0, 99))
def test_warps_run_forward_from_cut_to_cut(samples: int, sigma: float, crop: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    cuts = crop * torch.rand(5, 2, generator=generator)
    made = warp_positions(sigma * torch.randn(5, KNOTS, generator=generator), cuts, samples)
    assert (made.diff(dim=1) >= 0).all()
    torch.testing.assert_close(made[:, 0], cuts[:, 0])
    torch.testing.assert_close(made[:, -1], 1 - cuts[:, 1])


def test_an_even_speed_is_the_identity() -> None:
    made = warp_positions(torch.full((1, KNOTS), 0.7), torch.zeros(1, 2), 9)
    torch.testing.assert_close(made[0], torch.linspace(0, 1, 9))


def test_resample_interpolates_between_neighbours() -> None:
    series = torch.tensor([[[0.0], [10.0], [40.0]], [[1.0], [1.0], [1.0]]])
    made = resample(series, torch.tensor([[0.0, 0.5, 1.25, 2.0]] * 2))
    assert made[0, :, 0].tolist() == [0, 5, 17.5, 40]
    assert made[1, :, 0].tolist() == [1, 1, 1, 1]


def test_a_quarter_turn_about_y_takes_z_to_x() -> None:
    turn = rotations(torch.tensor([[0.0, 2.0, 0.0]]), torch.tensor([torch.pi / 2]))
    torch.testing.assert_close(turn[0] @ torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0]))
