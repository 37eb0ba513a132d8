"""Probabilities of a trained model for given recordings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.data.device import indexed_device
from trainers.data.recordings import RecordingData
from trainers.fit.output_checks import checked_output
from trainers.fit.seeding import repeatable

BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """A model's outputs for N recordings, in float32 on the CPU."""

    logits: Tensor  # (N, K), the log of the mean probability over streams
    embedding: Tensor  # (N, E)
    streams: dict[str, Tensor]  # probabilities (N, K) of every stream

    @property
    def probabilities(self) -> Tensor:
        """(N, K) float32: the vote."""
        return self.logits.softmax(-1)


def predict(model: nn.Module, data: RecordingData, device: torch.device | str = "cpu") -> Prediction:
    """Run a model that takes raw inputs (`trainers.data.standardise.Standardised`) over recordings, not augmented."""
    device = indexed_device(device)
    model, data = model.to(device).eval(), data.to(device)
    outputs: list[ModelOutput] = []
    with repeatable(device), torch.inference_mode():
        for rows in torch.split(torch.arange(len(data), device=device), BATCH):
            batch = data.batch(rows)
            output = checked_output(model, model(batch["inputs"], batch["valid"]), len(rows))
            outputs.append({**output, "maps": ()})  # which could fill a GPU
    names = outputs[0]["streams"]
    return Prediction(
        logits=torch.cat([output["logits"].float().cpu() for output in outputs]),
        embedding=torch.cat([output["embedding"].float().cpu() for output in outputs]),
        streams={
            name: torch.cat([output["streams"][name].float().softmax(-1).cpu() for output in outputs]) for name in names
        },
    )
