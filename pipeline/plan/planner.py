"""The plan: read the stages file, the table, the lock and the code; build the steps; look up their states."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, DataError
from pipeline.keys.missing_files import is_absent
from pipeline.lock import Lock, lock_path, read_lock
from pipeline.plan.history import History
from pipeline.plan.recordings.table import Table, read_table, table_from_index
from pipeline.plan.recordings.unusable import Broken, Skipped, broken_of, newly_skipped, skipped_of
from pipeline.plan.steps.builder import StepBuilder
from pipeline.plan.steps.code_resolver import CodeResolver
from pipeline.plan.steps.equal_code import read_equal_code
from pipeline.plan.steps.step import Step
from pipeline.plan.steps.weights import Weights
from pipeline.sources.base import Unparsed
from pipeline.stagesfile.experiment import Point, read_points
from pipeline.stagesfile.load import read_text
from pipeline.stagesfile.settings import trial_of
from store import Store, StoreChain, expand_home, redact_secrets

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Snapshot:
    """What was read of files: a run goes on with it, whatever becomes of them."""

    text: str  # of the stages file
    settings: Sequence[tuple[str, Any]]  # of `--set`
    points: Sequence[Point]
    lock: Lock  # the content of stages.lock
    table: Table
    code: CodeResolver  # what is known of the program,
    weights: Weights  # and of weights files
    trial: str  # what stands for settings that make another experiment of it; empty where there are none


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which they can be done, with their states."""

    path: Path
    store: Store
    chain: StoreChain  # the store and the remotes behind it
    points: Sequence[Point]
    table: Table
    steps: Mapping[str, Step]
    states: dict[str, str]  # by step id: cached, partial or todo; remote where it is not in the store but in a remote
    broken: Broken  # recordings that cannot be used, once the index has run: recording, stream, reason
    # Further ones, that broke while they were encoded, of each encode step whose output is there: step id, recording,
    # reason. None of the two kinds is trained or tested on.
    skipped: Mapping[str, Skipped]
    unparsed: Sequence[Unparsed]
    # Whether the index has run; before that, keys of training assume that no recording is broken.
    indexed: bool
    lock: Lock  # what stages.lock should hold,
    old_lock: Lock  # and what it held when it was read
    snapshot: Snapshot
    history: History
    # `--set` made another experiment of it than the stages file's, whose lock it must leave alone.
    trial: bool = False
    # Places where nothing is, and what belongs there (`the raw data is`); its digests come from the lock.
    absent: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()  # what is to be known of folds


def make_plan(
    path: Path,
    settings: Iterable[tuple[str, Any]],
    progress: Progress | None = None,
) -> Plan:
    """Plan a stages file; nothing is run or written but caches. ConfigError for what is off in it."""
    text, settings = read_text(path), list(settings)
    try:
        points = read_points(path, text, settings)
    except ConfigError as error:
        from pipeline.plan.blame import find_blame  # only mistakes need it

        raise find_blame(error, path, text, settings) from None
    first = points[0]
    if any((p.source_recipe, p.source.root) != (first.source_recipe, first.source.root) for p in points):
        raise first.document.error("matrix.source", "a matrix has one source", "use one stages file a source")
    store = Store.open(first.experiment.store, base=path.absolute().parent)
    if store.read_only:
        where = f"{store.url} is behind a web server, where nothing can be written"
        raise first.document.error("store", where, "name it under remote:, and a folder under store:")
    chain = StoreChain(store, remotes(first.experiment.remote, path.absolute().parent))
    old_lock = read_lock(lock_path(path))
    streams = sorted({s for p in points for m in p.experiment.modalities for s in p.source.modalities[m].streams})
    table = _table(first, streams, chain, old_lock, progress)
    tables = read_equal_code() if all(point.experiment.equal_code == "accept" for point in points) else ()
    code = CodeResolver(first.plugins.code, old_lock.accepted, tables)
    weights = Weights(path.absolute().parent, old_lock, points)
    return _build(path, Snapshot(text, settings, points, old_lock, table, code, weights, trial_of(settings)), chain)


def plan_again(plan: Plan) -> Plan:
    """Plan again with what is in the stores by now; remotes that were away are not waited for again."""
    chain = StoreChain(plan.store, plan.chain.urls, failures=dict(plan.chain.failures))
    return _build(plan.path, plan.snapshot, chain)


def plan_points(plan: Plan, points: Sequence[Point], trial: str) -> Plan:
    """Plan other points than the stages file's, of the same source and modalities, with what was read of files.

    `trial` stands for their settings: what is made of them takes the place of no step of the stages file.
    """
    return plan_again(replace(plan, snapshot=replace(plan.snapshot, points=points, trial=trial)))


