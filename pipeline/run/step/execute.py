"""Do one step: open its inputs and its draft, call its stage, publish the output.

`execute` goes the way of a step: `prepare_device`, `open_step` (source, inputs and draft, as a `Context`), the stage's
function from `pipeline.registry.STAGES`, `publish`. It does not know whose process it is in: a worker of the run, or
one of a scheduler.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch

from pipeline.errors import StepError
from pipeline.keys.loaded_code import CodeHashes, check_code
from pipeline.plan.history import user_name
from pipeline.plugins.loading import use_folder
from pipeline.registry import (
    ENCODERS,
    PRETRAINED,
    STAGES,
    Registration,
    encoding_of,
    find,
    import_build,
    import_hashed,
    import_params,
)
from pipeline.run.messages import StepDone, StepEvent, StepFailed, StepJob
from pipeline.run.step.failures import capture_failure
from pipeline.run.step.gpus import NO_CUDA
from pipeline.run.step.source import CheckedFile, CheckedSource, open_source
from pipeline.run.step.timing_summary import summarise_timings
from pipeline.run.step.validate_inputs import check_inputs
from pipeline.sources.base import Source
from pipeline.sources.validate_listing import validated_listing
from pipeline.stages.context import Context, Progress, ShardDraft
from pipeline.version import DISTRIBUTION, full_version
from store import Draft, Output, Store, family_of, find_sibling_outputs
from store.errors import StoreError

T = TypeVar("T")

Provenance = Mapping[str, Any]  # how an output was made, beside its recipe: JSON values
RunStage = Callable[[StepJob, Context], Provenance]

_OURS: Mapping[str, Mapping[str, Registration]] = {"encoder": ENCODERS, "pretrained": PRETRAINED}
_TABLES = {  # whose names may be plug-ins'
    "model": "models",
    "loss": "losses",
    "stage": "stages",
    "backbone": "backbones",
    "reduction": "reductions",
}
_READ_WEIGHTS = ("encoder", "pretrained")
_THREADS = torch.get_num_threads()


def execute(job: StepJob, progress: Progress, run_stage: RunStage | None = None) -> StepDone:
    """Do a step and publish its output; what was journalled before an error stays for the next try.

    `run_stage` does the stage's work with what was opened for it; None: the stage itself, in this process.
    """
    started = time.monotonic()
    device = prepare_device(job)
    with ExitStack() as held:
        context = open_step(job, device, progress, held)
        if isinstance(context, StepDone):
            return context
        run = partial(run_stage, job) if run_stage else _import_checked(job, STAGES[job.stage].run)
        provenance = run(context)
        return publish(job, context, provenance, time.monotonic() - started)


def execute_batch(jobs: Sequence[StepJob], progress: Callable[..., None]) -> Iterator[StepEvent]:
    """Train models of which `pipeline.run.batching` says that they can be trained as one, and publish each output.

    `progress` is called as a context's, with a step's id in front. Yields what became of each step. One that cannot be
    opened, or fails alone, stops no other.
    """
    started = time.monotonic()
    device = capture_failure(jobs[0].store, partial(prepare_device, jobs[0]))
    if isinstance(device, StepFailed):
        yield from (StepEvent(job.step, device) for job in jobs)
        return
    with ExitStack() as held:
        opened: list[tuple[StepJob, Context]] = []
        for job in jobs:
            context = capture_failure(job.store, partial(open_step, job, device, partial(progress, job.step), held))
            if isinstance(context, Context):
                opened.append((job, context))
            else:
                yield StepEvent(job.step, context)
        if not opened:
            return
        results = capture_failure(jobs[0].store, lambda: _run_together(jobs[0], [context for _, context in opened]))
        if isinstance(results, StepFailed):
            yield from (StepEvent(job.step, results) for job, _ in opened)
            return
        seconds_each = (time.monotonic() - started) / len(opened)
        for (job, context), result in zip(opened, results, strict=True):
            task = partial(_publish_one, job, context, result, seconds_each)
            yield StepEvent(job.step, capture_failure(job.store, task))


def _import_checked(job: StepJob, reference: str) -> Callable[..., Any]:
    """Import a stage's function; compare the code with the key before the work, not only when it is kept."""
    run: Callable[..., Any] = import_hashed(reference, job.code)
    check_code(job.code)
    return run


def _run_together(job: StepJob, contexts: Sequence[Context]) -> Sequence[Provenance | Exception]:
    return _import_checked(job, STAGES[job.stage].together)(contexts)  # type: ignore[no-any-return]


def _publish_one(job: StepJob, context: Context, result: Provenance | Exception, seconds: float) -> StepDone:
    if isinstance(result, Exception):
        raise result
    return publish(job, context, result, seconds)


def prepare_device(job: StepJob) -> str:
    """Choose a job's device and set torch's threads for it; only networks are run on anything but the CPU."""
    runs_network_here = job.scheduler is None and job.uses_gpu
    device = _choose_device(job.device) if runs_network_here else "cpu"
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # its deterministic way, see trainers.fit.seeding
    # On a CPU small models gain nothing from more threads, and encoding has threads of its own.
    torch.set_num_threads(_THREADS if device != "cpu" else 1)
    return device


