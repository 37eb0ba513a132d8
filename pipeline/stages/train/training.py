"""Building, training and writing a step's model, alone or stacked with others, and a checkpoint while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import PipelineError
from pipeline.stages.train.load import read_stored
from pipeline.stages.train.recipe import TrainRecipe, TrainWork
from store.errors import StoreError
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.closed_form.solve import is_solved, solve
from trainers.fit.loop import History, Training, fit
from trainers.fit.saved_model import ModelConfig, save_model
from trainers.fit.seeding import seeded
from trainers.fit.stack_size import stack_size
from trainers.fit.stacked import fit_stacked
from trainers.fit.validation import kept_epoch
from trainers.fit.weights.initial import check_channels, head_names, take_weights
from trainers.params import FitParams, StandardiseParams

if TYPE_CHECKING:
    from torch import nn

    from pipeline.stages.context import Context, ShardDraft
    from trainers.data.recordings import RecordingData

SAVING = 0.05  # of the time is spent on checkpoints at most

T = TypeVar("T")


class DraftCheckpoint:
    """A checkpoint in a draft's scratch: it survives the process and is dropped when the step is done.

    The first epoch is saved, and from then on so rarely that saving takes little of the time: small models on a GPU
    train an epoch faster than a disk or a bucket takes one in. `beside` trainings take turns, this one among them: each
    saves while the others wait.
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


def new_model(
    context: Context, recipe: TrainRecipe, work: TrainWork, data: RecordingData, params: StandardiseParams
) -> Standardised:
    """Build the step's model behind a standardiser of the training side.

    It is initialised by its seed, pretrained, or begins with another one's weights.
    """
    section = recipe.params["model"]
    build, model_params = context.resolve("model", section)
    model_shapes = {name: data.shapes[name] for name in work.inputs}
    with seeded(recipe.seed):
        model = build(model_shapes, recipe.classes, model_params)
    if work.weights is not None:
        source = {"name": "torchvision", "model": section["name"], "weights": work.weights}
        read_state, pretrained = context.resolve("pretrained", source)
        state, _ = read_state(pretrained.model, pretrained.weights, context.weights)
        model.load_pretrained(state)
    if work.init is not None:
        stored = read_stored(context, work.init)
        check_channels(model_shapes, stored.shapes)
        fresh = head_names(lambda classes: build(model_shapes, classes, model_params), recipe.classes)
        take_weights(model, stored.weights, fresh if work.new_heads else ())
    return Standardised(model, fit_standardiser([data.inputs[name] for name in work.inputs], params))


@dataclass(frozen=True)
class TrainingStep:
    """A step that is ready to train."""

    context: Context
    recipe: TrainRecipe
    task: nn.Module
    model: Standardised
    data: RecordingData
    params: FitParams
    validation: RecordingData | None = None

    @property
    def copies(self) -> int:
        """How many augmented copies of each recording a model that is solved is solved on."""
        copies: int = self.recipe.params["model"].get("copies", 0)
        return copies

    def training(self, beside: int = 1) -> Training:
        """Return what is fitted, beside others or alone; it goes on where it stopped."""
        context = self.context

        def progress(epoch: int, epochs: int, loss: float, accuracy: float) -> None:
            stacked = f", {beside} models stacked" if beside > 1 else ""
            context.progress(epoch, epochs, f"epochs, loss {loss:.3f}{stacked}")

        checkpoint = DraftCheckpoint(context.draft, beside)
        return Training(self.task, self.data, self.recipe.seed, checkpoint, progress, self.validation)

    def write(self, history: History) -> dict[str, Any]:
        """Write ``model.safetensors`` and ``history.json``; return figures for the provenance."""
        draft, section = self.context.draft, dict(self.recipe.params["model"])
        config = ModelConfig(
            model=section.pop("name"),
            params=section,
            shapes={name: self.data.shapes[name] for name in self.model.standardiser.names},
            classes=tuple(map(str, range(self.recipe.classes))),
        )
        draft.write("model.safetensors", save_model(self.model.cpu(), config))
        draft.write("history.json", json.dumps(history, indent=1, sort_keys=True).encode())
        parameters = sum(weight.numel() for weight in self.model.parameters())
        kept = kept_epoch(history, self.params.patience)
        figures = {"parameters": parameters, "recordings": len(self.data), "loss": history[kept - 1]["loss"]}
        if self.validation is None:
            return figures
        return {**figures, "validation_recordings": len(self.validation), "epochs": len(history), "kept_epoch": kept}


def train(prepare: Callable[[Context], TrainingStep], context: Context) -> dict[str, Any]:
    """Fit a step's task, or let its model solve itself, and write the model."""
    step = prepare(context)
    if is_solved(step.model):
        return step.write(solve(step.training(), step.copies, device=context.device))
    return step.write(fit(step.training(), step.params, device=context.device))


def train_together(
    prepare: Callable[[Context], TrainingStep], contexts: Sequence[Context]
) -> list[dict[str, Any] | Exception]:
    """Fit the tasks of alike steps as one, and write each model; what stops one of them, stops no other.

    Where a GPU has no memory for all of them, some are fitted after others.
    """
    steps: list[TrainingStep | Exception] = [_tried(partial(prepare, context)) for context in contexts]
    ready = [step for step in steps if isinstance(step, TrainingStep)]
    outcomes: list[dict[str, Any] | Exception] = []
    while waiting := ready[len(outcomes) :]:
        params, device = waiting[0].params, contexts[0].device
        stack = waiting[: stack_size([step.training() for step in waiting], params, device)]
        results = fit_stacked([step.training(len(stack)) for step in stack], params, device=device)
        for step, result in zip(stack, results, strict=True):
            written = result if isinstance(result, Exception) else _tried(partial(step.write, result))
            outcomes.append(written if isinstance(written, Exception) else {**written, "together": len(stack)})
    fitted = iter(outcomes)
    return [step if isinstance(step, Exception) else next(fitted) for step in steps]


def _tried(work: Callable[[], T]) -> T | Exception:
    try:
        return work()
    except (PipelineError, StoreError, TrainingError) as error:
        return error
