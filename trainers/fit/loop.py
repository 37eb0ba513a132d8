"""The fit loop: one for every task."""

from __future__ import annotations

import torch
from torch import nn

from trainers.data.batch import TaskOutput
from trainers.data.device import indexed_device
from trainers.fit.checkpoint import Checkpoint
from trainers.fit.epoch import Data, Epoch, Progress, Training, autocast, start
from trainers.fit.seeding import repeatable, seeded
from trainers.params import FitParams


def fit(
    task: nn.Module,
    data: Data,
    params: FitParams,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> list[dict[str, float]]:
    """Train a task's parameters in place; the last epoch is the result.

    Deterministic by seed at equal thread counts on one kind of machine, and the same whether it ran through
    or was resumed from any of its checkpoints.

    Parameters
    ----------
    task, data, seed, checkpoint, progress
        See `trainers.fit.epoch.Training`.

    Returns
    -------
    list
        For every epoch: ``epoch`` from 1, mean ``loss`` and ``accuracy`` (0..1) over its training batches,
        and the last step's ``lr``.

    Raises
    ------
    TrainingError
        For a loss that is not finite, or a checkpoint that is damaged or another model's.
    """
    device = indexed_device(device)
    training = Training(task.to(device), data.to(device), seed, checkpoint, progress)
    state = start(training, params, device)
    with repeatable(device), seeded(seed, device):  # the latter for dropout, which draws from torch's global generators
        content = checkpoint.load() if checkpoint else None
        if content is not None:
            state.restore(content)
        task.train()
        while len(state.history) < params.epochs:
            epoch = Epoch(state, training.data, params)
            for number in range(len(epoch.batches)):
                batch = epoch.begin(number)
                with autocast(params.precision, device):
                    output: TaskOutput = task(batch)
                torch.autograd.backward(state.scaler.scale(output["loss"]))
                epoch.descend(output["loss"], output["logits"], batch["labels"])
            epoch.end(training)
    task.eval()
    return state.history
