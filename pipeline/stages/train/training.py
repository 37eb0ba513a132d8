"""What training leaves: the model, how it went, and a checkpoint while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from pipeline.errors import PipelineError
from store.errors import StoreError
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.epoch import Training
from trainers.fit.loop import fit
from trainers.fit.saved_model import ModelConfig, save_model
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.params import FitParams

if TYPE_CHECKING:
    from torch import nn

    from pipeline.stages.context import Context, ShardDraft
    from pipeline.stages.train.params import TrainParams
    from trainers.data.recordings import RecordingData

SAVING = 0.05  # of the time is spent on checkpoints at most

T = TypeVar("T")


class DraftCheckpoint:
    """A checkpoint in a draft's scratch: it survives the process and is dropped when the step is done.

    The first epoch is saved, and from then on so rarely that saving takes little of the time: small models on a GPU
    train an epoch faster than a disk or a bucket takes one in.

    Parameters
    ----------
    beside
        Trainings that take turns with this one, itself among them: each saves while the others wait.
    """

    def __init__(self, draft: ShardDraft, beside: int = 1) -> None:
        self._draft, self._beside = draft, beside
        self._due = 0.0

    def save(self, state: Callable[[], bytes]) -> None:
        """Replace the checkpoint, if it is time to."""
        started = time.monotonic()
        if started < self._due:
            return
        self._draft.scratch_write("checkpoint.safetensors", state())
        ended = time.monotonic()
        self._due = ended + (ended - started) * self._beside / SAVING

    def load(self) -> bytes | None:
        """Return the newest checkpoint, or None."""
        return self._draft.scratch_read("checkpoint.safetensors")


def new_model(context: Context, data: RecordingData, params: TrainParams) -> Standardised:
    """Build the step's model, initialised by its seed or pretrained, behind a standardiser of the training side."""
    section = context.recipe["params"]["model"]
    build, model_params = context.resolve("model", section)
    names = context.work["inputs"]
    with seeded(context.recipe["seed"]):
        model = build({name: data.shapes[name] for name in names}, context.recipe["classes"], model_params)
    if context.work["weights"] is not None:
        chosen = {"name": "torchvision", "model": section["name"], "weights": context.work["weights"]}
        read_state, wanted = context.resolve("pretrained", chosen)
        state, _ = read_state(wanted.model, wanted.weights, context.weights)
        model.load_pretrained(state)
    return Standardised(model, fit_standardiser([data.inputs[name] for name in names], params.standardise))


@dataclass(frozen=True)
class TrainingStep:
    """A step that is ready to train."""

    context: Context
    task: nn.Module
    model: Standardised
    data: RecordingData
    params: FitParams

    def training(self, beside: int = 1) -> Training:
        """Return what is fitted, beside others or alone; it goes on where it stopped."""
        context = self.context

        def progress(epoch: int, epochs: int, loss: float, accuracy: float) -> None:
            context.progress(epoch, epochs, f"epochs, loss {loss:.3f}")

        return Training(self.task, self.data, context.recipe["seed"], DraftCheckpoint(context.draft, beside), progress)

    def write(self, history: list[dict[str, float]]) -> dict[str, Any]:
        """Write ``model.safetensors`` and ``history.json``; return what is worth knowing."""
        recipe, draft = self.context.recipe, self.context.draft
        section = dict(recipe["params"]["model"])
        description = ModelConfig(
            model=section.pop("name"),
            params=section,
            shapes={name: self.data.shapes[name] for name in self.model.standardiser.names},
            classes=tuple(map(str, range(recipe["classes"]))),
        )
        draft.write("model.safetensors", save_model(self.model.cpu(), description))
        draft.write("history.json", json.dumps(history, indent=1, sort_keys=True).encode())
        parameters = sum(weight.numel() for weight in self.model.parameters())
        return {"parameters": parameters, "recordings": len(self.data), "loss": history[-1]["loss"]}


def train(step: TrainingStep) -> dict[str, Any]:
    """Fit a step's task and write the model."""
    found = step.training()
    history = fit(
        found.task,
        found.data,
        step.params,
        seed=found.seed,
        device=step.context.device,
        checkpoint=found.checkpoint,
        progress=found.progress,
    )
    return step.write(history)


def train_together(
    prepare: Callable[[Context], TrainingStep], contexts: Sequence[Context]
) -> list[dict[str, Any] | Exception]:
    """Fit the tasks of alike steps as one, and write each model; what stops one of them, stops no other."""
    steps: list[TrainingStep | Exception] = [_tried(partial(prepare, context)) for context in contexts]
    ready = [step for step in steps if isinstance(step, TrainingStep)]
    trainings = [step.training(len(ready)) for step in ready]
    found = iter(fit_stacked(trainings, ready[0].params, device=contexts[0].device) if ready else [])

    def ended(step: TrainingStep | Exception) -> dict[str, Any] | Exception:
        if isinstance(step, Exception):
            return step
        history = next(found)
        return history if isinstance(history, Exception) else _tried(partial(step.write, history))

    return [ended(step) for step in steps]


def _tried(work: Callable[[], T]) -> T | Exception:
    try:
        return work()
    except (PipelineError, StoreError, TrainingError) as error:
        return error


def train_params(recipe: Any, kind: type[TrainParams]) -> Any:
    """Return a recipe's parameters as a struct, without those that name something."""
    plain = {key: value for key, value in recipe["params"].items() if key not in ("model", "loss")}
    return msgspec.convert(plain, kind)
