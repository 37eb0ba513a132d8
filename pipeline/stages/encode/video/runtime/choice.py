"""Which runtime computes a network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.stages.encode.video.conv_bn_fusion import fuse_conv_bn
from pipeline.stages.encode.video.runtime.conversion_cache import ConversionCache
from pipeline.stages.encode.video.runtime.converted import MEAN, STD, ConvertedNetwork, UnconvertibleError, weights_of
from pipeline.stages.encode.video.runtime.onnx_network import IMAGES, OnnxNetwork
from pipeline.stages.encode.video.runtime.torch_network import TorchNetwork

TOLERANCE = 3e-5  # of the features' largest value: how far the two runtimes may be apart
# Measured on an Intel Xeon (AVX-512): ONNX Runtime has 0.94 to 0.99 of torch's images a second.
_FASTER_ON_TORCH = ("convnext_", "regnet_y_400mf", "regnet_y_1_6gf", "vit_b_32")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrozenNetwork:
    """A network, ready to run.

    Attributes
    ----------
    compute
        Maps (B, 1 or 3, S, S) images in 0..1 to (B, width) float32 features on the device.
    runtime
        What computes it, for provenance: its name and version, and why it is not the other one.
    """

    compute: Callable[[Tensor], Tensor]
    width: int
    runtime: str


@dataclass(frozen=True)
class NetworkToRun:
    """A network with its weights, in evaluation mode, in float32 on the CPU.

    Attributes
    ----------
    name
        Of the backbone.
    variant
        How it differs from others of this name and size, as JSON has it.
    mean, std
        What images are normalised with, (1, 3, 1, 1).
    size
        Rows and columns of an image.
    made_for
        The size that it was made for.
    plain
        It is run as it is written, by torch.
    """

    name: str
    variant: Any
    body: nn.Module
    mean: Tensor
    std: Tensor
    size: int
    made_for: int = 224
    plain: bool = False


def frozen(network: NetworkToRun, device: torch.device, precision: str) -> FrozenNetwork:
    """Return the network on the runtime that computes it fastest.

    On a CPU in full precision that is ONNX Runtime, for all networks that can be converted but a few.

    Raises
    ------
    ConfigError
        The network does not take images of this size.
    """
    if network.plain:
        return _as_written(network, device, precision)
    if device.type != "cpu" or precision != "fp32":
        return _on_torch(network, device, precision)
    if network.name.rpartition("/")[2].startswith(_FASTER_ON_TORCH):
        _log.debug("%s stays with torch: it is faster there", network.name)
        return _on_torch(network, device, precision, ": faster for this backbone")
    cache = ConversionCache(network=network.name, variant=network.variant, size=network.size, images=IMAGES)
    if (converted := cache.read()) is not None:
        return _on_onnx_runtime(network, converted)
    try:
        found = _converted(network, cache)
    except UnconvertibleError as error:
        _log.debug("%s stays with torch: it cannot be converted: %s", network.name, error)
        return _on_torch(network, device, precision, f": no conversion of {error}")
    _log.debug("%s was converted for %s", network.name, found.runtime)
    return found


def _converted(network: NetworkToRun, cache: ConversionCache) -> FrozenNetwork:
    """Convert the network, compare what both runtimes make of a few images, and remember the conversion."""
    from pipeline.stages.encode.video.runtime.conversion import convert  # only where it is used: it imports onnx

    images = _example(network, IMAGES)
    with _size_checked(network):
        converted, expected = convert(network.body, (images - network.mean) / network.std)
    found = _on_onnx_runtime(network, converted)
    difference = (found.compute(images) - expected).abs().max() / expected.abs().max()
    if not difference <= TOLERANCE:
        raise UnconvertibleError(f"all of it: features would differ by {difference:.1e} of the largest")
    cache.write(converted)
    return found


def _on_onnx_runtime(network: NetworkToRun, converted: ConvertedNetwork) -> FrozenNetwork:
    weights = weights_of(network.body)
    session = OnnxNetwork(converted, {**weights, MEAN: network.mean, STD: network.std})
    return FrozenNetwork(session, session.width, f"onnxruntime {version('onnxruntime')}")


def _as_written(network: NetworkToRun, device: torch.device, precision: str) -> FrozenNetwork:
    with torch.inference_mode():
        width = network.body(_example(network, 2)).shape[1]
    compute = TorchNetwork(network.body, network.mean, network.std, device, precision)
    return FrozenNetwork(compute, width, f"torch {torch.__version__}, as it is written")


def _on_torch(network: NetworkToRun, device: torch.device, precision: str, reason: str = "") -> FrozenNetwork:
    with _size_checked(network):
        width = fuse_conv_bn(network.body, _example(network, 2)).shape[1]
    compute = TorchNetwork(network.body, network.mean, network.std, device, precision)
    return FrozenNetwork(compute, width, f"torch {torch.__version__}{reason}")


@contextmanager
def _size_checked(network: NetworkToRun) -> Iterator[None]:
    """Say of errors of torch, while the network is tried, that they come from the images' size."""
    try:
        yield
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ConfigError(
            f"image_size: {network.name} does not take images of {network.size} pixels "
            f"({str(error).splitlines()[0]}); try {network.made_for}"
        ) from error


def _example(network: NetworkToRun, images: int) -> Tensor:
    return torch.rand(images, 3, network.size, network.size, generator=torch.Generator().manual_seed(0))
