"""The 1-D network on series of any length."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from trainers.errors import TrainingError
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams


def series(length: int, channels: int) -> Tensor:
    """Two random recordings."""
    return torch.randn(2, length, channels, generator=torch.Generator().manual_seed(0))


def parameters(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("length", [1, 2, 5, 16, 17, 64, 189, 1000])
def test_any_length_will_do_and_each_step_halves_it(length: int) -> None:
    shapes = {"a": (length, 6)}
    output = CNN1D(shapes, 4, CNN1DParams(width=8, embedding=16)).eval()({"a": series(length, 6)}, {})
    expected = [(2, 8 * 2**block, math.ceil(length / 2 ** (block + 2)), 1) for block in range(3)]
    assert [tuple(found.shape) for found in output["maps"]] == expected
    assert bool(output["logits"].isfinite().all())


def test_parameters_by_hand() -> None:
    model = CNN1D({"a": (50, 6)}, 7, CNN1DParams(width=4, growth=1.5, blocks=2, kernel=3, embedding=10))
    stem = 6 * 4 * 7 + 8
    first = 2 * (4 * 4 * 3 + 8)
    second = 4 * 6 * 3 + 12 + 6 * 6 * 3 + 12 + 4 * 6 + 12
    assert parameters(model) == stem + first + second + (2 * 6 + 1) * 10 + 11 * 7


def test_the_default_is_small() -> None:
    assert 0.3e6 < parameters(CNN1D({"a": (189, 3)}, 27, CNN1DParams())) < 0.4e6


def test_a_map_sees_no_farther_than_its_receptive_field() -> None:
    kernel, length = 5, 400
    values = series(length, 3).requires_grad_()
    maps = CNN1D({"a": (length, 3)}, 4, CNN1DParams(width=8)).eval()({"a": values}, {})["maps"]
    reach, step = 7 + 1, 2  # the stem's convolution and pooling
    for found in maps:
        reach, step = reach + 2 * (kernel - 1) * step + step, 2 * step
        (gradient,) = torch.autograd.grad(found[..., found.shape[2] // 2, :].sum(), values, retain_graph=True)
        seen = torch.nonzero(gradient[0].any(-1)).flatten()
        span = int(seen.max() - seen.min()) + 1
        assert reach / 2 < span <= reach
    assert reach == 134


def test_it_learns_to_tell_frequencies() -> None:
    torch.manual_seed(0)
    time = torch.linspace(0, 2 * math.pi, 64)
    labels = torch.arange(32) % 4
    waves = torch.sin((2 + 2 * labels[:, None]) * time + 6 * torch.rand(32, 1)).unsqueeze(-1)
    model = CNN1D({"a": (64, 1)}, 4, CNN1DParams(width=8, embedding=16))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        torch.autograd.backward(nn.functional.nll_loss(model({"a": waves}, {})["logits"], labels))
        optimiser.step()
    hits = model.eval()({"a": waves}, {})["logits"].argmax(-1) == labels
    assert hits.float().mean() > 0.9


def test_series_of_two_lengths_are_refused() -> None:
    with pytest.raises(TrainingError, match="of one length, not a 40, b 60; give the modalities one window"):
        CNN1D({"a": (40, 3), "b": (60, 3)}, 4, CNN1DParams())


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"kernel: must be odd.*try 7"):
        CNN1DParams(kernel=6)
