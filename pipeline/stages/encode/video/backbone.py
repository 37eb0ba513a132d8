"""A frozen network without its head: what it makes of an image is the image's features."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.stages.encode.video import bn_inception
from pipeline.stages.encode.video.params import VideoParams
from pipeline.stages.encode.video.runtime.choice import FrozenNetwork, NetworkToRun, frozen
from pipeline.stages.encode.video.weights import load_weights

RANDOM_SEED = 0  # of `weights: none`; part of what such features mean, so never a parameter


@dataclass(frozen=True)
class Backbone:
    """A network on its device."""

    width: int  # features of an image
    weights: str  # where they come from, for provenance
    device: torch.device
    _network: FrozenNetwork

    def features(self, images: Tensor) -> Tensor:
        """Map (B, 1 or 3, S, S) images in 0..1, on any device, to (B, width) float32 features on the device."""
        return self._network.compute(images)

    @property
    def provenance(self) -> dict[str, str]:
        """Where weights come from, and which runtime computes the network."""
        return {"weights": self.weights, "runtime": self._network.runtime}


def build_backbone(params: VideoParams, weights_file: Path | None, device: torch.device) -> Backbone:
    """Build the network, load its weights strictly, and take its head off.

    Raises
    ------
    ConfigError
        There is no such model or weights, the file's weights do not fit, the device cannot compute at
        this precision, or the network does not take images of this size.
    StepError
        Weights cannot be downloaded.
    """
    if params.precision == "fp16" and device.type == "cpu":
        raise ConfigError("precision: fp16 needs a GPU; on the CPU set precision: bf16 or fp32")
    known = [*torchvision.models.list_models(module=torchvision.models), bn_inception.NAME]
    if params.backbone not in known:
        close = difflib.get_close_matches(params.backbone, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(close)}?" if close else "torchvision.models.list_models() names them all"
        raise ConfigError(f"backbone: torchvision has no classification model {params.backbone!r}; {hint}")
    # A fork, so that building a network draws nothing from the process's own random numbers.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        network: Any = (
            bn_inception.BNInception()
            if params.backbone == bn_inception.NAME
            else torchvision.models.get_model(params.backbone, weights=None)
        )
    weights = load_weights(network, params.backbone, params.weights, weights_file)
    if hasattr(network, "transform_input"):  # Inception and GoogLeNet were trained on another scale
        network.transform_input = params.weights != "none"
    body = _without_head(network).eval().requires_grad_(False)
    to_run = NetworkToRun(
        name=params.backbone,
        variant=getattr(network, "transform_input", False),
        body=body,
        mean=_colour(weights.mean),
        std=_colour(weights.std),
        size=params.image_size,
    )
    ready = frozen(to_run, device, params.precision)
    return Backbone(width=ready.width, weights=weights.origin, device=device, _network=ready)


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


def _colour(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)
