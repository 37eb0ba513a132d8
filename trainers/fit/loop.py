"""The fit loop: one for every task, from `fit` downwards; stacked trainings (`trainers.fit.stacked`) share `Epoch`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from trainers.data.batch import TaskOutput
from trainers.data.device import indexed_device
from trainers.data.recordings import RecordingData
from trainers.errors import TrainingError
from trainers.fit.balance import drawn_rows
from trainers.fit.batches import count_hits, cut_batches, mean_over_recordings
from trainers.fit.captured_step import Figures, recorded_steps, recorder_for
from trainers.fit.checkpoint import Checkpoint, State
from trainers.fit.seeding import repeatable, seeded
from trainers.fit.validation import is_over, kept_epoch, validate
from trainers.fit.weights.average import WeightAverage
from trainers.params import FitParams

History = list[dict[str, float]]
Progress = Callable[[int, int, float, float], None]  # epoch from 1, epochs, loss, accuracy on the training batches


@dataclass(frozen=True)
class Training:
    """What is trained on what.

    Attributes
    ----------
    task
        Its forward takes a batch and returns `trainers.data.batch.TaskOutput`. The caller initialises its weights,
        see `trainers.fit.seeding`.
    seed
        Of shuffling, augmentation and dropout.
    checkpoint
        Read once, and offered the state after every epoch.
    progress
        Called after every epoch.
    validation
        Recordings set apart: nothing is fitted on them, and their figures stand in the history.
    """

    task: nn.Module
    data: RecordingData
    seed: int
    checkpoint: Checkpoint | None = None
    progress: Progress | None = None
    validation: RecordingData | None = None

    def to(self, device: torch.device) -> Training:
        """Move the task, and return the training with its data on a device."""
        validation = self.validation.to(device) if self.validation is not None else None
        return replace(self, task=self.task.to(device), data=self.data.to(device), validation=validation)


def fit(training: Training, params: FitParams, *, device: torch.device | str = "cpu") -> History:
    """Train a task's parameters in place; the last epoch is the result, or the best one where `params` have a patience.

    Where weights are averaged, it is their average at that time.

    Deterministic by seed at equal thread counts on one kind of machine, and the same whether it ran through
    or was resumed from any of its checkpoints.

    Returns
    -------
    list
        For every epoch: ``epoch`` from 1, mean ``loss`` and ``accuracy`` (0..1) over its training batches,
        and the last step's ``lr``; with recordings set apart, also what `trainers.fit.validation.validate` returns.

    Raises
    ------
    TrainingError
        For a loss that is not finite, or a checkpoint that is damaged or another model's.
    """
    device = indexed_device(device)
    training = training.to(device)
    task, state = training.task, initial_state(training, params, device)

    def step(rows: Tensor) -> Figures:
        state.optimiser.zero_grad(set_to_none=True)
        batch = training.data.batch(rows, state.noise)  # inputs (B, ...) augmented, labels (B,)
        with autocast(params.precision, device):
            output: TaskOutput = task(batch)  # loss (), logits (B, K)
        torch.autograd.backward(state.scaler.scale(output["loss"]))
        update(state, params)
        return output["loss"].detach(), count_hits(output["logits"], batch["labels"])

    # dropout draws from torch's global generators: they are seeded, and put back for the caller
    with repeatable(device), seeded(training.seed, device), recorded_steps(device, [state.noise]) as steps:
        resume(training, state)
        task.train()
        while not is_over(state.history, params):
            epoch = Epoch(training, state, params)  # shuffles
            for number in range(len(epoch.batches)):
                rows = epoch.begin_step(number)  # (B,)
                epoch.add_up(*steps.run(len(rows), step, rows))
            epoch.finish()
    state.load_result()
    task.eval()
    return state.history


def initial_state(training: Training, params: FitParams, device: torch.device) -> State:
    """Return the state before the first step; the task is on the device."""
    weights = [weight for weight in training.task.parameters() if weight.requires_grad]
    optimiser = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[params.optimiser]
    recorded = recorder_for(device) is not None  # then the rate is read on the device in each run
    rate = torch.tensor(params.lr, device=device) if recorded else params.lr
    return State(
        task=training.task,
        optimiser=optimiser(weights, lr=rate, weight_decay=params.weight_decay, fused=True, capturable=recorded),
        scaler=torch.amp.GradScaler(device.type, enabled=params.precision == "fp16"),
        shuffle=torch.Generator().manual_seed(training.seed),
        noise=torch.Generator(device).manual_seed(training.seed),
        history=[],
        average=WeightAverage(training.task, params.average) if params.average else None,
    )


def resume(training: Training, state: State) -> None:
    """Go on from the training's checkpoint, where there is one."""
    content = training.checkpoint.load() if training.checkpoint else None
    if content is not None:
        state.restore(content)


