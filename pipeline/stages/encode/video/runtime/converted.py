"""A network that was converted to ONNX, and how it is asked for its weights; imports nothing of ONNX."""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor, nn

MEAN, STD = "images-mean", "images-std"  # their names among the weights; no module's name has a hyphen


class UnconvertibleError(Exception):
    """The network does something for which there is no operator here."""


class ConvertedNetwork(msgspec.Struct, frozen=True):
    """A network in ONNX, from ``images`` to ``features``, and which weights it must be handed."""

    model: bytes
    weights: tuple[str, ...]


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return what a network computes with, by the names that its conversion has for it."""
    state = [*network.named_parameters(), *network.named_buffers()]
    return {name: tensor for name, tensor in state if tensor.dtype is torch.float32}  # others are counters of batches
