"""One step as a message: what a worker needs to do it, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.errors import StepError
from pipeline.keys.file_hash import FileHash
from pipeline.keys.loaded_code import check_code
from pipeline.plan.planner import Plan
from pipeline.plan.recordings.rows import row_digests
from pipeline.plan.recordings.table import Table, files_of
from pipeline.plan.steps.step import Step
from pipeline.registry import MODELS, module_of
from pipeline.run.packing import pack
from store import expand_home


class Certificate(msgspec.Struct, frozen=True):
    """What a scheduler that was started for this run asks for, in PEM; it never leaves the run's own processes.

    Attributes
    ----------
    certificate, key
        Signed by itself.
    """

    certificate: str
    key: str

    def __repr__(self) -> str:
        return "Certificate(...)"


class Scheduler(msgspec.Struct, frozen=True):
    """Where the shards of a step are made: at a dask scheduler's workers.

    Attributes
    ----------
    gpu
        At those with a GPU.
    program
        The run's `pipeline.run.cluster.fingerprint.fingerprint`, which theirs must equal.
    certificate
        What it asks for, where it was started for this run.
    """

    address: str
    gpu: bool
    program: dict[str, str]
    certificate: Certificate | None = None


class StepJob(msgspec.Struct, frozen=True, tag=True):
    """A step to do.

    Attributes
    ----------
    inputs
        Outputs to read: step id to (stage, key).
    source
        The stages file's ``source``, its root made absolute.
    files
        What is known of the raw files that are read, by stream (`pipeline.run.packing`).
    weights, weights_known
        A file of pretrained weights, and what is known of it.
    code
        What the modules that it may run were when the plan hashed them; see `pipeline.keys.loaded_code.check_code`. The
        recipe has earlier code where that was accepted.
    force
        Make the output anew even if it is there; the old one stays until then.
    remotes
        Further stores with outputs of which rows can be copied.
    accepted
        How the code in the recipe came to stand for the code that runs, for whoever asks where an output is from.
    equal_to
        The earlier release whose code stands in the recipe, having the values of the code that runs.
    scheduler
        Who makes the shards; None: whoever does the job.
    """

    step: str
    stage: str
    key: str
    recipe: dict[str, Any]
    work: dict[str, Any]
    inputs: dict[str, tuple[str, str]]
    store: str
    source: dict[str, Any]
    files: dict[str, bytes]
    device: str
    on_bad_recording: str
    weights: str | None
    code: dict[str, tuple[str, str]]
    weights_known: FileHash | None = None
    force: bool = False
    remotes: list[str] = []
    accepted: dict[str, str] | None = None
    equal_to: str = ""
    scheduler: Scheduler | None = None


def runs_a_network(stage: str, recipe: Mapping[str, Any]) -> bool:
    """Tell whether a step gains from a GPU: training, evaluation, and the encoding of video."""
    return stage in ("train", "distil", "evaluate") or (stage == "encode" and recipe["modality"]["kind"] == "video")


class FetchJob(msgspec.Struct, frozen=True, tag=True):
    """An output to copy from the first of the remotes that has it into the store."""

    step: str
    stage: str
    key: str
    store: str
    remotes: list[str]


class StepProgress(msgspec.Struct, frozen=True, tag=True):
    """How far a worker is with its step."""

    done: int
    total: int
    what: str


class WorkerAlive(msgspec.Struct, frozen=True, tag=True):
    """A worker gives a sign of life, however long its step takes."""


class WorkerSilent(msgspec.Struct, frozen=True, tag=True):
    """A worker has given no sign of life for too long, or gives one again."""

    message: str


class StepDone(msgspec.Struct, frozen=True, tag=True):
    """A step's output is published, or fetched."""

    seconds: float
    bytes: int
    device: str
    note: str = ""


class StepFailed(msgspec.Struct, frozen=True, tag=True):
    """A step could not be completed.

    Attributes
    ----------
    message
        What is wrong and the remedy.
    damaged
        Stage, key and attempt (None where unknown) of an output of the local store that was found damaged.
    locked
        Who is doing this step now.
    unforeseen
        By a defect, a GPU that failed, or code that was edited: the process may be spoilt.
    """

    message: str
    traceback: str
    damaged: tuple[str, str, str | None] | None = None
    locked: str = ""
    unforeseen: bool = False


Message = StepProgress | WorkerAlive | WorkerSilent | StepDone | StepFailed


class StepEvent(msgspec.Struct, frozen=True):
    """What whoever does a step says of it."""

    step: str
    message: Message


def make_fetch(plan: Plan, step: Step) -> FetchJob:
    """Describe for a worker what to fetch."""
    remotes = [store.url for store in plan.chain.remotes().values()]
    return FetchJob(step.id, step.stage, step.key, plan.store.url, remotes)


def make_job(plan: Plan, step: Step, device: str, force: bool = False) -> StepJob:
    """Describe a step for a worker; StepError where it wants raw data that is not on this machine.

    CodeChanged where this process has planned with other code than was hashed.
    """
    experiment = step.point.experiment
    folder = plan.path.absolute().parent
    source = dict(experiment.source)
    if "root" in source:
        source["root"] = str(folder / expand_home(source["root"]))
    if step.stage in ("index", "encode") and not plan.table.present:
        raise StepError(
            "it must run, and the raw data is not on this machine (source.root)\n"
            "  set source.root to the data, or use a store that has this output"
        )
    encode = step.stage == "encode"
    weights = step.work.get("weights")
    accepted = step.code.acceptance
    code = _code(plan, step)
    check_code(code)
    is_file = weights is not None and weights.endswith((".pth", ".safetensors"))
    return StepJob(
        step=step.id,
        stage=step.stage,
        key=step.key,
        recipe=dict(step.recipe),
        work=_work(plan, step),
        inputs={need: (plan.steps[need].stage, plan.steps[need].key) for need in step.needs},
        store=plan.store.url,
        source=source,
        files=_files(plan.table, step),
        device=device,
        on_bad_recording=experiment.on_bad_recording,
        weights=str(folder / expand_home(weights)) if is_file and weights else None,
        code=code,
        weights_known=plan.snapshot.weights.known.get(weights) if weights else None,
        force=force,
        accepted={"entry": accepted.entry, "by": accepted.by, "at": accepted.at} if accepted else None,
        equal_to=step.code.equal_to,
        remotes=[store.url for store in plan.chain.remotes().values()] if encode else [],
    )


def _code(plan: Plan, step: Step) -> dict[str, tuple[str, str]]:
    """Return what a step may run: its own code, and that of trained models that it reads, which are in their keys."""
    trained = (plan.steps[need].recipe for need in step.needs if plan.steps[need].stage in ("train", "distil"))
    models = (MODELS[recipe["params"]["model"]["name"]] for recipe in trained)
    roots = [module_of(reference) for model in models for reference in (model.build, model.params)]
    return dict(plan.snapshot.code.running(step.code, roots))


def _files(table: Table, step: Step) -> dict[str, bytes]:
    """Return what is known of the files of the streams that a step reads."""
    index = table.index
    if index is None or step.stage not in ("index", "encode"):
        return {}
    return {
        stream: pack(index.file_hash(path) for _, path in files_of(table.listing, stream))
        for stream in step.recipe["raw"]
    }


def _work(plan: Plan, step: Step) -> dict[str, Any]:
    """Return a step's work in plain values: what it says of single recordings is made only for a step that is done."""
    work = dict(step.work)
    if step.stage == "encode":
        work["rows"] = row_digests(plan.table, step.recipe["modality"]["streams"])
    if "split" in work:
        work |= work.pop("split").as_work()
    return work
