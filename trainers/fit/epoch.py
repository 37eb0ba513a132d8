"""One epoch of one training: its batches, its steps and its figures, however gradients are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trainers.data.batch import Batch
from trainers.errors import TrainingError
from trainers.fit.checkpoint import Checkpoint, State
from trainers.fit.schedule import learning_rate
from trainers.params import FitParams

Progress = Callable[[int, int, float, float], None]  # epoch from 1, epochs, loss, accuracy on the training batches


class Data(Protocol):
    """Recordings to train on, see `trainers.data.recordings.RecordingData`."""

    def __len__(self) -> int: ...
    def to(self, device: torch.device | str) -> Data: ...
    def batch(self, rows: Tensor, generator: torch.Generator | None = None) -> Batch: ...


@dataclass(frozen=True)
class Training:
    """What is trained on what.

    Attributes
    ----------
    task
        Its forward takes a batch and gives `trainers.data.batch.TaskOutput`. Its initial weights are the caller's
        matter, see `trainers.fit.seeding`.
    seed
        Of shuffling, augmentation and dropout.
    checkpoint
        Read once, and offered the state after every epoch.
    progress
        Called after every epoch.
    """

    task: nn.Module
    data: Data
    seed: int
    checkpoint: Checkpoint | None = None
    progress: Progress | None = None


class Epoch:
    """The next epoch of a training.

    Parameters
    ----------
    data
        On the task's device.
    """

    def __init__(self, state: State, data: Data, params: FitParams) -> None:
        self.state = state
        self._data, self._params, self._number = data, params, len(state.history) + 1
        device = state.noise.device
        self.batches = _shuffled(len(data), params.batch, state.shuffle, device)
        self._weights = [weight for weight in state.task.parameters() if weight.requires_grad]
        self._losses: list[Tensor] = []
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._lr = params.lr

    def begin(self, number: int) -> Batch:
        """Set a step's learning rate, and return its batch."""
        count = len(self.batches)
        self._lr = learning_rate((self._number - 1) * count + number, count, self._params)
        for group in self.state.optimiser.param_groups:
            group["lr"] = self._lr
        self.state.optimiser.zero_grad(set_to_none=True)
        return self._data.batch(self.batches[number], self.state.noise)

    def descend(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Go down the gradients, which are those of the scaled loss, and note what the step had."""
        state = self.state
        if self._params.clip:
            state.scaler.unscale_(state.optimiser)
            nn.utils.clip_grad_norm_(self._weights, self._params.clip, foreach=True)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        self._losses.append(loss.detach())
        self._hits += (logits.detach().argmax(-1) == labels).sum()

    def end(self, training: Training) -> None:
        """Add the epoch's figures to the history, save and tell; TrainingError for a loss that is not finite."""
        history, params = self.state.history, self._params
        loss = _mean_loss(torch.stack(self._losses), self.batches, self._number)  # the only wait for the device
        accuracy = self._hits.item() / len(self._data)
        history.append({"epoch": self._number, "loss": loss, "accuracy": accuracy, "lr": self._lr})
        if training.checkpoint:
            training.checkpoint.save(self.state.to_bytes)
        if training.progress:
            training.progress(self._number, params.epochs, loss, accuracy)


def start(training: Training, params: FitParams, device: torch.device) -> State:
    """Return the state before the first step; the task is on the device."""
    weights = [weight for weight in training.task.parameters() if weight.requires_grad]
    build = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[params.optimiser]
    return State(
        task=training.task,
        optimiser=build(weights, lr=params.lr, weight_decay=params.weight_decay, fused=True),
        scaler=torch.amp.GradScaler(device.type, enabled=params.precision == "fp16"),
        shuffle=torch.Generator().manual_seed(training.seed),
        noise=torch.Generator(device).manual_seed(training.seed),
        history=[],
    )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Compute in a training's precision."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, {"bf16": torch.bfloat16, "fp16": torch.float16}[precision])


def _shuffled(count: int, size: int, generator: torch.Generator, device: torch.device) -> Sequence[Tensor]:
    """Cut a random order into batches; a last one of one recording, which has no batch statistics, joins another."""
    batches = torch.split(torch.randperm(count, generator=generator).to(device), size)
    if len(batches) > 1 and len(batches[-1]) == 1 < size:
        return [*batches[:-2], torch.cat(batches[-2:])]
    return batches


def _mean_loss(losses: Tensor, batches: Sequence[Tensor], epoch: int) -> float:
    """Mean over recordings of the batches' mean losses, (batches,)."""
    finite = losses.isfinite()
    if not bool(finite.all()):
        number = int((~finite).int().argmax()) + 1
        raise TrainingError(
            f"training: the loss is not finite in epoch {epoch}, batch {number} of {len(batches)}; "
            "lower lr, set clip, use precision fp32 or bf16, or look for extreme values in the features"
        )
    sizes = torch.tensor([len(rows) for rows in batches], dtype=torch.float64)
    return float((losses.double().cpu() * sizes).sum() / sizes.sum())
