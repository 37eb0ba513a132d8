"""The fit loop: one for every task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trainers.batch import Batch, TaskOutput
from trainers.checkpoint import Checkpoint, State
from trainers.errors import TrainingError
from trainers.params import FitParams
from trainers.schedule import learning_rate
from trainers.seeding import seeded

Progress = Callable[[int, int, float, float], None]  # epoch from 1, epochs, loss, accuracy on the training batches


class Data(Protocol):
    """Recordings to train on, see `trainers.data.RecordingData`."""

    def __len__(self) -> int: ...
    def to(self, device: torch.device | str) -> Data: ...
    def batch(self, rows: Tensor, generator: torch.Generator | None = None) -> Batch: ...


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
    task
        Its forward takes a batch and gives `trainers.batch.TaskOutput`. Its initial weights are the caller's
        matter, see `trainers.seeding`.
    checkpoint
        Read once and written after every epoch.

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
    device = torch.device(device)
    task, data = task.to(device), data.to(device)
    state = _start(task, params, seed, device)
    with seeded(seed):  # for dropout, which draws from torch's global generators
        content = checkpoint.load() if checkpoint else None
        if content is not None:
            state.restore(content)
        task.train()
        for epoch in range(len(state.history) + 1, params.epochs + 1):
            figures = _train_epoch(state, data, params, epoch, device)
            state.history.append(figures)
            if checkpoint:
                checkpoint.save(state.to_bytes())
            if progress:
                progress(epoch, params.epochs, figures["loss"], figures["accuracy"])
    task.eval()
    return state.history


def _train_epoch(state: State, data: Data, params: FitParams, epoch: int, device: torch.device) -> dict[str, float]:
    weights = [weight for weight in state.task.parameters() if weight.requires_grad]
    batches = _shuffled(len(data), params.batch, state.shuffle)
    lr, losses, hits = params.lr, [], torch.zeros((), dtype=torch.int64, device=device)
    for number, rows in enumerate(batches):
        lr = learning_rate((epoch - 1) * len(batches) + number, len(batches), params)
        for group in state.optimiser.param_groups:
            group["lr"] = lr
        batch = data.batch(rows.to(device), state.noise)
        with _autocast(params.precision, device):
            output: TaskOutput = state.task(batch)
        state.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(state.scaler.scale(output["loss"]))
        if params.clip:
            state.scaler.unscale_(state.optimiser)
            nn.utils.clip_grad_norm_(weights, params.clip, foreach=True)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        losses.append(output["loss"].detach())
        hits += (output["logits"].detach().argmax(-1) == batch["labels"]).sum()
    loss = _mean_loss(torch.stack(losses), batches, epoch)  # the epoch's only wait for the device
    return {"epoch": epoch, "loss": loss, "accuracy": hits.item() / len(data), "lr": lr}


def _start(task: nn.Module, params: FitParams, seed: int, device: torch.device) -> State:
    weights = [weight for weight in task.parameters() if weight.requires_grad]
    build = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[params.optimiser]
    return State(
        task=task,
        optimiser=build(weights, lr=params.lr, weight_decay=params.weight_decay, fused=True),
        scaler=torch.amp.GradScaler(device.type, enabled=params.precision == "fp16"),
        shuffle=torch.Generator().manual_seed(seed),
        noise=torch.Generator(device).manual_seed(seed),
        history=[],
    )


def _shuffled(count: int, size: int, generator: torch.Generator) -> Sequence[Tensor]:
    """Cut a random order into batches; a last one of one recording, which has no batch statistics, joins another."""
    batches = torch.split(torch.randperm(count, generator=generator), size)
    if len(batches) > 1 and len(batches[-1]) == 1 < size:
        return [*batches[:-2], torch.cat(batches[-2:])]
    return batches


def _autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, {"bf16": torch.bfloat16, "fp16": torch.float16}[precision])


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
