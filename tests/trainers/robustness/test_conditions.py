"""Which conditions there are, what recordings become under each, and how streams vote."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from trainers.data.inputs import ImageInput, SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.gaf.params import GafParams
from trainers.gaf.render import render
from trainers.robustness.channels import channels_of
from trainers.robustness.conditions import HARMS, WHOLE, Condition, conditions
from trainers.robustness.harmed import possible_harms, under
from trainers.robustness.params import RobustnessParams
from trainers.robustness.vote import stream_accuracies, weighted_vote

WHOLE_ROWS = torch.ones(12, 1, dtype=torch.bool)
ONE_OF_EACH = [
    Condition((), "inertial", "noise", 10.0),
    Condition((), "inertial", "packet_loss", 0.3),
    Condition((), "inertial", "saturation", 0.25),
    Condition((), "inertial", "clock_offset", 0.25),
    Condition((), "inertial", "clock_drift", 0.05),
    Condition((), "inertial", "rotation", 90.0),
]


def harmed(condition: Condition, *inputs: Any, seed: int = 0) -> RecordingData:
    data = RecordingData(inputs, torch.zeros(12))
    channels = {each.modality: channels_of(each) for each in inputs}
    return under(condition, data, channels, {each.modality: torch.full((12,), 2.0) for each in inputs}, seed)


def test_every_subset_and_each_harm_at_each_strength_on_one_modality_at_a_time() -> None:
    params = RobustnessParams(packet_loss=(), saturation=(), clock_offset=(), clock_drift=(), rotation=())
    found = conditions(params, ["a", "b", "c"], {"a": HARMS, "b": ("noise",), "c": ()})
    absent = [(), ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]
    noise = [Condition((), name, "noise", strength) for name in "ab" for strength in (20.0, 10.0, 0.0)]
    assert found == [*(Condition(absent=gone) for gone in absent), *noise]


def test_nothing_asked_leaves_the_whole() -> None:
    nothing = RobustnessParams(absent=False, **dict.fromkeys(HARMS, ()))
    assert conditions(nothing, ["a", "b"], {"a": HARMS, "b": HARMS}) == [WHOLE]


def test_features_alone_take_noise_and_a_skeleton_without_a_vertical_no_rotation(
    skeleton: ModalityData, inertial: ModalityData, video: ModalityData
) -> None:
    assert possible_harms(video) == ("noise",)
    assert possible_harms(inertial) == possible_harms(skeleton) == HARMS
    assert "rotation" not in possible_harms(replace(skeleton, vertical_axis=None))
    assert inertial.series is not None
    assert "rotation" not in possible_harms(SeriesInput("x", "series", inertial.series[:, :, :4], WHOLE_ROWS))


def test_an_absent_modality_has_no_valid_patch_and_the_others_are_as_stored(
    skeleton: ModalityData, inertial: ModalityData
) -> None:
    batch = harmed(Condition(("skeleton",)), skeleton, inertial).batch(torch.arange(12))
    assert not batch["valid"]["skeleton"].any()
    assert "inertial" not in batch["valid"]
    assert torch.equal(batch["inputs"]["inertial"], inertial.features)


@pytest.mark.parametrize("condition", ONE_OF_EACH, ids=lambda each: each.harm)
def test_patches_images_and_series_come_from_one_harmed_series(condition: Condition, inertial: ModalityData) -> None:
    assert inertial.series is not None
    gaf = GafParams(size=16)
    series = SeriesInput("inertial", "series", inertial.series, WHOLE_ROWS)
    kept = torch.zeros(12, 6, 16, 16, dtype=torch.float16)  # stored images, which are of the whole series
    images = ImageInput("inertial", "series", inertial.series, WHOLE_ROWS, gaf, images=kept)
    rows = torch.arange(12)
    samples = harmed(condition, series).batch(rows)["inputs"]["inertial:series"]
    assert not torch.allclose(samples, inertial.series)
    patches = harmed(condition, inertial).batch(rows)["inputs"]["inertial"]
    torch.testing.assert_close(patches, inertial.derive(samples))
    pictures = harmed(condition, images).batch(rows)["inputs"]["inertial:images"]
    torch.testing.assert_close(pictures, render(samples, gaf))


def test_an_offset_in_seconds_goes_by_how_long_the_recording_is(inertial: ModalityData) -> None:
    ramp = torch.arange(40.0).view(1, 40, 1).repeat(12, 1, 6)
    series = SeriesInput("inertial", "series", ramp, WHOLE_ROWS)
    late = harmed(Condition((), "inertial", "clock_offset", 0.5), series).batch(torch.arange(12))
    expected = (torch.arange(40.0) - 0.5 * 39 / 2.0).clamp(min=0)  # of 39 intervals in 2 seconds
    torch.testing.assert_close(late["inputs"]["inertial:series"][3, :, 2], expected)


def test_harms_are_the_same_again_and_other_modalities_stay(skeleton: ModalityData, inertial: ModalityData) -> None:
    condition = ONE_OF_EACH[0]
    first, again, other = (harmed(condition, skeleton, inertial, seed=seed) for seed in (1, 1, 2))
    rows = torch.arange(12)
    one, two, three = (each.batch(rows)["inputs"] for each in (first, again, other))
    assert torch.equal(one["inertial"], two["inertial"])
    assert not torch.equal(one["inertial"], three["inertial"])
    assert torch.equal(one["skeleton"], skeleton.features)


def test_channels_are_measured_on_valid_values_alone(video: ModalityData, inertial: ModalityData) -> None:
    features = video.features.clone()
    features[~video.valid] = 1000.0
    found = channels_of(replace(video, features=features))
    values = features[video.valid]
    torch.testing.assert_close(found.low, values.amin(0))
    torch.testing.assert_close(found.high, values.amax(0))
    torch.testing.assert_close(found.deviation, values.std(0, correction=0))
    assert inertial.series is not None
    torch.testing.assert_close(channels_of(inertial).high, inertial.series.amax((0, 1)))


def probabilities(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)


def test_a_weighted_vote_worked_by_hand_and_absent_streams_left_out() -> None:
    streams = {
        "a/temporal": probabilities([0.9, 0.1]),
        "b/temporal": probabilities([0.2, 0.8]),
        "b/spatial": probabilities([0.4, 0.6]),
    }
    weights = {"a/temporal": 0.5, "b/temporal": 0.25, "b/spatial": 0.25}
    expected = torch.tensor([[0.45 + 0.05 + 0.1, 0.05 + 0.2 + 0.15]], dtype=torch.float64)
    torch.testing.assert_close(weighted_vote(streams, weights), expected, rtol=0, atol=1e-6)
    without = torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    torch.testing.assert_close(weighted_vote(streams, weights, ["a"]), without, rtol=0, atol=1e-6)
    alike = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(weighted_vote(streams, dict.fromkeys(streams, 0.0)), alike, rtol=0, atol=1e-6)


def test_a_streams_worth_is_its_accuracy() -> None:
    streams = {"a/x": probabilities([0.9, 0.1], [0.3, 0.7]), "b/x": probabilities([0.6, 0.4], [0.6, 0.4])}
    assert stream_accuracies(streams, torch.tensor([0, 1])) == {"a/x": 1.0, "b/x": 0.5}


def test_noise_on_features_alone_has_the_ratio_asked_for(video: ModalityData) -> None:
    big = replace(video, features=video.features.repeat(1, 200, 1), valid=video.valid.repeat(1, 200))
    noisy = harmed(Condition((), "rgb", "noise", 10.0), big).batch(torch.arange(12))["inputs"]["rgb"]
    signal = big.features[big.valid].var(0, correction=0)
    ratio = signal / (noisy - big.features)[big.valid].square().mean(0)
    torch.testing.assert_close(10 * ratio.log10(), torch.full((16,), 10.0), rtol=0, atol=0.3)


def test_a_turned_skeleton_keeps_its_heights_and_their_velocities(skeleton: ModalityData) -> None:
    turned = harmed(Condition((), "skeleton", "rotation", 90.0), skeleton).batch(torch.arange(12))["inputs"]["skeleton"]
    before, after = (each.view(12, 6, 2, 3, 3) for each in (skeleton.features, turned))  # position, velocity; joints
    torch.testing.assert_close(after[..., 1], before[..., 1])
    torch.testing.assert_close(after.norm(dim=-1), before.norm(dim=-1), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(after[..., 0], before[..., 0])
