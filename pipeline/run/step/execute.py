"""Do one step: open its inputs and its draft, call its stage, publish what it left."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch

from pipeline.errors import StepError
from pipeline.keys.cache import cache_folder
from pipeline.keys.loaded_code import check_code
from pipeline.registry import ENCODERS, LOSSES, MODELS, PRETRAINED, SOURCES, STAGES, Registration, import_hashed
from pipeline.run.messages import StepDone, StepEvent, StepFailed, StepJob, runs_a_network
from pipeline.run.step.failures import capture_failure
from pipeline.run.step.source import CheckedFile, CheckedSource
from pipeline.run.step.timing_summary import summarise_timings
from pipeline.run.step.validate_inputs import check_inputs
from pipeline.sources.base import Source
from pipeline.sources.validate_listing import validated_listing
from pipeline.stages.context import Context, ShardDraft
from store import Draft, Output, Store, family_of, find_sibling_outputs
from store.errors import StoreError

T = TypeVar("T")

_TABLES: Mapping[str, Mapping[str, Registration]] = {
    "model": MODELS,
    "loss": LOSSES,
    "encoder": ENCODERS,
    "pretrained": PRETRAINED,
}
_READ_WEIGHTS = ("encoder", "pretrained")

RunStage = Callable[[StepJob, Context], dict[str, Any]]

_THREADS = torch.get_num_threads()


def execute(job: StepJob, progress: Callable[[int, int, str], None], run_stage: RunStage | None = None) -> StepDone:
    """Do a step and publish its output.

    Parameters
    ----------
    run_stage
        Does the stage's work with what was opened for it, and returns its provenance; in this process where left out.

    Raises
    ------
    PipelineError, StoreError, TrainingError
        With what is wrong and the remedy; what was journalled stays for the next try.
    """
    started = time.monotonic()
    device = prepared_device(job)
    with ExitStack() as held:
        context = begin(job, device, progress, held)
        if isinstance(context, StepDone):
            return context
        provenance = (run_stage or run_here)(job, context)
        return finish(job, context, provenance, time.monotonic() - started)


def execute_together(jobs: Sequence[StepJob], progress: Callable[[str, int, int, str], None]) -> Iterator[StepEvent]:
    """Do steps that are alike as one, and publish each; yield what became of them: one that fails stops no other."""
    started = time.monotonic()
    device = capture_failure(jobs[0].store, partial(prepared_device, jobs[0]))
    if isinstance(device, StepFailed):
        yield from (StepEvent(job.step, device) for job in jobs)
        return
    with ExitStack() as held:
        begun: list[tuple[StepJob, Context]] = []
        for job in jobs:
            context = capture_failure(job.store, partial(begin, job, device, partial(progress, job.step), held))
            if isinstance(context, Context):
                begun.append((job, context))
            else:
                yield StepEvent(job.step, context)
        left = (
            capture_failure(jobs[0].store, lambda: _made_together(jobs[0], [context for _, context in begun]))
            if begun
            else []
        )
        each_s = (time.monotonic() - started) / max(1, len(begun))
        for row, (job, context) in enumerate(begun):
            if isinstance(left, StepFailed):
                yield StepEvent(job.step, left)
            else:
                yield StepEvent(
                    job.step,
                    capture_failure(job.store, partial(_finished, job, context, left[row], each_s, len(begun))),
                )


def _made_together(job: StepJob, contexts: Sequence[Context]) -> list[dict[str, Any] | Exception]:
    run = import_hashed(STAGES[job.stage].together, job.code)
    check_code(job.code)  # at once, rather than when the first of it is to be kept
    return run(contexts)  # type: ignore[no-any-return]


def _finished(
    job: StepJob, context: Context, left: dict[str, Any] | Exception, seconds: float, beside: int
) -> StepDone:
    if isinstance(left, Exception):
        raise left
    return finish(job, context, {**left, "together": beside}, seconds)


def prepared_device(job: StepJob) -> str:
    """Choose a job's device, of which only networks need another than the CPU, and set torch's threads for it."""
    network = job.scheduler is None and runs_a_network(job.stage, job.recipe)
    device = _choose_device(job.device) if network else "cpu"
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # its deterministic way, see trainers.fit.seeding
    _set_threads(device)
    return device


def begin(job: StepJob, device: str, progress: Callable[[int, int, str], None], held: ExitStack) -> Context | StepDone:
    """Open a step's inputs and its draft, which is closed with `held`; Done where another run was faster."""
    started = time.monotonic()
    store = Store.open(job.store)
    source = open_source(job, progress) if job.stage in ("index", "encode") else None
    if isinstance(source, CheckedSource):
        held.callback(source.close)
    outputs = {step: store.output(stage, key) for step, (stage, key) in job.inputs.items()}
    inputs = [key for _, key in job.inputs.values()]
    checked = partial(check_code, job.code)
    draft = held.enter_context(store.draft(job.stage, job.key, recipe=job.recipe, inputs=inputs, check=checked))
    if store.has(job.stage, job.key) and not job.force:  # the draft, still empty, leaves nothing
        return _done(time.monotonic() - started, store.output(job.stage, job.key), device)
    context = make_context(job, draft, outputs, source, device, progress, earlier_of(job, store))
    check_inputs(job, outputs)
    return context


