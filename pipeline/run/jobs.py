"""From a planned step to the message that tells a worker all it needs to do it."""

from __future__ import annotations

from typing import Any

from pipeline.errors import StepError
from pipeline.keys.loaded_code import check_code
from pipeline.plan.planner import Plan
from pipeline.plan.recordings.rows import row_digests
from pipeline.plan.recordings.table import Table, files_of
from pipeline.plan.steps.inputs import is_virtual
from pipeline.plan.steps.models.reading import models_of
from pipeline.plan.steps.step import Step
from pipeline.registry import GIVES_MODEL, module_of
from pipeline.run.messages import FetchJob, StepJob
from pipeline.run.packing import pack
from store import expand_home


def make_fetch(plan: Plan, step: Step) -> FetchJob:
    """Describe for a worker what to fetch."""
    remotes = [store.url for store in plan.chain.remotes().values()]
    return FetchJob(step.id, step.stage, step.key, plan.store.url, remotes)


def make_job(plan: Plan, step: Step, device: str, force: bool = False) -> StepJob:
    """Describe a step for a worker.

    StepError where it needs raw data that is not on this machine; CodeChanged where this process has loaded
    other code than the plan has hashed.
    """
    if step.stage in ("index", "encode") and not plan.table.present:
        raise StepError(
            "it must run, and the raw data is not on this machine (source.root)\n"
            "  set source.root to the data, or use a store that has this output"
        )
    return _make_job(plan, step, device, _work(plan, step), _files(plan.table, step), force)


def make_job_for_others(plan: Plan, step: Step, recordings: int, device: str) -> StepJob:
    """Describe for this process a step that shall encode, or render, so many recordings which are not the plan's."""
    work = {**step.work, "recordings": recordings, "broken": {}}
    return _make_job(plan, step, device, work, {}, force=True)


def _make_job(
    plan: Plan, step: Step, device: str, work: dict[str, Any], files: dict[str, bytes], force: bool
) -> StepJob:
    experiment = step.point.experiment
    folder = plan.path.absolute().parent
    source = dict(experiment.source)
    if "root" in source:
        source["root"] = str(folder / expand_home(source["root"]))
    weights = step.work.get("weights") or ""  # a file, or the name of what torchvision has
    accepted = step.code.acceptance
    code = _code(plan, step)
    check_code(code)
    return StepJob(
        step=step.id,
        stage=step.stage,
        key=step.key,
        recipe=dict(step.recipe),
        work=work,
        inputs={need: (plan.steps[need].stage, plan.steps[need].key) for need in step.needs}
        | {name: (stage, key) for name, (stage, key) in step.work.get("stored", {}).items()},
        store=plan.store.url,
        source=source,
        files=files,
        device=device,
        on_bad_recording=experiment.on_bad_recording,
        weights=str(folder / expand_home(weights)) if weights.endswith((".pth", ".safetensors")) else None,
        code=code,
        weights_known=plan.snapshot.weights.known.get(weights),
        force=force,
        accepted={"entry": accepted.entry, "by": accepted.by, "at": accepted.at} if accepted else None,
        equal_code=step.code.release,
        remotes=[store.url for store in plan.chain.remotes().values()] if step.stage == "encode" else [],
        folder=str(folder),
    )


def _code(plan: Plan, step: Step) -> dict[str, tuple[str, str]]:
    """Return the hashes of the modules that a step may run: its own, and those of the trained models that it reads."""
    trained = (plan.steps[need].recipe for need in step.needs if plan.steps[need].stage in GIVES_MODEL)
    models = (model for recipe in trained for model in models_of(recipe))
    roots = [module_of(reference) for model in models for reference in (model.build, model.params)]
    return dict(plan.snapshot.code.running(step.code, roots))


def _files(table: Table, step: Step) -> dict[str, bytes]:
    """Return the packed hashes of the raw files that a step reads, by stream."""
    index = table.index
    if index is None or step.stage not in ("index", "encode"):
        return {}
    paths = {stream: [path for _, path in files_of(table.listing, stream)] for stream in step.recipe["raw"]}
    return {stream: pack(map(index.file_hash, listed)) for stream, listed in paths.items()}


def _work(plan: Plan, step: Step) -> dict[str, Any]:
    """Return a step's work in plain values. What it says of single recordings is made only now, since that is large."""
    work = dict(step.work)
    if step.stage == "encode" and not is_virtual(step):  # where it sits may depend on labels, which no digest has
        work["rows"] = row_digests(plan.table, step.recipe["modality"]["streams"])
    if "split" in work:
        work |= work.pop("split").as_work(work["validation"])
    return work
