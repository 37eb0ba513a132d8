"""What each harm does to a series, by closed forms: ratios, shares lost, bounds, shifts, lengths of vectors."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainers.robustness.harms import PACKET, add_noise, delay, drift, lose_packets, rotate, saturate

RAMP = torch.arange(40.0).view(1, 40, 1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator(9))


@pytest.mark.parametrize("decibels", [20.0, 10.0, 0.0])
def test_the_ratio_of_signal_to_noise_is_the_one_asked_for_in_every_channel(decibels: float) -> None:
    waves = torch.sin(torch.linspace(0, 400, 4000)).view(1, -1, 1).expand(5, -1, 3)
    series = waves * torch.tensor([1.0, 20.0, 0.1]) + torch.tensor([0.0, 9.81, 0.0])  # an offset is no signal
    deviation = series.flatten(0, 1).std(0, correction=0)
    added = add_noise(series, decibels, deviation, generator()) - series
    signal, disturbance = deviation.square(), added.flatten(0, 1).square().mean(0)
    torch.testing.assert_close(10 * (signal / disturbance).log10(), torch.full((3,), decibels), rtol=0, atol=0.15)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_the_share_of_packets_asked_for_is_lost_and_the_last_value_held(share: float) -> None:
    series = torch.arange(200.0).view(1, 200, 1).repeat(6, 1, 2)
    harmed = lose_packets(series, share, generator())
    lost = harmed[..., 0] != series[..., 0]
    packets = lost.view(6, -1, PACKET)
    for row in range(6):
        dead = packets[row].any(1)
        if bool(dead[0]):  # nothing came before: the first value that did
            first = int((~dead).int().argmax()) * PACKET
            assert harmed[row, :first, 0].eq(first).all()
        assert int(dead.sum()) == round(share * 40)
        assert bool(packets[row][dead].all())  # whole packets
        held = harmed[row, :, 0]
        for number in dead.nonzero().flatten().tolist():
            if not bool(dead[: number + 1].all()):
                before = held[number * PACKET - 1]
                assert held[number * PACKET : (number + 1) * PACKET].eq(before).all()
    assert torch.equal(harmed[..., 0], harmed[..., 1])  # all channels of a packet
    assert not torch.equal(lost[0], lost[1])


def test_a_series_shorter_than_a_packet_loses_all_or_nothing() -> None:
    short = noise(3, 4, 2)
    assert torch.equal(lose_packets(short, 0.3, generator()), short)


@given(share=st.floats(0.05, 1.0))
def test_saturated_values_lie_within_a_share_of_the_training_range_and_others_stay(share: float) -> None:
    series, low, high = 4 * noise(3, 50, 2), torch.tensor([-4.0, 1.0]), torch.tensor([4.0, 3.0])
    clipped = saturate(series, share, low, high)
    middle, half = torch.tensor([0.0, 2.0]), share * torch.tensor([4.0, 1.0])
    assert bool(((clipped - middle).abs() <= half + 1e-5).all())
    inside = (series - middle).abs() <= half
    assert torch.equal(clipped[inside], series[inside])
    assert bool((~inside).any())


def test_a_late_clock_moves_a_ramp_and_holds_its_first_value() -> None:
    late = delay(RAMP.repeat(2, 1, 1), torch.tensor([2.0, 3.5]))
    torch.testing.assert_close(late[0, :, 0], (torch.arange(40.0) - 2).clamp(min=0))
    torch.testing.assert_close(late[1, :, 0], (torch.arange(40.0) - 3.5).clamp(min=0))


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05])
def test_a_fast_clock_stretches_a_ramp(share: float) -> None:
    torch.testing.assert_close(drift(RAMP, share)[0, :, 0], torch.arange(40.0) / (1 + share))


@pytest.mark.parametrize("degrees", [15.0, 45.0, 90.0])
def test_a_turned_sensor_measures_vectors_of_the_same_length_at_the_same_angles_to_each_other(degrees: float) -> None:
    series = noise(8, 30, 6)
    turned = rotate(series, degrees, None, generator())
    before, after = series.view(8, 30, 2, 3), turned.view(8, 30, 2, 3)
    torch.testing.assert_close(after.norm(dim=-1), before.norm(dim=-1))
    torch.testing.assert_close((after[:, :, 0] * after[:, :, 1]).sum(-1), (before[:, :, 0] * before[:, :, 1]).sum(-1))
    turns = torch.linalg.lstsq(series.view(8, -1, 3), turned.view(8, -1, 3)).solution  # one for all samples of each
    angles = torch.rad2deg(torch.acos((turns.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2))
    torch.testing.assert_close(angles, torch.full((8,), degrees), rtol=0, atol=0.1)
    assert not torch.allclose(turns[0], turns[1], atol=0.05)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turned_skeleton_keeps_heights_and_turns_both_ways(axis: int) -> None:
    series = torch.eye(3)[(axis + 1) % 3].repeat(40, 5, 2)  # bones across the vertical
    turned = rotate(series, 90.0, axis, generator()).view(40, 5, 2, 3)
    torch.testing.assert_close(turned[..., axis], torch.zeros(40, 5, 2))
    across = turned[:, 0, 0, (axis + 2) % 3]
    torch.testing.assert_close(across.abs(), torch.ones(40))
    assert {round(each) for each in across.tolist()} == {-1, 1}


@pytest.mark.parametrize("length", [1, 2, 7])
def test_series_of_a_few_samples_stay_finite(length: int) -> None:
    series = noise(4, length, 3)
    harmed = [
        lose_packets(series, 0.5, generator()),
        delay(series, torch.full((4,), 3.0)),
        drift(series, 0.05),
        rotate(series, 90.0, None, generator()),
    ]
    assert all(each.shape == series.shape and bool(each.isfinite().all()) for each in harmed)


def test_equal_seeds_harm_alike_and_others_do_not() -> None:
    series = noise(4, 60, 6)
    for harm in (
        lambda seed: add_noise(series, 0.0, torch.ones(6), generator(seed)),
        lambda seed: lose_packets(series, 0.3, generator(seed)),
        lambda seed: rotate(series, 45.0, None, generator(seed)),
    ):
        assert torch.equal(harm(1), harm(1))
        assert not torch.equal(harm(1), harm(2))


def test_decibels_of_a_unit_signal() -> None:
    quiet = torch.zeros(1, 100_000, 1)
    added = add_noise(quiet, 20.0, torch.ones(1), generator())
    assert float(added.std()) == pytest.approx(math.sqrt(1 / 100), rel=0.02)
