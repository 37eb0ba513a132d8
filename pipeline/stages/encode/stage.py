"""The encode stage: one modality of every recording, into one feature output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import torch

from pipeline.sources.base import Modality
from pipeline.sources.time_limits import TimeLimits
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
    modality = context.recipe["modality"]
    params = dict(context.recipe["params"])
    if "weights" in context.work:
        params["weights"] = context.work["weights"]
    build, params = context.resolve("encoder", {"name": modality["kind"], **params})
    return EncodeShards(
        params=params,
        modality=Modality(
            modality["kind"], tuple(modality["streams"]), modality["rate"], tuple(modality.get("channels", ()))
        ),
        name=modality["name"],
        source=context.source,
        recordings=context.recordings,
        skip=context.work["broken"],
        draft=context.draft,
        device=torch.device(context.device),
        on_bad="skip" if context.on_bad_recording == "skip" else "fail",
        progress=lambda done, total: context.progress(done, total, "recordings"),
        build=build,
        weights_file=context.weights,
        limits=msgspec.convert(context.recipe["source"].get("times", {}), TimeLimits),
        digests=[bytes.fromhex(row) for row in context.work.get("rows", ())],
        earlier=context.earlier,
    )
