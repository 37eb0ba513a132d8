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
from pipeline.keys.loaded import check_code
from pipeline.names import ENCODERS, LOSSES, MODELS, PRETRAINED, SOURCES, STAGES, Named, load_hashed
from pipeline.run.checked import CheckedFile, CheckedSource
from pipeline.run.inputs import check_inputs
from pipeline.run.job import Done, Event, Failed, Job, runs_a_network
from pipeline.run.serve import told
from pipeline.run.spent import spent
from pipeline.sources.contract import Source
from pipeline.sources.listed import listed
from pipeline.stages.context import Context
from store import Store
from store.drafts import Draft
from store.errors import StoreError
from store.families import relatives
from store.manifest import family_of
from store.outputs import Output

T = TypeVar("T")

_TABLES: Mapping[str, Mapping[str, Named]] = {
    "model": MODELS,
    "loss": LOSSES,
    "encoder": ENCODERS,
    "pretrained": PRETRAINED,
}
_READ_WEIGHTS = ("encoder", "pretrained")

_THREADS = torch.get_num_threads()


def execute(job: Job, progress: Callable[[int, int, str], None]) -> Done:
    """Do a step and publish its output.

    Raises
    ------
    PipelineError, StoreError, TrainingError
        With what is wrong and the remedy; what was journalled stays for the next try.
    """
    started = time.monotonic()
    device = prepared_device(job)
    with ExitStack() as held:
        context = begin(job, device, progress, held)
        if isinstance(context, Done):
            return context
        return finish(job, context, _made(job, context), time.monotonic() - started)


def execute_together(jobs: Sequence[Job], progress: Callable[[str, int, int, str], None]) -> Iterator[Event]:
    """Do steps that are alike as one, and publish each; yield what became of them: one that fails stops no other."""
    started = time.monotonic()
    device = told(jobs[0].store, partial(prepared_device, jobs[0]))
    if isinstance(device, Failed):
        yield from (Event(job.step, device) for job in jobs)
        return
    with ExitStack() as held:
        begun: list[tuple[Job, Context]] = []
        for job in jobs:
            context = told(job.store, partial(begin, job, device, partial(progress, job.step), held))
            if isinstance(context, Context):
                begun.append((job, context))
            else:
                yield Event(job.step, context)
        left = told(jobs[0].store, lambda: _made_together(jobs[0], [context for _, context in begun])) if begun else []
        each_s = (time.monotonic() - started) / max(1, len(begun))
        for row, (job, context) in enumerate(begun):
            if isinstance(left, Failed):
                yield Event(job.step, left)
            else:
                yield Event(job.step, told(job.store, partial(_finished, job, context, left[row], each_s, len(begun))))


def _made_together(job: Job, contexts: Sequence[Context]) -> list[dict[str, Any] | Exception]:
    run = load_hashed(STAGES[job.stage].together, job.code)
    check_code(job.code)  # at once, rather than when the first of it is to be kept
    return run(contexts)  # type: ignore[no-any-return]


def _finished(job: Job, context: Context, left: dict[str, Any] | Exception, seconds: float, beside: int) -> Done:
    if isinstance(left, Exception):
        raise left
    return finish(job, context, {**left, "together": beside}, seconds)


def prepared_device(job: Job) -> str:
    """Choose a job's device, of which only networks need another than the CPU, and set torch's threads for it."""
    network = job.scheduler is None and runs_a_network(job.stage, job.recipe)
    device = _choose_device(job.device) if network else "cpu"
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # its deterministic way, see trainers.seeding
    _set_threads(device)
    return device


def begin(job: Job, device: str, progress: Callable[[int, int, str], None], held: ExitStack) -> Context | Done:
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


def finish(job: Job, context: Context, left: Mapping[str, Any], seconds: float) -> Done:
    """Publish what a stage left in its draft."""
    about = {**_provenance(context.device), **({"accepted": job.accepted} if job.accepted else {})}
    output = context.draft.publish({**about, "seconds": round(seconds, 3), **left}, replace=job.force)
    if context.device == "cuda":
        torch.cuda.empty_cache()  # for the other processes on this GPU
    return _done(seconds, output, context.device, spent(left))


def _made(job: Job, context: Context) -> dict[str, Any]:
    if job.scheduler is None:
        run = load_hashed(STAGES[job.stage].run, job.code)
        check_code(job.code)  # at once, rather than when the first of it is to be kept
        return run(context)  # type: ignore[no-any-return]
    from pipeline.run.coordinate import coordinate

    return coordinate(job, context)


def earlier_of(job: Job, store: Store) -> Iterable[Output]:
    """Return outputs of which rows can be copied, as they are asked for."""
    return () if job.force else relatives(_stores(store, job.remotes), job.stage, family_of(job.recipe))


def _set_threads(device: str) -> None:
    """Let torch use one thread on a CPU: small models gain nothing from more, and encoding has threads of its own."""
    torch.set_num_threads(_THREADS if device != "cpu" else 1)


def make_context(
    job: Job,
    draft: Draft,
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
        recordings=listed(source).recordings if source else (),
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


def _done(seconds: float, output: Output, device: str, note: str = "") -> Done:
    return Done(seconds, sum(item.size for item in output.manifest.objects), device, note)


def _resolve(
    code: Container[str], weights: CheckedFile | None, table: str, section: Mapping[str, Any]
) -> tuple[Callable[..., Any], Any]:
    body = dict(section)
    named = _TABLES[table][body.pop("name")]
    build = load_hashed(named.build, code)
    if weights is not None and table in _READ_WEIGHTS:
        build = partial(_of_checked, weights, build)
    return build, msgspec.convert(body, load_hashed(named.params, code))


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


def open_source(job: Job, progress: Callable[[int, int, str], None]) -> Source:
    """Open a job's dataset, whose files are checked as they are read."""
    body = dict(job.source)
    named = SOURCES[body.pop("name")]
    body.pop("times", None)  # which stages read in the recipe
    build = load_hashed(named.build, job.code)
    params = msgspec.convert(body, load_hashed(named.params, job.code))
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
