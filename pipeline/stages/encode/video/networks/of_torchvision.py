"""Classification models of torchvision, and BN-Inception, up to their global average pooling."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import torchvision
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.stages.encode.video import bn_inception
from pipeline.stages.encode.video.networks.body import Body, initialised
from pipeline.stages.encode.video.weights import load_weights


def build(name: str, weights: str, file: Path | None) -> Body:
    """Build a model, load its weights strictly, and take its head off; ConfigError where there is none of that name."""
    known = [*torchvision.models.list_models(module=torchvision.models), bn_inception.NAME]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(close)}?" if close else "torchvision.models.list_models() names them all"
        raise ConfigError(f"backbone: torchvision has no classification model {name!r}; {hint}")
    with initialised():
        network: Any = (
            bn_inception.BNInception()
            if name == bn_inception.NAME
            else torchvision.models.get_model(name, weights=None)
        )
    loaded = load_weights(network, name, weights, file)
    if hasattr(network, "transform_input"):  # Inception and GoogLeNet were trained on another scale
        network.transform_input = weights != "none"
    return Body(_without_head(network), loaded, getattr(network, "transform_input", False))


class _Pooled(nn.Module):
    """Feature maps averaged over the image."""

    def __init__(self, maps: nn.Module) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.maps(images)
        return found.mean(dim=(2, 3)) if found.ndim == 4 else found


def _without_head(network: nn.Module) -> nn.Module:
    """Return the network up to its global average pooling: the penultimate features of every family."""
    for head in ("fc", "head", "heads", "last_linear"):  # ResNet, Inception and others; Swin; ViT; ours
        if hasattr(network, head):
            setattr(network, head, nn.Identity())
            return _Pooled(network)
    maps = getattr(network, "features", None) or getattr(network, "layers", None)  # the latter: MNASNet
    if maps is None:  # MaxViT pools inside its classifier
        classifier = network.classifier
        assert isinstance(classifier, nn.Sequential)
        classifier[-1] = nn.Identity()
        return _Pooled(network)
    if isinstance(network, torchvision.models.DenseNet):  # its last ReLU stands in forward
        return _Pooled(nn.Sequential(maps, nn.ReLU()))
    if isinstance(network, torchvision.models.ConvNeXt):  # normalises after pooling
        return nn.Sequential(maps, nn.AdaptiveAvgPool2d(1), network.classifier[0], nn.Flatten())
    return _Pooled(maps)
