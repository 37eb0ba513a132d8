"""Attention of a stack of models is what each has alone, and its gradients are those of the plain formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from trainers.models.attention import attention
from trainers.models.dropout import per_model_generators

MODELS, ROWS, HEADS, TOKENS, WIDTH = 3, 4, 2, 21, 12


def plainly(queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None) -> Tensor:
    """Softmax of the scaled products, written out."""
    products = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    if keep is not None:
        products = products.masked_fill(~keep, -torch.inf)
    return products.softmax(-1) @ values


def tokens(count: int, device: str, seed: int) -> Tensor:
    """Projections (M, B, h, T, W) as an encoder splits them: no axis of theirs is contiguous."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(MODELS, ROWS, count, HEADS, WIDTH, generator=generator)
    return drawn.to(device).transpose(2, 3).requires_grad_()


@pytest.mark.parametrize("outputs", [1, TOKENS])
@pytest.mark.parametrize("masked", [False, True])
def test_a_stack_attends_as_its_models_do_and_learns_as_the_formula_says(
    outputs: int, masked: bool, device: str
) -> None:
    queries, keys, values = (tokens(count, device, seed) for seed, count in enumerate((outputs, TOKENS, TOKENS)))
    keep = None
    if masked:
        lengths = torch.arange(MODELS * ROWS, device=device).view(MODELS, ROWS, 1, 1, 1) + 5
        keep = torch.arange(TOKENS, device=device) < lengths  # (M, B, 1, 1, T)
    weights = torch.randn(MODELS, ROWS, HEADS, outputs, WIDTH, device=device)

    with per_model_generators([torch.Generator(device)] * MODELS):
        mapped = torch.vmap(attention, in_dims=(0, 0, 0, None if keep is None else 0))(queries, keys, values, keep)
    alone = torch.stack(
        [
            attention(*each, None if keep is None else keep[row])
            for row, each in enumerate(zip(queries, keys, values, strict=True))
        ]
    )
    expected = plainly(queries, keys, values, keep)
    for found in (mapped, alone):
        torch.testing.assert_close(found, expected)
        gradients, wanted = (
            torch.autograd.grad((each * weights).sum(), (queries, keys, values), retain_graph=True)
            for each in (found, expected)
        )
        for one, other in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(one, other)


def test_what_is_not_mapped_over_is_every_models(device: str) -> None:
    queries, keys, values = (tokens(TOKENS, device, seed) for seed in range(3))
    keep = torch.arange(TOKENS, device=device).expand(ROWS, 1, 1, -1) < 9
    with per_model_generators([torch.Generator(device)] * MODELS):
        mapped = torch.vmap(attention, in_dims=(0, None, 0, None))(queries, keys[0], values, keep)
    torch.testing.assert_close(mapped, plainly(queries, keys[0], values, keep))
