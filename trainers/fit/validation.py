"""Recordings set apart from training: their figures after each epoch, and what is decided by them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from trainers.data.recordings import RecordingData
from trainers.errors import TrainingError
from trainers.fit.batches import count_hits, cut_batches, mean_over_recordings
from trainers.params import FitParams


@torch.no_grad()
def validate(task: nn.Module, data: RecordingData, params: FitParams, epoch: int) -> dict[str, float]:
    """Return mean ``validation_loss`` and ``validation_accuracy`` (0..1) of recordings that nothing is fitted on.

    The task's own loss, in evaluation mode, in fp32 and not augmented, as models are tested; it is left in training
    mode. Batches have the training's size, since some losses compare the recordings of a batch, and are the same after
    every epoch.

    Raises
    ------
    TrainingError
        For a loss that is not finite, or outputs that are not a model's.
    """
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)).to(data.labels.device)
    batches = cut_batches(order, params.batch)
    losses, hits = [], torch.zeros((), dtype=torch.int64, device=order.device)
    task.eval()
    for rows in batches:
        batch = data.batch(rows)
        output = task(batch)
        losses.append(output["loss"])
        hits += count_hits(output["logits"], batch["labels"])
    task.train()
    loss = mean_over_recordings(torch.stack(losses), batches)
    if not math.isfinite(loss):
        raise TrainingError(
            f"training: the loss of the recordings set apart is not finite after epoch {epoch}; lower lr, set clip, "
            "or look for extreme values in the features of these recordings"
        )
    return {"validation_loss": loss, "validation_accuracy": hits.item() / len(data)}


def kept_epoch(history: Sequence[Mapping[str, float]], patience: int) -> int:
    """Return the epoch, from 1, whose weights are the model.

    That is the last one; with a patience, the first with the least validation loss.
    """
    if not patience:
        return len(history)
    losses = [figures["validation_loss"] for figures in history]
    return losses.index(min(losses)) + 1


def is_over(history: Sequence[Mapping[str, float]], params: FitParams) -> bool:
    """Tell whether a training has had all its epochs, or as many without a better one as its patience allows."""
    if len(history) >= params.epochs:
        return True
    return bool(params.patience and history) and len(history) - kept_epoch(history, params.patience) >= params.patience
