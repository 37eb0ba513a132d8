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


def test_a_series_that_is_too_short_is_refused(skeleton: ModalityData) -> None:
    with pytest.raises(TrainingError, match=r"modality skeleton: series .* at least 21 samples; encode it again"):
        replace(skeleton, series=torch.zeros(12, 20, 9))


def test_masks_of_another_shape_are_refused(video: ModalityData) -> None:
    with pytest.raises(TrainingError, match="modality rgb: features"):
        replace(video, valid=torch.ones(12, 4, dtype=torch.bool))


def test_a_name_with_a_dot_is_refused(video: ModalityData) -> None:
    with pytest.raises(TrainingError, match="must not hold a dot"):
        replace(video, name="cam.1")
