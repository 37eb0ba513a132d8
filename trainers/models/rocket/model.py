"""MiniRocket of one or several modalities, and a ridge head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput, TrainingRows
from trainers.models.absent import zero_absent
from trainers.models.ridge.head import RidgeHead
from trainers.models.rocket.params import RocketParams
from trainers.models.rocket.transform import MiniRocket


class Rocket(nn.Module):
    """Series of one length are joined as channels and transformed together; features of all lengths lie side by side.

    Shapes are samples L and channels C by modality. An absent modality's channels are zero, the mean of standardised
    ones. The embedding is the decisions: features are thousands.
    """

    solved = True
    export_tolerance = 0.02  # of a probability: a share of samples above a level steps with the last bit of a sample

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: RocketParams) -> None:
        super().__init__()
        self.lengths: dict[int, list[str]] = {}
        for name, (samples, _) in shapes.items():
            self.lengths.setdefault(samples, []).append(name)
        together = "+".join(shapes)
        self.stream = f"{together}/rocket"
        transforms = [
            MiniRocket(samples, sum(shapes[name][1] for name in names), params.features, where="+".join(names))
            for samples, names in self.lengths.items()
        ]
        self.transforms = nn.ModuleList(transforms)
        self.head = RidgeHead(sum(each.width for each in transforms), classes, where=together)
        self.embedding_width = classes

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify series (B, L, C) by modality with masks (B, 1); see `trainers.data.batch.ModelOutput`."""
        decisions = self.head(self._features(inputs, valid))
        logits = self.head.logits(decisions)
        return {
            "logits": logits.float().log_softmax(-1),
            "embedding": decisions,
            "streams": {self.stream: logits},
            "maps": (),
        }

    def solve(self, rows: TrainingRows, seed: int) -> None:
        """Draw channels, take biases of some training rows, and solve the head on all of them."""
        draw = torch.Generator().manual_seed(seed)
        chosen: list[Tensor] = []
        for transform in self._transforms():
            transform.draw_channels(draw)
            chosen.append(transform.draw_rows(len(rows), draw))
        wanted = torch.tensor(sorted({*torch.cat([each.flatten() for each in chosen]).tolist()}))
        examples = self._series_of(rows, wanted)
        for transform, own, series in zip(self._transforms(), chosen, examples, strict=True):
            transform.fit_biases(series, torch.searchsorted(wanted, own))
        features, labels, recordings = [], [], []
        for batch in rows:
            features.append(self._features(batch["inputs"], batch.get("seen", batch["valid"])))
            labels.append(batch["labels"])
            recordings.append(batch["recordings"])
        self.head.solve(torch.cat(features), torch.cat(labels), torch.cat(recordings))

    def _series_of(self, rows: TrainingRows, wanted: Tensor) -> list[Tensor]:
        """Return the joined series (n, C, L) by length of some of the training rows, in their order."""
        found: list[list[Tensor]] = [[] for _ in self.lengths]
        done = 0
        for batch in rows:
            size = len(batch["labels"])
            own = wanted[(wanted >= done) & (wanted < done + size)] - done
            done += size
            for kept, series in zip(
                found, self._joined(batch["inputs"], batch.get("seen", batch["valid"])), strict=True
            ):
                kept.append(series[own.to(series.device)])
        return [torch.cat(kept) for kept in found]

    def _features(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> Tensor:
        joined = self._joined(inputs, valid)
        return torch.cat([each(series) for each, series in zip(self.transforms, joined, strict=True)], dim=1)

    def _joined(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> Iterable[Tensor]:
        """Return the series (B, C, L) of each length."""
        for names in self.lengths.values():
            yield torch.cat(zero_absent(inputs, valid, names), dim=-1).transpose(1, 2)

    def _transforms(self) -> list[MiniRocket]:
        return [each for each in self.transforms if isinstance(each, MiniRocket)]
