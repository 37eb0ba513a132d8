"""Parameters of the image networks. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ImageNetworkParams(Struct, frozen=True, forbid_unknown_fields=True):
    """VSKD's student (3.2; ResNet18, VGG16 in the ablation).

    Attributes
    ----------
    weights
        What the network starts from: a name of torchvision's enumeration (``IMAGENET1K_V1``), a .pth or
        .safetensors file, or ``none``, random weights. With any but ``none`` images get ImageNet's statistics.
    embedding
        Width of the layer before the classes, 300 as in the paper's teacher and student.
    dropout
        Between that layer and the classes.
    """

    weights: str = "IMAGENET1K_V1"
    embedding: Annotated[int, Meta(ge=1, le=65_536)] = 300
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0

    def __post_init__(self) -> None:
        if not self.weights:
            raise ValueError("weights: must not be empty; for random weights say weights: none")
        if self.weights == "DEFAULT":
            raise ValueError("weights: DEFAULT means other weights in other versions of torchvision; name them")
