"""Standardisation: per feature or per group, from valid training patches only."""

from dataclasses import replace

import torch

from trainers.data.modality import ModalityData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.params import StandardiseParams


def test_channel_mode_gives_every_feature_mean_0_and_deviation_1(inertial: ModalityData) -> None:
    made = fit_standardiser([inertial], StandardiseParams())({"inertial": inertial.features})["inertial"]
    torch.testing.assert_close(made.mean((0, 1)), torch.zeros(12), atol=1e-4, rtol=0)
    torch.testing.assert_close(made.std((0, 1), correction=0), torch.ones(12), atol=1e-4, rtol=0)


def test_global_mode_gives_positions_and_velocities_one_scale_each(skeleton: ModalityData) -> None:
    made = fit_standardiser([skeleton], StandardiseParams())({"skeleton": skeleton.features})["skeleton"]
    for half in made.split(9, dim=-1):
        assert abs(half.mean()) < 1e-5
        assert abs(half.std(correction=0) - 1) < 1e-5
    ratio = made[..., :9] - made[..., :9].mean()
    original = skeleton.features[..., :9] - skeleton.features[..., :9].mean()
    torch.testing.assert_close(ratio * original.std() / ratio.std(), original)  # proportions of a body are kept


def test_none_leaves_features_as_they_are(skeleton: ModalityData) -> None:
    made = fit_standardiser([skeleton], StandardiseParams(skeleton="none"))({"skeleton": skeleton.features})
    assert torch.equal(made["skeleton"], skeleton.features)


def test_missing_patches_do_not_count(video: ModalityData) -> None:
    spoilt = replace(video, features=torch.where(video.valid[..., None], video.features, 1e6))
    first, second = (fit_standardiser([data], StandardiseParams()) for data in (video, spoilt))
    assert torch.equal(first({"rgb": video.features})["rgb"], second({"rgb": video.features})["rgb"])


def test_a_constant_feature_becomes_zero_not_infinite(video: ModalityData) -> None:
    features = video.features.clone()
    features[..., 3] = 7.0
    data = replace(video, features=features)
    made = fit_standardiser([data], StandardiseParams())({"rgb": features})["rgb"]
    assert torch.equal(made[..., 3], torch.zeros(12, 5))
    assert made.isfinite().all()


def test_its_state_travels_with_the_model(inertial: ModalityData) -> None:
    fitted = fit_standardiser([inertial], StandardiseParams())
    state = Standardised(torch.nn.Identity(), fitted).state_dict()
    assert set(state) == {"standardiser.inertial/mean", "standardiser.inertial/scale"}


def test_modalities_of_others_pass_unseen(inertial: ModalityData, video: ModalityData) -> None:
    fitted = fit_standardiser([inertial], StandardiseParams())
    assert list(fitted({"rgb": video.features, "inertial": inertial.features})) == ["inertial"]
