"""What training leaves: the model, how it went, and a checkpoint while it runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from trainers.fit import fit
from trainers.params import FitParams
from trainers.saved import Description, save_model
from trainers.seeding import seeded
from trainers.standardise import Standardised, fit_standardiser

if TYPE_CHECKING:
    from torch import nn

    from pipeline.stages.context import Context
    from pipeline.stages.train.params import TrainParams
    from store.drafts import Draft
    from trainers.data import RecordingData


@dataclass(frozen=True)
class DraftCheckpoint:
    """A checkpoint in a draft's scratch: it survives the process and is dropped when the step is done."""

    draft: Draft

    def save(self, content: bytes) -> None:
        """Replace the checkpoint."""
        self.draft.scratch_write("checkpoint.safetensors", content)

    def load(self) -> bytes | None:
        """Return the newest checkpoint, or None."""
        return self.draft.scratch_read("checkpoint.safetensors")


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


def train_and_write(
    context: Context, task: nn.Module, model: Standardised, data: RecordingData, params: FitParams
) -> dict[str, Any]:
    """Fit a task, resuming where it stopped, and write ``model.safetensors`` and ``history.json``."""
    history = fit(
        task,
        data,
        params,
        seed=context.recipe["seed"],
        device=context.device,
        checkpoint=DraftCheckpoint(context.draft),
        progress=lambda epoch, epochs, loss, accuracy: context.progress(epoch, epochs, f"epochs, loss {loss:.3f}"),
    )
    section = dict(context.recipe["params"]["model"])
    description = Description(
        model=section.pop("name"),
        params=section,
        shapes={name: data.shapes[name] for name in model.standardiser.names},
        classes=tuple(map(str, range(context.recipe["classes"]))),
    )
    context.draft.write("model.safetensors", save_model(model.cpu(), description))
    context.draft.write("history.json", json.dumps(history, indent=1, sort_keys=True).encode())
    parameters = sum(weight.numel() for weight in model.parameters())
    return {"parameters": parameters, "recordings": len(data), "loss": history[-1]["loss"]}


def train_params(recipe: Any, kind: type[TrainParams]) -> Any:
    """Return a recipe's parameters as a struct, without those that name something."""
    plain = {key: value for key, value in recipe["params"].items() if key not in ("model", "loss")}
    return msgspec.convert(plain, kind)
