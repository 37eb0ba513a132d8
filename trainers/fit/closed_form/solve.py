"""Training in one step: a model that finds its weights by itself, given all training recordings."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from trainers.data.device import indexed_device
from trainers.data.recordings import RecordingData
from trainers.errors import TrainingError
from trainers.fit.batches import count_hits, mean_over_recordings
from trainers.fit.closed_form.rows import CHUNK, Rows
from trainers.fit.loop import History, Training
from trainers.fit.seeding import repeatable, seeded


def is_solved(model: nn.Module) -> bool:
    """Tell whether a standardised model is solved: its class says so, and has a method `solve`."""
    return getattr(model.model, "solved", False) is True


def solve(training: Training, copies: int = 0, *, device: torch.device | str = "cpu") -> History:
    """Let a task's model solve itself in place on all training recordings, and on augmented copies of each.

    Deterministic by seed, as `trainers.fit.loop.fit`. It has no checkpoint.

    Returns
    -------
    list
        One epoch: ``loss`` and ``accuracy`` (0..1) over the training recordings as they are stored, by the model that
        was solved on them; with recordings set apart, also ``validation_loss`` and ``validation_accuracy``.

    Raises
    ------
    TrainingError
        For copies without augmentation, values that are not finite, or outputs that are not a model's.
    """
    if copies and training.data.augment is None:
        raise TrainingError("model.copies: copies of recordings are augmented ones; give `augment`, or set it to 0")
    device = indexed_device(device)
    training = training.to(device)
    task: Any = training.task.eval()
    model = task.model
    with repeatable(device), seeded(training.seed, device), torch.no_grad():
        model.model.solve(Rows(training.data, model.standardiser, copies, training.seed), training.seed)
        loss, accuracy = _figures(task, training.data)
        figures = {"epoch": 1, "loss": loss, "accuracy": accuracy}
        if training.validation is not None:
            apart = _figures(task, training.validation)
            figures |= {"validation_loss": apart[0], "validation_accuracy": apart[1]}
    if training.progress:
        training.progress(1, 1, loss, accuracy)
    return [figures]


def _figures(task: nn.Module, data: RecordingData) -> tuple[float, float]:
    """Return a task's mean loss and accuracy over recordings as they are stored."""
    losses: list[Tensor] = []
    batches = torch.split(torch.arange(len(data), device=data.labels.device), CHUNK)
    hits = torch.zeros((), dtype=torch.int64, device=data.labels.device)
    for rows in batches:
        batch = data.batch(rows)
        output = task(batch)
        losses.append(output["loss"])
        hits += count_hits(output["logits"], batch["labels"])
    loss = mean_over_recordings(torch.stack(losses), batches)
    if not math.isfinite(loss):
        raise TrainingError("training: the loss is not finite; look for extreme values in the features")
    return loss, hits.item() / len(data)