def build_points(plan: Plan, points: Iterable[Point]) -> tuple[Mapping[str, Step], list[ConfigError | None]]:
    """Build the steps of such points without a look at the store; return them by id, and what is off in each point."""
    snapshot = plan.snapshot
    builder = StepBuilder(snapshot.code, snapshot.weights, lambda step: {})
    index = builder.index(snapshot.points[0], snapshot.table, sorted(snapshot.table.raw))
    problems: list[ConfigError | None] = []
    for point in points:
        try:
            builder.add(point, snapshot.table, plan.broken, index.id)
            problems.append(None)
        except ConfigError as error:
            problems.append(error)
    return builder.steps, problems


def _build(path: Path, snapshot: Snapshot, chain: StoreChain) -> Plan:
    points, table, old_lock = snapshot.points, snapshot.table, snapshot.lock
    first, weights = points[0], snapshot.weights

    def find_skipped(step: Step) -> Skipped:
        return newly_skipped(step, skipped_of(chain, step))

    builder = StepBuilder(snapshot.code, weights, find_skipped)
    index = builder.index(first, table, sorted(table.raw))
    broken = broken_of(chain, index)

    def build(points: Sequence[Point], table: Table, builder: StepBuilder) -> None:
        for point in points:
            builder.add(point, table, broken or {}, index.id)

    try:
        build(points, table, builder)
    except ConfigError as error:
        from pipeline.plan.blame import Attempt, find_blame

        again = Attempt(first.source, table, partial(build, builder=StepBuilder(snapshot.code, weights, find_skipped)))
        raise find_blame(error, path, snapshot.text, snapshot.settings, again) from None
    snapshot.code.save()
    return Plan(
        path=path,
        store=chain.local,
        chain=chain,
        points=points,
        table=table,
        steps=builder.steps,
        states=states_of(chain, builder.steps.values()),
        broken=broken or {},
        skipped=builder.skipped,
        unparsed=table.listing.unparsed,
        indexed=broken is not None,
        lock=_lock_of(snapshot, index),
        old_lock=old_lock,
        snapshot=snapshot,
        history=History.read(chain.local, path, trial=snapshot.trial),
        trial=bool(snapshot.trial),
        absent=({} if table.present else {str(first.source.root): "the raw data is"}) | weights.absent,
        notes=builder.notes,
    )


def _lock_of(snapshot: Snapshot, index: Step) -> Lock:
    return Lock(
        source=str(index.recipe["source"]["name"]),
        index=index.key,
        raw=dict(snapshot.table.raw),
        weights={name: file.sha256 for name, file in snapshot.weights.known.items()},
        accepted=snapshot.lock.accepted,
    )


def remotes(named: str | Sequence[str], base: Path) -> list[str]:
    """Return the remotes' URLs: those of the stages file, then those of ``PIPELINE_REMOTE`` (comma-separated)."""
    listed = [named] if isinstance(named, str) else named
    urls = [url if "://" in url else str(base / expand_home(url)) for url in listed]
    return urls + [url if "://" in url else str(expand_home(url).absolute()) for url in _in_environment()]


def _in_environment() -> list[str]:
    text = os.environ.get("PIPELINE_REMOTE", "")
    whole = "".join(text.replace("file:///", "/").split())
    if redact_secrets(whole) != whole:  # not URL by URL, since a comma may be a part of a secret, too
        raise ConfigError(
            "PIPELINE_REMOTE: there is an @ after a URL's scheme, so that it seems to carry credentials\n"
            "  take them out and set them in the environment; name folders that have an @ before all URLs"
        )
    return [url.strip() for url in text.split(",") if url.strip()]


def states_of(chain: StoreChain, steps: Iterable[Step]) -> dict[str, str]:
    """Look up each step's state: one look at the store each, and at remotes for what it lacks."""
    listed = list(steps)
    states = {step.id: "cached" for step in listed if chain.local.has(step.stage, step.key)}
    missing = [step for step in listed if step.id not in states]
    elsewhere = chain.locate((step.stage, step.key) for step in missing)
    for step in missing:
        if (step.stage, step.key) in elsewhere:
            states[step.id] = "remote"
        else:
            states[step.id] = "partial" if chain.local.progress(step.stage, step.key) else "todo"
    return {step.id: states[step.id] for step in listed}


def _table(point: Point, streams: Sequence[str], chain: StoreChain, lock: Lock, progress: Progress | None) -> Table:
    def hashing(done: int, total: int) -> None:
        if progress:
            progress("hashing raw files", done, total)

    if lock.source == point.source.name and lock.index and _may_be_absent(point):
        index = chain.output("index", lock.index)
        if index is not None:
            return table_from_index(index, streams, lock)
        for url, why in chain.failures.items():
            raise DataError(
                f"{point.source.root}: there is no raw data, and no store that can be reached has the index that may "
                f"stand in for it ({url}: {why})\n  run again when it can be reached, or set source.root to the data"
            )
    return read_table(point.source, streams, lock, hashing)


def _may_be_absent(point: Point) -> bool:
    """Tell whether nothing at all is where the stages file itself says that the raw data is.

    Data of which a part is there is never taken from the lock, nor is any that ``--set`` says to be somewhere.
    """
    if getattr(point.source, "recipe", None) is not None or point.document.set_by("source.root") == "--set":
        return False
    return is_absent(point.source.root)
