"""A frozen network without its head: what it makes of an image is the image's features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pipeline.errors import ConfigError
from pipeline.stages.encode.video.networks import of_plugin, of_timm, of_torchvision
from pipeline.stages.encode.video.networks.body import Body
from pipeline.stages.encode.video.params import VideoParams
from pipeline.stages.encode.video.runtime.choice import FrozenNetwork, NetworkToRun, frozen

if TYPE_CHECKING:
    from pipeline.stages.context import Resolve


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


def build_backbone(
    params: VideoParams, weights_file: Path | None, device: torch.device, resolve: Resolve | None = None
) -> Backbone:
    """Build the network, load its weights strictly, and take its head off.

    Raises
    ------
    ConfigError
        There is no such model or weights, the file's weights do not fit, the device cannot compute at
        this precision, or the network does not take images of this size.
    StepError
        Weights cannot be downloaded, or timm is not installed.
    ContractError
        A plug-in's class gives no features.
    """
    if params.precision == "fp16" and device.type == "cpu":
        raise ConfigError("precision: fp16 needs a GPU; on the CPU set precision: bf16 or fp32")
    name, body = _body(params, weights_file, resolve)
    to_run = NetworkToRun(
        name=name,
        variant=body.variant,
        body=body.network.eval().requires_grad_(False),
        mean=_colour(body.weights.mean),
        std=_colour(body.weights.std),
        size=params.image_size,
        made_for=body.side,
        plain=body.plain,
    )
    ready = frozen(to_run, device, params.precision)
    return Backbone(width=ready.width, weights=body.weights.origin, device=device, _network=ready)


def _body(params: VideoParams, file: Path | None, resolve: Resolve | None) -> tuple[str, Body]:
    backbone = params.backbone
    if not isinstance(backbone, str):
        assert resolve is not None
        return str(backbone["name"]), of_plugin.build(backbone, params.weights, file, resolve)
    if backbone.startswith(of_timm.PREFIX):
        return backbone, of_timm.build(backbone, params.weights, file)
    return backbone, of_torchvision.build(backbone, params.weights, file)


def _colour(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)
