"""torchvision's ResNet18 and VGG16 up to their last feature map, for images of any number of channels."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
import torchvision
from torch import Tensor, nn

FEATURES = 512  # of the last map of both


@dataclass(frozen=True)
class Backbone:
    """A network's layers in order, and what is needed to tell its state."""

    name: str  # torchvision's
    layers: nn.Sequential  # named so that ``prefix + key`` is the key in torchvision's state
    tapped: frozenset[str]  # layers whose outputs are the feature maps, from shallow to deep
    first: str  # the layer that is the first convolution
    head: frozenset[str]  # keys of torchvision's state that belong to what this one lacks
    prefix: str = ""
    smallest: int = 1  # pixels of the smallest image

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the feature maps (B, W, H, H) of images (B, C, S, S); the last has W = 512."""
        maps = []
        for name, layer in self.layers.named_children():
            images = layer(images)
            if name in self.tapped:
                maps.append(images)
        return tuple(maps)


def resnet18(channels: int) -> Backbone:
    """Build ResNet18 as torchvision initialises it; maps are the outputs of its four residual stages."""
    network = torchvision.models.resnet18(weights=None)
    layers = OrderedDict((name, layer) for name, layer in network.named_children() if name not in ("avgpool", "fc"))
    if channels != 3:
        layers["conv1"] = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        _initialise(layers["conv1"])
    return Backbone(
        name="resnet18",
        layers=nn.Sequential(layers),
        tapped=frozenset(name for name in layers if name.startswith("layer")),
        first="conv1",
        head=_tensors("fc"),
    )


def vgg16(channels: int) -> Backbone:
    """Build VGG16's features as torchvision initialises them; maps are the outputs of its five poolings."""
    with torch.device("meta"):  # the classifier, nine tenths of the network, is never made
        network = torchvision.models.vgg16(weights=None)
    layers: nn.Sequential = network.features
    if channels != 3:
        layers[0] = nn.Conv2d(channels, 64, kernel_size=3, padding=1, device="meta")
    layers.to_empty(device="cpu").apply(_initialise)
    return Backbone(
        name="vgg16",
        layers=layers,
        tapped=frozenset(name for name, layer in layers.named_children() if isinstance(layer, nn.MaxPool2d)),
        first="0",
        head=_tensors("classifier.0", "classifier.3", "classifier.6"),
        prefix="features.",
        smallest=32,
    )


def _initialise(layer: nn.Module) -> None:
    """Draw a convolution's weights as both of torchvision's networks do."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _tensors(*layers: str) -> frozenset[str]:
    return frozenset(f"{layer}.{part}" for layer in layers for part in ("weight", "bias"))
