"""The encode stage: one modality of every recording, into one feature output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import torch

from pipeline.stages.encode.encoder import EncodeTask
from pipeline.stages.encode.recipe import EncodeRecipe, EncodeWork
from pipeline.stages.encode.shards import EncodeShards
from pipeline.stages.sharded import run_sharded

if TYPE_CHECKING:
    from pipeline.stages.context import Context


def run(context: Context) -> dict[str, Any]:
    """Encode the recipe's modality."""
    return run_sharded(open(context))


def open(context: Context) -> EncodeShards:
    """Return the encoding of the recipe's modality, shard by shard."""
    assert context.source is not None
    recipe, work = msgspec.convert(context.recipe, EncodeRecipe), msgspec.convert(context.work, EncodeWork)
    weights = {} if work.weights is None else {"weights": work.weights}
    build, params = context.resolve("encoder", {"name": recipe.modality.kind, **recipe.params, **weights})
    task = EncodeTask(
        name=recipe.modality.name,
        modality=recipe.modality,
        source=context.source,
        recordings=context.recordings,
        broken=work.broken,
        strict=context.on_bad_recording != "skip",
        device=torch.device(context.device),
        weights_file=context.weights,
        limits=recipe.source.times,
        resolve=context.resolve,
    )
    return EncodeShards(
        task,
        params,
        build,
        context.draft,
        progress=lambda done, total: context.progress(done, total, "recordings", task.timings.so_far()),
        digests=[bytes.fromhex(row) for row in work.rows],
        earlier=context.earlier,
    )
