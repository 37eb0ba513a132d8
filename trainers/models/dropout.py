"""Dropout that drops the same of a model whether it trains alone or stacked with others.

A model that trains alone draws from torch's global generators. Several that train stacked, as one batched model under
`torch.vmap`, draw from a generator each, which `per_model_generators` sets; torch's own dropout would draw for all of
them from one.

`Dropout` takes the place of `torch.nn.Dropout`; `byte_dropout` is faster, and its share is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

Draw = Callable[[torch.Size, torch.Generator | None], Tensor]

_generators: ContextVar[Sequence[torch.Generator]] = ContextVar("generators", default=())


@contextmanager
def per_model_generators(generators: Sequence[torch.Generator]) -> Iterator[None]:
    """Let the models of a stack draw from these inside the block: the first model from the first one, and so on."""
    token = _generators.set(generators)
    try:
        yield
    finally:
        _generators.reset(token)


def in_stack() -> bool:
    """Tell whether `torch.vmap` maps over models just now, see `per_model_generators`."""
    return bool(_generators.get())


class Dropout(nn.Module):
    """Does what `torch.nn.Dropout` does, where that share (0..1) of the values becomes zero.

    On a CPU a model that trains alone even drops the same values, from the same generator.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        """Return values of any shape with some dropped and the others scaled up; in evaluation as they are."""
        if not self.training or not self.share:
            return values

        def kept(shape: torch.Size, generator: torch.Generator | None) -> Tensor:
            empty = torch.empty(shape, dtype=values.dtype, device=values.device)
            return empty.bernoulli_(1 - self.share, generator=generator)

        return values * _random_like(values, kept).div_(1 - self.share)


def byte_dropout(values: Tensor, share: float) -> Tensor:
    """Set a share (0..1) of the values to zero and scale up the others, so that the mean stays.

    A byte is drawn for each value, eight by one draw of 64 bits, so that the share is rounded to a 256th. With a draw
    for each value, as torch's own dropout has it, a quarter of the training time on a CPU would be spent on drawing.
    """
    threshold = min(round(share * 256), 255)

    def random_bytes(shape: torch.Size, generator: torch.Generator | None) -> Tensor:
        count = shape.numel()
        draws = torch.empty(-(-count // 8), dtype=torch.int64, device=values.device)
        return draws.random_(-(2**63), None, generator=generator).view(torch.uint8)[:count].view(shape)

    kept = _random_like(values, random_bytes) >= threshold
    return values * kept.to(values.dtype).mul_(256 / (256 - threshold))


def _random_like(values: Tensor, draw: Draw) -> Tensor:
    """Return a draw of the values' shape: one alone, or one for each model of a stack, by the model's generator."""
    if not in_stack():
        return draw(values.shape, None)
    drawn: Tensor = _PerModelDraw.apply(values, draw)
    return drawn


class _PerModelDraw(torch.autograd.Function):
    """A draw that stands in a graph of gradients without having any, and that `torch.vmap` makes model by model."""

    @staticmethod
    def forward(values: Tensor, draw: Draw) -> Tensor:
        (generator,) = _generators.get()
        return draw(values.shape, generator)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[None, None]:
        return None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], values: Tensor, draw: Draw) -> tuple[Tensor, int]:
        shape = values.movedim(in_dims[0], 0).shape[1:]
        return torch.stack([draw(shape, generator) for generator in _generators.get()]), 0