def open_step(job: StepJob, device: str, progress: Progress, held: ExitStack) -> Context | StepDone:
    """Open a step's inputs and its draft, which is closed with `held`; StepDone where another run was faster."""
    started = time.monotonic()
    store = Store.open(job.store)
    source = open_source(job, progress) if job.stage in ("index", "encode") else None
    if isinstance(source, CheckedSource):
        held.callback(source.close)
    outputs = {step: store.output(stage, key) for step, (stage, key) in job.inputs.items()}
    inputs = [key for _, key in job.inputs.values()]
    check = partial(check_code, job.code)
    draft = held.enter_context(store.draft(job.stage, job.key, recipe=job.recipe, inputs=inputs, check=check))
    if store.has(job.stage, job.key) and not job.force:  # the draft, still empty, leaves nothing
        return _done(time.monotonic() - started, store.output(job.stage, job.key), device)
    return make_context(job, draft, outputs, source, device, progress, sibling_outputs(job, store))


def publish(job: StepJob, context: Context, provenance: Provenance, seconds: float) -> StepDone:
    """Publish what a stage wrote into its draft, with its provenance."""
    about: dict[str, Any] = _environment(context.device)
    about |= {name: why for name in ("accepted", "equal_code") if (why := getattr(job, name))}
    assert isinstance(context.draft, Draft)  # a step that is published is done by the draft's owner
    output = context.draft.publish({**about, "seconds": round(seconds, 3), **provenance}, replace=job.force)
    if context.device == "cuda":
        torch.cuda.empty_cache()  # for the other processes on this GPU
    return _done(seconds, output, context.device, summarise_timings(provenance, seconds))


def sibling_outputs(job: StepJob, store: Store) -> Iterable[Output]:
    """Return outputs of which rows can be copied: of this store first, then of the remotes, opened when asked for."""

    def stores() -> Iterator[Store]:
        yield store
        for url in job.remotes:
            with suppress(StoreError):  # copying only saves time
                yield Store.open(url)

    return () if job.force else find_sibling_outputs(stores(), job.stage, family_of(job.recipe))


def make_context(
    job: StepJob,
    draft: ShardDraft,
    outputs: Mapping[str, Output],
    source: Source | None,
    device: str,
    progress: Progress,
    earlier: Iterable[Output] = (),
) -> Context:
    """Put together what a stage is given, its inputs checked."""
    use_folder(job.folder, job.code)
    check_inputs(job, outputs)
    weights = CheckedFile(Path(job.weights), job.weights_known) if job.weights and job.weights_known else None
    return Context(
        recipe=job.recipe,
        work=job.work,
        draft=draft,
        outputs=outputs,
        source=source,
        recordings=validated_listing(source).recordings if source else (),
        resolve=partial(_resolve, job.code, weights),
        device=device,
        on_bad_recording=job.on_bad_recording,
        weights=weights.path if weights else None,
        progress=progress,
        earlier=earlier,
    )


def _done(seconds: float, output: Output, device: str, note: str = "") -> StepDone:
    return StepDone(seconds, sum(item.size for item in output.manifest.objects), device, note)


def _resolve(
    code: CodeHashes, weights: CheckedFile | None, table: str, section: Mapping[str, Any]
) -> tuple[Callable[..., Any], Any]:
    """Return what builds a thing, and its parameters; see `Context.resolve`."""
    body = dict(section)
    name = body.pop("name")
    if table == "encoder":
        name = encoding_of(name, body)
    registration = _OURS[table][name] if table in _OURS else find(_TABLES[table], name)
    build = import_build(registration, code)
    if weights is not None and table in _READ_WEIGHTS:
        build = partial(_build_from_weights, weights, build)
    return build, msgspec.convert(body, import_params(registration, code))


def _build_from_weights(weights: CheckedFile, build: Callable[..., T], *arguments: Any) -> T:
    """Build what reads a file of weights, and check that file before and after."""
    with weights.reading():
        built = build(*arguments)
        if isinstance(built, tuple) and isinstance(built[0], dict):
            # A state read from .safetensors is mapped: without a copy it could change after the check.
            state = {name: tensor.clone() for name, tensor in built[0].items()}
            return (state, *built[1:])  # type: ignore[return-value]
        return built


def _choose_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda``; StepError where a GPU is wanted and there is none."""
    available = wanted != "cpu" and torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise StepError(NO_CUDA)
    return "cuda" if available else "cpu"


def _environment(device: str) -> dict[str, Any]:
    """Return the part of an output's provenance that says who made it, where and with what."""
    return {
        "program": f"{DISTRIBUTION} {full_version()}",
        "host": socket.gethostname(),
        "user": user_name(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name() if device == "cuda" else f"cpu x {torch.get_num_threads()}",
    }
