"""Training state as bytes: model, optimiser, random generators, history; enough to go on from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trainers.device_errors import is_device_error
from trainers.errors import TrainingError
from trainers.fit.weights.average import WeightAverage
from trainers.tensors import pack, unpack

WHAT = "checkpoint"


class Checkpoint(Protocol):
    """Where one training's newest state is kept."""

    def save(self, state: Callable[[], bytes]) -> None:
        """Replace what is kept by what `state` returns, atomically; or skip this epoch's state, to save time."""
        ...

    def load(self) -> bytes | None:
        """Return the state, or None where there is none yet."""
        ...


@dataclass
class State:
    """Everything of a running training that changes.

    Attributes
    ----------
    kept
        The task's tensors after the best epoch so far, where that is to be the model; else empty.
    average
        That of the weights, where it is to be the model.
    """

    task: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    shuffle: torch.Generator
    noise: torch.Generator
    history: list[dict[str, float]]
    kept: dict[str, Tensor] = field(default_factory=dict)
    average: WeightAverage | None = None

    def keep(self) -> None:
        """Keep the task as it is now."""
        self.kept = {name: tensor.detach().clone() for name, tensor in self.task.state_dict().items()}

    def averaged(self) -> AbstractContextManager[None]:
        """Let the task have the average of its weights, where there is one, and afterwards its weights again."""
        return nullcontext() if self.average is None else self.average.loaded()

    def load_result(self) -> None:
        """Make the task what was kept, if anything was, or else the average of its weights, if there is one."""
        if self.kept:
            self.task.load_state_dict(self.kept)
        elif self.average is not None:
            self.average.load()

    def to_bytes(self) -> bytes:
        """Serialise, with torch's global generators."""
        tensors = {f"task/{name}": tensor for name, tensor in self.task.state_dict().items()}
        tensors |= {f"kept/{name}": tensor for name, tensor in self.kept.items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{slot}": value for slot, value in slots.items()}
        tensors["random/shuffle"] = self.shuffle.get_state()
        tensors["random/noise"] = self.noise.get_state()
        tensors["random/cpu"] = torch.get_rng_state()
        if self.noise.device.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(self.noise.device)
        metadata: dict[str, Any] = {"history": self.history, "scaler": self.scaler.state_dict()}
        if self.average is not None:
            tensors |= {f"average/{name}": tensor for name, tensor in self.average.sums.items()}
            metadata["averaged_steps"] = self.average.steps
        return pack(tensors, metadata)

    def restore(self, content: bytes) -> None:
        """Load a state that `to_bytes` wrote; TrainingError where it is damaged or another model's."""
        tensors, metadata = unpack(content, WHAT)
        try:
            self._restore(tensors, metadata)
        except (KeyError, RuntimeError, ValueError) as error:
            if is_device_error(error):
                raise
            raise TrainingError(
                f"{WHAT}: it belongs to another model or device ({error}); delete it and run the step again"
            ) from error

    def _restore(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        parts = {name.split("/", 1)[0]: {} for name in tensors} | {"optimiser": {}}  # type: dict[str, Any]
        for name, tensor in tensors.items():
            part, rest = name.split("/", 1)
            parts[part][rest] = tensor
        self.task.load_state_dict(parts["task"])
        self.kept = parts.get("kept", {})
        if self.average is not None:
            self.average.restore(parts["average"], metadata["averaged_steps"])
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimiser"].items():
            index, slot = name.split("/")
            slots.setdefault(int(index), {})[slot] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
        if metadata["scaler"]:
            self.scaler.load_state_dict(metadata["scaler"])
        self.shuffle.set_state(parts["random"]["shuffle"])
        self.noise.set_state(parts["random"]["noise"])
        torch.set_rng_state(parts["random"]["cpu"])
        if "cuda" in parts["random"]:
            torch.cuda.set_rng_state(parts["random"]["cuda"], self.noise.device)
        self.history[:] = metadata["history"]