def finish(job: StepJob, context: Context, left: Mapping[str, Any], seconds: float) -> StepDone:
    """Publish what a stage left in its draft."""
    about = {**_provenance(context.device), **({"accepted": job.accepted} if job.accepted else {})}
    assert isinstance(context.draft, Draft)  # a step that is published is done by the draft's owner
    output = context.draft.publish({**about, "seconds": round(seconds, 3), **left}, replace=job.force)
    if context.device == "cuda":
        torch.cuda.empty_cache()  # for the other processes on this GPU
    return _done(seconds, output, context.device, summarise_timings(left))


def run_here(job: StepJob, context: Context) -> dict[str, Any]:
    """Do a stage's work in this process; return its provenance."""
    run = import_hashed(STAGES[job.stage].run, job.code)
    check_code(job.code)  # at once, rather than when the first of it is to be kept
    return run(context)  # type: ignore[no-any-return]


def earlier_of(job: StepJob, store: Store) -> Iterable[Output]:
    """Return outputs of which rows can be copied, as they are asked for."""
    return () if job.force else find_sibling_outputs(_stores(store, job.remotes), job.stage, family_of(job.recipe))


def _set_threads(device: str) -> None:
    """Let torch use one thread on a CPU: small models gain nothing from more, and encoding has threads of its own."""
    torch.set_num_threads(_THREADS if device != "cpu" else 1)


def make_context(
    job: StepJob,
    draft: ShardDraft,
    outputs: Mapping[str, Output],
    source: Source | None,
    device: str,
    progress: Callable[[int, int, str], None],
    earlier: Iterable[Output] = (),
) -> Context:
    """Put together what a stage is handed."""
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


def _stores(local: Store, remotes: Iterable[str]) -> Iterator[Store]:
    """Yield the store and then its remotes, each opened when it is asked for."""
    yield local
    for url in remotes:
        with suppress(StoreError):
            yield Store.open(url)


def _done(seconds: float, output: Output, device: str, note: str = "") -> StepDone:
    return StepDone(seconds, sum(item.size for item in output.manifest.objects), device, note)


def _resolve(
    code: Container[str], weights: CheckedFile | None, table: str, section: Mapping[str, Any]
) -> tuple[Callable[..., Any], Any]:
    body = dict(section)
    named = _TABLES[table][body.pop("name")]
    build = import_hashed(named.build, code)
    if weights is not None and table in _READ_WEIGHTS:
        build = partial(_of_checked, weights, build)
    return build, msgspec.convert(body, import_hashed(named.params, code))


def _of_checked(weights: CheckedFile, build: Callable[..., T], *given: Any) -> T:
    """Build what reads the weights, of checked ones."""
    with weights.reading():
        return _unmapped(build(*given))


def _unmapped(built: T) -> T:
    """Copy a state read from .safetensors, which is mapped: what is used later is what was checked."""
    if isinstance(built, tuple) and isinstance(built[0], dict):
        return ({name: tensor.clone() for name, tensor in built[0].items()}, *built[1:])  # type: ignore[return-value]
    return built


def _choose_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda``; StepError where a GPU is wanted and there is none."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise StepError(
            "--device cuda: torch sees no CUDA device here\n"
            "  check the driver with nvidia-smi and torch's build (a CPU-only one has no CUDA), or give --device cpu"
        )
    return "cuda" if wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available()) else "cpu"


def open_source(job: StepJob, progress: Callable[[int, int, str], None]) -> Source:
    """Open a job's dataset, whose files are checked as they are read."""
    body = dict(job.source)
    named = SOURCES[body.pop("name")]
    body.pop("times", None)  # which stages read in the recipe
    build = import_hashed(named.build, job.code)
    params = msgspec.convert(body, import_hashed(named.params, job.code))
    root = getattr(params, "root", None)
    if root is None:  # a generator, which makes its files on first use
        generator = build(params, cache_folder())
        generator.ensure(lambda done, total: progress(done, total, "recordings made"))
        source: Source = generator
        return source
    return CheckedSource(build(Path(root), params), job.files, job.recipe)


def _provenance(device: str) -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "user": user(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name() if device == "cuda" else f"cpu x {torch.get_num_threads()}",
    }


def user() -> str:
    """Return who runs this, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return str(os.getuid())
