"""The moving average of a training's weights (Polyak and Juditsky 1992, in its exponential form), as its result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase


class WeightAverage:
    """The mean of a task's weights after each step, of which a step counts `decay` times what the next one does.

    After t steps that is sum(decay^(t - i) w_i) / sum(decay^(t - i)): the sum over the steps begins with zeros, and is
    divided by 1 - decay^t when it is used, as Adam does with its moments, so that initial weights have no part in it.
    Running statistics of batch normalisation are averaged alike (EMAN, Cai et al., CVPR 2021); other buffers stay as
    they are.

    Attributes
    ----------
    steps
        t. Whoever trains counts them: a step that is recorded on a GPU does nothing on the host.
    """

    def __init__(self, task: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self._own: dict[str, Tensor] = {
            name: weight for name, weight in task.named_parameters() if weight.requires_grad
        }
        for name, module in task.named_modules():
            if isinstance(module, _NormBase) and module.running_mean is not None and module.running_var is not None:
                self._own |= {f"{name}.running_mean": module.running_mean, f"{name}.running_var": module.running_var}
        self.sums: dict[str, Tensor] = {
            name: torch.zeros_like(tensor, requires_grad=False) for name, tensor in self._own.items()
        }

    @torch.no_grad()
    def add(self) -> None:
        """Take in the weights as they are after a step."""
        torch._foreach_lerp_([*self.sums.values()], [*self._own.values()], 1 - self.decay)

    @torch.no_grad()
    def load(self) -> None:
        """Make the task's weights the average, where there was a step."""
        if not self.steps:
            return
        share = 1 - self.decay**self.steps
        for name, tensor in self._own.items():
            tensor.copy_(self.sums[name] / share)

    @contextmanager
    def loaded(self) -> Iterator[None]:
        """Let the task's weights be the average, and afterwards what they were."""
        with torch.no_grad():
            before = {name: tensor.clone() for name, tensor in self._own.items()}
        self.load()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in self._own.items():
                    tensor.copy_(before[name])

    def restore(self, sums: dict[str, Tensor], steps: int) -> None:
        """Go on from the sums after some steps; KeyError or RuntimeError where they are of another model."""
        for name, tensor in self.sums.items():
            tensor.copy_(sums[name])
        self.steps = steps
