"""Computing a part of a step's output by the code as it is, beside the earlier output."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from pipeline.accept.differences import ArrayDifference, compare, mismatch
from pipeline.accept.objects import compare_objects
from pipeline.accept.partial_draft import PartialDraft, choose_shards
from pipeline.errors import StepError
from pipeline.keys.loaded_code import check_code
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import STAGES, import_hashed
from pipeline.run.jobs import make_job
from pipeline.run.step.execute import make_context, prepare_device
from pipeline.run.step.source import open_source
from pipeline.stages.context import Progress
from store import Draft, Output, Store
from store.features import FeatureOutput, open_features, read_draft_metadata, read_draft_rows

LATER = ("rows.sha256",)  # objects that outputs of earlier versions lack


@dataclass(frozen=True)
class CheckResult:
    """What was computed again, in words, and how it differs, by array or object."""

    step: Step
    what: str
    differences: tuple[ArrayDifference, ...]


def check(
    plan: Plan, step: Step, earlier: Output, *, device: str, tolerance: float, shards: int, progress: Progress
) -> CheckResult:
    """Compute some shards of a feature output again, or another output whole, and compare.

    StepError where what it needs is not here; what the new code raises, where it fails.
    """
    inputs = {need: _input(plan, step, need) for need in step.needs}
    job = make_job(plan, step, device)
    where = prepare_device(job)
    with ExitStack() as held:
        folder = held.enter_context(TemporaryDirectory(prefix="accept-"))
        source = open_source(job, progress) if job.stage in ("index", "encode") else None
        of_this_code = partial(check_code, job.code)
        keys = [output.manifest.key for output in inputs.values()]
        store = Store.open(folder)
        draft = held.enter_context(
            store.draft(step.stage, step.key, recipe=step.recipe, inputs=keys, check=of_this_code)
        )
        stored = open_features(earlier) if "zarr.json" in earlier.entries else None
        ids = [recording.id for recording in plan.table.listing.recordings]
        given = _part(draft, step, earlier, stored, ids, shards) if stored else draft
        run = import_hashed(STAGES[job.stage].run, job.code)
        run(make_context(job, given, inputs, source, where, progress))
        of_this_code()
        names = set(stored.names) if stored else set()
        new = [path for path in draft.paths() if path in earlier.entries or path not in LATER]
        objects = [path for path in {**earlier.entries, **dict.fromkeys(new)} if not _is_zarr(path, names)]
        differences = [_object(path, earlier, draft, tolerance) for path in sorted(objects)]
        if stored is None:
            return CheckResult(step, "whole", tuple(differences))
        rows, arrays = _arrays(draft, stored, ids, tolerance)
        return CheckResult(step, f"{_named(draft)}, {rows} recordings", (*arrays, *differences))


def _input(plan: Plan, step: Step, need: str) -> Output:
    needed = plan.steps[need]
    output = plan.chain.output(needed.stage, needed.key)
    if output is None:
        raise StepError(f"{step.id} needs {need}, which is not in the store\n  accept or run {needed.entry} first")
    return output


def _part(
    draft: Draft, step: Step, earlier: Output, stored: FeatureOutput, ids: Sequence[str], shards: int
) -> Any:  # a `PartialDraft`, which is a draft by what it passes on: types do not show that
    length = stored.array("valid").shard[0]
    good = np.any(stored.read("valid"), axis=1)
    starts = range(0, stored.rows, length)
    usable = np.array([int(good[start : start + length].sum()) for start in starts])
    wanted = choose_shards(step.key, usable, shards)
    try:
        content = earlier.read_bytes("skipped.json") if "skipped.json" in earlier.entries else b"[]"
        listed = msgspec.json.decode(content, type=list[dict[str, str]])
        skipped = {item["recording"]: item["reason"] for item in listed}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise StepError(f"{earlier.url}/skipped.json cannot be read: {error}\n  run it instead") from None
    if len(ids) != stored.rows:
        raise StepError(f"{earlier.url} has {stored.rows} rows for {len(ids)} recordings\n  run it instead")
    return PartialDraft(draft, wanted, [ids[start : start + length] for start in starts], skipped)


def _arrays(
    draft: Draft, stored: FeatureOutput, ids: Sequence[str], tolerance: float
) -> tuple[int, list[ArrayDifference]]:
    names = sorted(path.removesuffix("/zarr.json") for path in draft.paths() if path.endswith("/zarr.json"))
    attributes, arrays = read_draft_metadata(draft, names)
    if set(arrays) != set(stored.names):
        return 0, [mismatch("arrays", f"{', '.join(stored.names)} became {', '.join(sorted(arrays))}")]
    changed = sorted(k for k in {**attributes, **stored.attributes} if attributes.get(k) != stored.attributes.get(k))
    if changed:
        return 0, [
            mismatch(f"attribute {k}", f"{stored.attributes.get(k)} became {attributes.get(k)}") for k in changed
        ]
    differences, rows = [], 0
    for name, array in arrays.items():
        before = stored.array(name)
        if (array.shape, array.dtype) != (before.shape, before.dtype):
            differences.append(mismatch(name, f"{before.dtype} {before.shape} became {array.dtype} {array.shape}"))
            continue
        length = array.shard[0]
        for shard in sorted(map(int, draft.done)):
            here = range(shard * length, min((shard + 1) * length, stored.rows))
            old, new = stored.read(name, here), read_draft_rows(draft, name, here)
            ids_here = ids[here.start : here.stop]
            differences.append(compare(name, old, new, tolerance, rows=ids_here, columns=name != "images"))
            rows += len(old) if name == "valid" else 0
    if not draft.done:
        raise StepError("the new code cuts the output into other shards, so that none can be compared; run it instead")
    return rows, differences


def _object(path: str, earlier: Output, draft: Draft, tolerance: float) -> ArrayDifference:
    if path not in earlier.entries:
        return mismatch(path, "is new")
    try:
        new = draft.read(path)
    except FileNotFoundError:
        return mismatch(path, "is gone")
    return compare_objects(path, earlier.read_bytes(path), new, tolerance)


def _is_zarr(path: str, arrays: set[str]) -> bool:
    return bool(arrays) and (path == "zarr.json" or path.partition("/")[0] in arrays)


def _named(draft: Draft) -> str:
    shards = sorted(map(int, draft.done))
    return f"shard {shards[0]}" if len(shards) == 1 else f"shards {', '.join(map(str, shards))}"
