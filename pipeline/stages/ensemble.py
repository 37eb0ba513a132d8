"""The ensemble stage: trained models of one fold put together as one that votes, without further training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.stages.train.load import load_member
from trainers.data.standardise import Standardised, Standardiser
from trainers.fit.saved_model import ModelConfig, save_model
from trainers.models.ensemble.model import Ensemble
from trainers.models.ensemble.params import SavedEnsemble

if TYPE_CHECKING:
    from pipeline.stages.context import Context


class EnsembleWork(msgspec.Struct, frozen=True):
    """What the stage reads of its work."""

    members: dict[str, str]  # by name, the id of the step that trained it
    inputs: list[str]  # of all members, in the order of the source's modalities


def run(context: Context) -> dict[str, Any]:
    """Write ``model.safetensors``, which is read as any trained model is."""
    work = msgspec.convert(context.work, EnsembleWork)
    section = dict(context.recipe["params"]["model"])
    name = section.pop("name")
    saved = msgspec.convert(section, SavedEnsemble)
    found = {member: load_member(context, step) for member, step in work.members.items()}
    shapes = {taken: shape for _, config in found.values() for taken, shape in config.shapes.items()}
    model = Ensemble(
        {member: network for member, (network, _) in found.items()},
        {member: each.inputs for member, each in saved.members.items()},
        saved.rule,
        saved.weights,
    )
    config = ModelConfig(
        model=name,
        params=section,
        shapes={taken: shapes[taken] for taken in work.inputs},
        classes=tuple(map(str, range(context.recipe["classes"]))),
    )
    # what its members do themselves is not done before them
    standardised = Standardised(model, Standardiser(config.shapes))
    context.draft.write("model.safetensors", save_model(standardised, config))
    return {"parameters": sum(weight.numel() for weight in model.parameters()), "members": len(found)}