def update(state: State, params: FitParams) -> None:
    """Clip the gradients, which are those of the scaled loss, let the optimiser step, and average."""
    if params.clip:
        state.scaler.unscale_(state.optimiser)
        nn.utils.clip_grad_norm_(state.optimiser.param_groups[0]["params"], params.clip, foreach=True)
    state.scaler.step(state.optimiser)
    state.scaler.update()
    if state.average is not None:
        state.average.add()


class Epoch:
    """The next epoch of a training: its batches, their learning rates, and its figures.

    Attributes
    ----------
    batches
        Row numbers (B,) int64 of each step, on the device.
    """

    def __init__(self, training: Training, state: State, params: FitParams) -> None:
        self._training, self._state, self._params = training, state, params
        self._number = len(state.history) + 1
        device = state.noise.device
        labels = training.data.labels
        balanced = params.balance == "sampling"
        order = drawn_rows(labels, state.shuffle) if balanced else torch.randperm(len(labels), generator=state.shuffle)
        self.batches = cut_batches(order.to(device), params.batch)
        # figures stay on the device until the epoch ends: reading one would wait for it in every step
        self._losses: list[Tensor] = []
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._lr = params.lr

    def begin_step(self, number: int) -> Tensor:
        """Set a step's learning rate, and return its rows (B,)."""
        count = len(self.batches)
        self._lr = learning_rate((self._number - 1) * count + number, count, self._params)
        for group in self._state.optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(self._lr)
            else:
                group["lr"] = self._lr
        return self.batches[number]

    def add_up(self, loss: Tensor, hits: Tensor) -> None:
        """Add a step's loss () and hits () to the epoch's."""
        self._losses.append(loss)
        self._hits += hits

    def finish(self) -> None:
        """Validate, note the epoch's figures, save and report; TrainingError for a loss that is not finite."""
        training, state, params = self._training, self._state, self._params
        loss = _mean_loss(torch.stack(self._losses), self.batches, self._number)  # an epoch's only wait for the device
        accuracy = self._hits.item() / len(training.data)
        figures = {"epoch": self._number, "loss": loss, "accuracy": accuracy, "lr": self._lr}
        if state.average is not None:
            state.average.steps += len(self.batches)
        with state.averaged():
            if training.validation is not None:
                figures |= validate(state.task, training.validation, params, self._number)
            state.history.append(figures)
            if params.patience and kept_epoch(state.history, params.patience) == self._number:
                state.keep()
        if training.checkpoint:
            training.checkpoint.save(state.to_bytes)
        if training.progress:
            training.progress(self._number, params.epochs, loss, accuracy)


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Compute in a training's precision."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, {"bf16": torch.bfloat16, "fp16": torch.float16}[precision])


def learning_rate(step: int, steps_per_epoch: int, params: FitParams) -> float:
    """Return the rate of one step, from 0 over all epochs: linear warm-up, then a cosine to zero or a constant."""
    total = params.epochs * steps_per_epoch
    warm = min(round(params.warmup * steps_per_epoch), total - 1)
    if step < warm:
        return params.lr * (step + 1) / warm
    if params.schedule == "constant":
        return params.lr
    return params.lr * (1 + math.cos(math.pi * (step - warm) / (total - warm))) / 2


def _mean_loss(losses: Tensor, batches: Sequence[Tensor], epoch: int) -> float:
    """Mean over recordings of the batches' mean losses, (batches,)."""
    finite = losses.isfinite()
    if not bool(finite.all()):
        number = int((~finite).int().argmax()) + 1
        raise TrainingError(
            f"training: the loss is not finite in epoch {epoch}, batch {number} of {len(batches)}; "
            "lower lr, set clip, use precision fp32 or bf16, or look for extreme values in the features"
        )
    return mean_over_recordings(losses, batches)
