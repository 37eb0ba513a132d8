"""Scaled dot-product attention by torch's fused kernels, of a model alone or of a stack of models."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from trainers.models.dropout import in_stack


def attention(queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None) -> Tensor:
    """Mix values (B, h, T, W) by what queries (B, h, Q, W) and keys (B, h, T, W) have in common: (B, h, Q, W).

    `keep` (B, 1, 1, T) is False where a token must not be attended to.
    """
    if not in_stack():
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=keep)
    mixed: Tensor = _StackedAttention.apply(queries, keys, values, keep)
    return mixed


class _StackedAttention(torch.autograd.Function):
    """One call of the kernel for all models that `torch.vmap` maps over: their axis is folded into the batch's.

    By itself `torch.vmap` calls the kernel model by model on a CPU; on a GPU it hands the backward pass a log-sum-exp
    laid out as the kernel refuses it. The gradient is the kernel's own, of what is called within `vmap` here.
    """

    @staticmethod
    def forward(queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None) -> Tensor:
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=keep)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None
    ) -> tuple[Tensor, int]:
        def fold(tensor: Tensor, axis: int | None) -> Tensor:
            models = tensor.expand(info.batch_size, *tensor.shape) if axis is None else tensor.movedim(axis, 0)
            return models.flatten(0, 1)

        mask = None if keep is None else fold(keep, in_dims[3])
        mixed = F.scaled_dot_product_attention(
            fold(queries, in_dims[0]), fold(keys, in_dims[1]), fold(values, in_dims[2]), attn_mask=mask
        )  # (m x B, h, Q, W)
        return mixed.view(info.batch_size, -1, *mixed.shape[1:]), 0
