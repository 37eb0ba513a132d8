"""Ridge regression on patches: of all modalities together, or one for each and a vote."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput, TrainingRows
from trainers.models.dmft.heads import vote
from trainers.models.ridge.head import RidgeHead
from trainers.models.ridge.params import RidgeParams


class Ridge(nn.Module):
    """All values of a recording's patches, and `RidgeHead`; nothing is descended.

    Shapes are patches P and features D by modality. Invalid patches are zero, the mean of standardised ones. Of several
    streams, a modality without any valid patch has no vote. The embedding is the streams' decisions side by side.
    """

    solved = True

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: RidgeParams) -> None:
        super().__init__()
        joint = params.streams == "joint"
        self.streams = {"+".join(shapes): tuple(shapes)} if joint else {name: (name,) for name in shapes}
        self.heads = nn.ModuleDict(
            {
                stream: RidgeHead(
                    sum(math.prod(shapes[name]) for name in names), classes, params.components, where=stream
                )
                for stream, names in self.streams.items()
            }
        )
        self.embedding_width = classes * len(self.streams)

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        decisions, streams, present = [], {}, []
        for (stream, names), head in zip(self.streams.items(), self._heads(), strict=True):
            decisions.append(head(_flat(inputs, valid, names)))
            streams[f"{stream}/ridge"] = head.logits(decisions[-1])
            present.append(valid[stream].any(1) if stream in valid else None)
        embedding = torch.cat(decisions, dim=-1)
        return {"logits": vote(streams.values(), present), "embedding": embedding, "streams": streams, "maps": ()}

    def solve(self, rows: TrainingRows, seed: int) -> None:
        """Solve each stream's regression on all training rows."""
        values: dict[str, list[Tensor]] = {stream: [] for stream in self.streams}
        labels, recordings = [], []
        for batch in rows:
            labels.append(batch["labels"])
            recordings.append(batch["recordings"])
            # a stream of its own is left out of the vote where its modality is absent: it need not know how that looks
            masks = batch["valid"] if len(self.streams) > 1 else batch.get("seen", batch["valid"])
            for stream, names in self.streams.items():
                values[stream].append(_flat(batch["inputs"], masks, names))
        for stream, head in zip(self.streams, self._heads(), strict=True):
            head.solve(torch.cat(values.pop(stream)), torch.cat(labels), torch.cat(recordings))

    def _heads(self) -> list[RidgeHead]:
        return [head for head in self.heads.values() if isinstance(head, RidgeHead)]


def _flat(inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], names: tuple[str, ...]) -> Tensor:
    """Return all values of some modalities side by side, (B, F)."""
    patches = [
        inputs[name].masked_fill(~valid[name].unsqueeze(-1), 0) if name in valid else inputs[name] for name in names
    ]
    return torch.cat([each.flatten(1) for each in patches], dim=-1)
