"""Gimme Signals: a drawing of all modalities' signals, and EfficientNet-B2.

Memmesheimer, Theisen and Paulus, Gimme Signals: Discriminative Signal Encoding for Multimodal Activity Recognition
(IROS 2020, arXiv 2003.06156). Followed are its abstract and the authors' public code
(github.com/raphaelmemmesheimer/gimme_signals_action_recognition: the drawing of UTD-MHAD's fused modalities, and the
settings of UTD-MHAD and EfficientNet). Differences: series are aligned and standardised by this program where the code
draws samples of inertial data at random places; each channel is drawn once, in a colour of its own, where the code
draws inertial channels three times; lines are drawn at the image's size where the code scales a larger drawing down;
and weights start at random, not from ImageNet. The paper's augmentation of images is left out: `augment` acts on the
series, which are drawn anew for every batch. Its reduction of signals is left out, too.
"""

from __future__ import annotations

from collections.abc import Mapping

import torchvision
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.absent import zero_absent
from trainers.models.dropout import Dropout
from trainers.models.images.backbones import FEATURES, resnet18
from trainers.models.signals.drawing import colours, draw
from trainers.models.signals.params import SignalsParams


class GimmeSignals(nn.Module):
    """Series of all modalities in one image, an image network, global average pooling, classes.

    Shapes are samples L and channels C by modality; lengths may differ. An absent modality is not drawn.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: SignalsParams) -> None:
        super().__init__()
        self.names = tuple(shapes)
        self.stream = f"{'+'.join(shapes)}/signals"
        self.size = params.size
        self.body, self.embedding_width = _body(params.network)
        self.drop = Dropout(params.dropout)
        self.classify = nn.Linear(self.embedding_width, classes)
        self.colours: Tensor
        self.register_buffer("colours", colours(sum(channels for _, channels in shapes.values())), persistent=False)

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify series (B, L, C); `maps` is the last feature map (B, W, h, h). See `ModelOutput`."""
        series = zero_absent(inputs, valid, self.names)
        present = [valid[name].view(-1) if name in valid else None for name in self.names]
        features = self.body(draw(series, present, self.colours, self.size))  # (B, W, h, h)
        embedding = features.mean((2, 3))
        logits = self.classify(self.drop(embedding))
        return {
            "logits": logits.float().log_softmax(-1),
            "embedding": embedding,
            "streams": {self.stream: logits},
            "maps": (features.transpose(2, 3),),  # time, which runs to the right in the image, along H
        }


def _body(network: str) -> tuple[nn.Module, int]:
    """Return a network up to its last feature map, and that one's width."""
    if network == "resnet18":
        return resnet18(3).layers, FEATURES
    built = torchvision.models.efficientnet_b2(weights=None)
    return built.features, built.classifier[1].in_features
