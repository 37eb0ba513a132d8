"""What a modality checks and knows of its features."""

from dataclasses import replace

import pytest
import torch

from trainers.data.modality import ModalityData, feature_groups
from trainers.errors import TrainingError


def test_select_keeps_features_masks_and_series_together(skeleton: ModalityData) -> None:
    rows = torch.tensor([5, 2])
    chosen = skeleton.select(rows)
    assert len(chosen) == 2
    assert torch.equal(chosen.features, skeleton.features[rows])
    assert chosen.series is not None
    assert skeleton.series is not None
    assert torch.equal(chosen.series, skeleton.series[rows])


def test_groups_tell_positions_from_velocities(skeleton: ModalityData) -> None:
    assert feature_groups(skeleton).tolist() == [0] * 9 + [1] * 9


def test_groups_tell_means_from_deviations(inertial: ModalityData) -> None:
    assert feature_groups(inertial).tolist() == [0] * 6 + [1] * 6


def test_groups_repeat_with_each_flattened_sample(skeleton: ModalityData) -> None:
    flat = replace(skeleton, features=torch.zeros(12, 6, 6 * 18), reduce="flatten")
    assert feature_groups(flat).tolist() == ([0] * 9 + [1] * 9) * 6


def test_groups_tell_bones_and_their_velocities(skeleton: ModalityData) -> None:
    chain = (0, 0, 1)  # three joints, two bones
    bones = replace(skeleton, features=torch.zeros(12, 6, 30), parents=chain)
    assert feature_groups(bones).tolist() == [0] * 9 + [1] * 6 + [2] * 9 + [3] * 6
    still = replace(bones, features=torch.zeros(12, 6, 30), velocities=False, reduce="mean-std")
    assert feature_groups(still).tolist() == [0] * 9 + [1] * 6 + [2] * 9 + [3] * 6
    flat = replace(bones, features=torch.zeros(12, 6, 15 * 6), velocities=False, reduce="flatten")
    assert feature_groups(flat).tolist() == ([0] * 9 + [1] * 6) * 6


def test_what_is_derived_of_series_has_bones_and_their_velocities(skeleton: ModalityData) -> None:
    chain = (0, 0, 1)
    bones = replace(skeleton, features=torch.zeros(12, 6, 30), parents=chain)
    assert skeleton.series is not None
    made = bones.derive(skeleton.series)
    joints = skeleton.series.view(12, 21, 3, 3)
    lines = torch.stack([joints[:, :, 1] - joints[:, :, 0], joints[:, :, 2] - joints[:, :, 1]], 2).flatten(2)
    windows = lines.unfold(1, 6, 3)[:, :6]  # (N, P, 6, window)
    torch.testing.assert_close(made[..., 9:15], windows.mean(-1), rtol=0, atol=1e-5)
    changes = torch.cat([torch.zeros(12, 1, 6), lines.diff(dim=1)], 1).unfold(1, 6, 3)[:, :6]
    torch.testing.assert_close(made[..., 24:], changes.mean(-1), rtol=0, atol=1e-5)
    assert torch.equal(torch.cat([made[..., :9], made[..., 15:24]], -1), skeleton.derive(skeleton.series))


def test_a_series_that_is_too_short_is_refused(skeleton: ModalityData) -> None:
    with pytest.raises(TrainingError, match=r"modality skeleton: series .* at least 21 samples; encode it again"):
        replace(skeleton, series=torch.zeros(12, 20, 9))


def test_masks_of_another_shape_are_refused(video: ModalityData) -> None:
    with pytest.raises(TrainingError, match="modality rgb: features"):
        replace(video, valid=torch.ones(12, 4, dtype=torch.bool))


def test_a_name_with_a_dot_is_refused(video: ModalityData) -> None:
    with pytest.raises(TrainingError, match="must not hold a dot"):
        replace(video, name="cam.1")
