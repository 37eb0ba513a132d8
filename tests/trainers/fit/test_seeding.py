"""Seeds and flags are the caller's again afterwards."""

from __future__ import annotations

import warnings
from contextlib import suppress

import torch

from trainers.fit.seeding import repeatable, seeded


def flags() -> tuple[object, ...]:
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.deterministic,
        cudnn.benchmark,
        cudnn.allow_tf32,
        vars(warnings)["filters"][:],
    )


def test_a_gpu_repeats_itself_in_full_precision_as_long_as_it_is_asked_to() -> None:
    before = flags()
    with suppress(KeyError), repeatable(torch.device("cuda", 0)):  # flags are set without a GPU, too
        assert flags()[:5] == (True, True, True, False, False)
        raise KeyError
    assert flags() == before
    with repeatable(torch.device("cpu")):
        assert flags() == before


def test_draws_repeat_and_the_callers_go_on() -> None:
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    first = torch.rand(2)
    drawn = []
    for _ in range(2):
        with seeded(5):
            drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
    assert torch.equal(torch.cat([first, torch.rand(2)]), expected)
