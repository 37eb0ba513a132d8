"""Several trained models as one, such as the teachers of a student."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput


class Ensemble(nn.Module):
    """Models of the same recordings, which may see other modalities of them: each has the same say.

    The vote is the log of the mean of the models' probabilities, and so is a stream that several have; embeddings stand
    side by side, in the order of the models. There are no feature maps: those of several models are no one's.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Run each model on its own inputs; see `ModelOutput`."""
        outputs: list[ModelOutput] = [model(inputs, valid) for model in self.models]
        streams: defaultdict[str, list[Tensor]] = defaultdict(list)
        for output in outputs:
            for name, logits in output["streams"].items():
                streams[name].append(logits)
        return {
            "logits": log_mean_probability([output["logits"] for output in outputs]),
            "embedding": torch.cat([output["embedding"] for output in outputs], dim=-1),
            "streams": {name: log_mean_probability(logits) for name, logits in streams.items()},
            "maps": (),
        }


def log_mean_probability(logits: Sequence[Tensor]) -> Tensor:
    """Log of the mean of the softmax of several logits (B, K); a single one stays as it is."""
    if len(logits) == 1:
        return logits[0]
    return torch.stack([each.log_softmax(-1) for each in logits]).logsumexp(0) - math.log(len(logits))
