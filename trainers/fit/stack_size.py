"""How many alike trainings a GPU has the memory for, as one stack."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from trainers.data.device import indexed_device
from trainers.data.recordings import RecordingData
from trainers.fit.loop import Training, autocast
from trainers.params import FitParams

SHARE = 0.7  # of what is free may be used: blocks of memory are larger than what is asked for
STEPS = 2  # a step as it is tried out, and its graph
COPIES = 4  # of the weights: the stack, the optimiser's two moments, and a part of the stack for a smaller batch


def stack_size(trainings: Sequence[Training], params: FitParams, device: torch.device | str) -> int:
    """Return how many of some alike trainings, from the first on, can be stacked; on a CPU all.

    One step of the first is tried; its task stays as it is.
    """
    device = indexed_device(device)
    if device.type != "cuda" or len(trainings) == 1:
        return len(trainings)
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return models_that_fit(len(trainings), free, _memory_of_one(trainings[0], params, device))


def models_that_fit(count: int, free: int, one: int) -> int:
    """Return how many of `count` models have room in `free` bytes where `one` takes so many: one at least."""
    return max(1, min(count, int(SHARE * free / max(one, 1))))


def _memory_of_one(training: Training, params: FitParams, device: torch.device) -> int:
    """Bytes that one more model of a stack takes."""
    task, data = copy.deepcopy(training.task).to(device).train(), training.data.to(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    rows = torch.arange(min(params.batch + 1, len(data)), device=device)
    with torch.random.fork_rng([device]):
        batch = data.batch(rows, torch.Generator(device))
        with autocast(params.precision, device):
            loss = task(batch)["loss"]
        torch.autograd.backward(loss)
    step = torch.cuda.max_memory_allocated(device) - before
    weights = sum(_bytes(weight) for weight in task.parameters())
    copies = COPIES + (params.patience > 0) + (params.average > 0)  # those of the best epoch, and their average
    held = [data, *([training.validation.to(device)] if training.validation is not None else [])]
    return STEPS * step + copies * weights + sum(map(_bytes_on_device, held))


def _bytes_on_device(data: RecordingData) -> int:
    held = [each for values in data.inputs.values() for each in vars(values).values() if isinstance(each, Tensor)]
    return sum(_bytes(each) for each in held if each.device == data.labels.device)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
