"""HAMLET: a hierarchy of attention, first over each modality's patches, then over modalities.

Islam and Iqbal, HAMLET: A Hierarchical Multimodal Attention-based Human Activity Recognition Algorithm (IROS 2020,
arXiv 2008.01148). Its text could not be had but for the abstract, which names multi-head self-attention over each
modality's spatio-temporal features, a multimodal attention that fuses them, and a fully connected network. How these
are made follows the first author's public code of a network that fits the abstract, for another task
(github.com/mmiakashs/Multimodal-Deepfakes-Detection, March 2020): embedding, ReLU, LSTM, attention over time, sum over
time, ReLU; then, with one row a modality, batch norm, ReLU, attention, batch norm, ReLU, dropout, the merge, and two
linear layers without an activation between them. No equation is cited, since none was seen; the paper may score
modalities otherwise.

Left out: the image network (features are `encode`'s), the pooling over frames (patches are pooled), and dropout of
attention weights, as in `trainers.models.dmft.encoder`. In the code the sum is taken of one modality, and its
layers are as wide as for several; here they are as wide as the sum.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.dropout import Dropout
from trainers.models.hamlet.attention import SelfAttention
from trainers.models.hamlet.params import HamletParams
from trainers.models.recurrent.lstm import LSTM
from trainers.models.recurrent.presence import counted, present_modalities


class Hamlet(nn.Module):
    """Modalities' encoders, attention among modalities, two linear layers.

    Shapes are patches P and features D by modality. An absent modality is not attended to, and zero in the merge.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: HamletParams) -> None:
        super().__init__()
        self.names = tuple(shapes)
        self.stream = f"{'+'.join(shapes)}/hamlet"
        self.encode = nn.ModuleDict({name: UnimodalEncoder(shape[1], params) for name, shape in shapes.items()})
        self.fuse = MultimodalAttention(len(shapes), params)
        merged = params.width * (len(shapes) if params.merge == "concat" else 1)
        self.embedding_width = max(merged // 2, 1)
        self.embed = nn.Linear(merged, self.embedding_width)
        self.classify = nn.Linear(self.embedding_width, classes)

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        encoded = torch.stack([self.encode[name](inputs[name], valid.get(name)) for name in self.names], dim=1)
        masked = any(name in valid for name in self.names)
        present = present_modalities(inputs, valid, self.names) if masked else None
        embedding = self.embed(self.fuse(encoded, present))
        logits = self.classify(embedding)
        return {
            "logits": logits.float().log_softmax(-1),
            "embedding": embedding,
            "streams": {self.stream: logits},
            "maps": (),
        }


class UnimodalEncoder(nn.Module):
    """Embedding, LSTM, self-attention over patches, their sum."""

    def __init__(self, features: int, params: HamletParams) -> None:
        super().__init__()
        self.embed = nn.Linear(features, params.width)
        self.drop = Dropout(params.dropout)
        self.layers = nn.ModuleList(LSTM(params.width, params.width) for _ in range(params.layers))
        self.attend = SelfAttention(params.width, params.heads)

    def forward(self, patches: Tensor, mask: Tensor | None = None) -> Tensor:
        """Encode patches (B, P, D) of which the mask (B, P) is True to (B, W); zero where none is."""
        if mask is not None:
            patches = patches.masked_fill(~mask.unsqueeze(-1), 0)
        hidden = self.drop(self.embed(patches).relu())
        for layer in self.layers:
            hidden = layer(hidden, mask)
        attended: Tensor = self.attend(hidden, None if mask is None else counted(mask))
        if mask is not None:
            attended = attended.masked_fill(~mask.unsqueeze(-1), 0)
        return attended.sum(1).relu()


class MultimodalAttention(nn.Module):
    """Self-attention over modalities between two batch norms, which have a mean and deviation for each modality."""

    def __init__(self, modalities: int, params: HamletParams) -> None:
        super().__init__()
        self.merge = params.merge
        self.norm_before = nn.BatchNorm1d(modalities)
        self.attend = SelfAttention(params.width, params.heads)
        self.norm_after = nn.BatchNorm1d(modalities)
        self.drop = Dropout(params.dropout)

    def forward(self, encoded: Tensor, present: Tensor | None = None) -> Tensor:
        """Fuse modalities (B, M, W) of which `present` (B, M) is True into (B, W), or (B, M x W) side by side."""
        tokens = self.norm_before(encoded).relu()
        attended: Tensor = self.attend(tokens, None if present is None else counted(present))
        attended = self.drop(self.norm_after(attended).relu())
        if present is not None:
            attended = attended.masked_fill(~present.unsqueeze(-1), 0)
        return attended.sum(1) if self.merge == "sum" else attended.flatten(1)
