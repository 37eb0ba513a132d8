"""Batch normalisations folded into the convolutions in front of them: the same function in fewer passes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

_TOLERANCE = 1e-3  # of the features' largest value; folding rounds weights once more


def fuse_conv_bn(network: nn.Module, example: Tensor) -> Tensor:
    """Fold what can be folded, in place; return what the network makes of the example.

    A normalisation can be folded where its input is the output of a convolution, seen in a run on the example.
    Where the network then computes anything else, nothing is changed. It is in evaluation mode, on the CPU, in float32.
    """
    pairs, expected = _pairs(network, example)
    before = {module: dict(module._parameters) for pair in pairs for module in pair}
    bypassed = {norm: norm.forward for _, norm in pairs}
    for conv, norm in pairs:
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        norm.forward = _identity
    with torch.inference_mode():
        fused: Tensor = network(example)
    # That a convolution's output is also used elsewhere shows only here.
    if (fused - expected).abs().max() <= _TOLERANCE * expected.abs().max():
        return fused
    for module, parameters in before.items():
        module._parameters.update(parameters)
    for norm, forward in bypassed.items():
        norm.forward = forward
    return expected


def _identity(values: Tensor) -> Tensor:
    return values


def _pairs(network: nn.Module, example: Tensor) -> tuple[list[tuple[Any, Any]], Tensor]:
    """Return convolutions with the normalisation that reads their output, and the network's output."""
    made: dict[int, tuple[Any, Tensor]] = {}  # the tensors are kept, so that no other has their identity
    pairs: list[tuple[Any, Any]] = []

    def after(conv: nn.Module, _: Any, output: Tensor) -> None:
        made[id(output)] = conv, output

    def before(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made:
            pairs.append((made[id(inputs[0])][0], norm))

    hooks: list[Any] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(after))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(before))
    try:
        with torch.inference_mode():
            output = network(example)
    finally:
        for hook in hooks:
            hook.remove()
    once = {module for pair in pairs for module in pair if sum(module in other for other in pairs) == 1}
    return [pair for pair in pairs if once.issuperset(pair)], output
