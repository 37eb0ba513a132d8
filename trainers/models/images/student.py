"""VSKD's students: an image network on the Gramian angular fields of one or several inputs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.models.absent import zero_absent
from trainers.models.dropout import Dropout
from trainers.models.images.backbones import FEATURES, Backbone, resnet18, vgg16
from trainers.models.images.params import ImageNetworkParams
from trainers.models.images.pretrained import load_backbone

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's RGB in 0..1


class ImageStudent(nn.Module):
    """A backbone, global average pooling, 512 -> embedding -> ReLU -> classes.

    Several inputs are one image with all their channels; their shapes are (C, S, S), of one S. The constructor reads
    no weights, see `load_pretrained`. An absent input's channels are zero.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: ImageNetworkParams) -> None:
        super().__init__()
        channels = sum(shape[0] for shape in shapes.values())
        backbone = self.make_backbone(channels)  # before the layers below: a seed draws its weights first
        _check_sizes(shapes, backbone)
        self.names = tuple(shapes)
        self.stream = f"{'+'.join(self.names)}/{backbone.name}"
        self._backbone = backbone
        self.body = backbone.layers
        self.embed = nn.Linear(FEATURES, params.embedding)
        self.drop = Dropout(params.dropout)
        self.classify = nn.Linear(params.embedding, classes)
        self.embedding_width = params.embedding
        shift, scale = _to_imagenet(channels, wanted=params.weights != "none")
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", shift, persistent=False)
        self.register_buffer("scale", scale, persistent=False)

    @staticmethod
    def make_backbone(channels: int) -> Backbone:
        """Build the network for images of so many channels."""
        raise NotImplementedError

    def load_pretrained(self, state: Mapping[str, Tensor]) -> None:
        """Start from torchvision's state of the same network, see `load_backbone`."""
        load_backbone(self._backbone, state)

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify images (B, C, S, S) in -1..1; see `trainers.data.batch.ModelOutput`."""
        images = torch.cat(zero_absent(inputs, valid, self.names), dim=1)
        maps = self._backbone.maps((images - self.shift) * self.scale)
        features = maps[-1].mean(dim=(2, 3))  # (B, 512)
        embedding = self.embed(features).relu()
        logits = self.classify(self.drop(embedding))
        return {
            "logits": logits.float().log_softmax(-1),
            "embedding": embedding,
            "streams": {self.stream: logits},
            "maps": maps,
        }


class ResNet18(ImageStudent):
    """torchvision's ResNet18; `maps` are the outputs of its four residual stages."""

    make_backbone = staticmethod(resnet18)


class VGG16(ImageStudent):
    """torchvision's VGG16 without its classifier; `maps` are the outputs of its five pooling layers.

    Its classifier has 120 of its 138 million parameters and wants 7 x 7 maps. Here the maps are averaged to 512
    features instead, as in ResNet18.
    """

    make_backbone = staticmethod(vgg16)


def _check_sizes(shapes: Mapping[str, tuple[int, ...]], backbone: Backbone) -> None:
    sizes = {shape[1:] for shape in shapes.values()}
    if len(sizes) != 1:
        given = ", ".join(f"{name} {' x '.join(map(str, shape[1:]))}" for name, shape in shapes.items())
        raise TrainingError(
            f"model: {backbone.name} wants images of one size, not {given or 'none'}; give all modalities one size"
        )
    if min(*sizes.pop()) < backbone.smallest:
        raise TrainingError(
            f"model: {backbone.name} wants images of at least {backbone.smallest} x {backbone.smallest} pixels; "
            f"render them in size {backbone.smallest} or more, or take resnet18"
        )


def _to_imagenet(channels: int, wanted: bool) -> tuple[Tensor, Tensor]:
    """Shift and scale (1, C, 1, 1) that turn -1..1 into what ImageNet's networks were trained on, if wanted."""
    mean, std = torch.zeros(3), torch.ones(3)
    if wanted:  # ((x + 1) / 2 - mean) / std
        mean, std = 2 * torch.tensor(MEAN) - 1, 2 * torch.tensor(STD)
    if channels != 3:
        mean, std = mean.mean().expand(channels), std.mean().expand(channels)
    return mean.view(1, -1, 1, 1), 1 / std.view(1, -1, 1, 1)
