"""The plan: read the stages file, the table, the lock and the code; build the steps; look up their states."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.keys.accepted import AcceptedCode
from pipeline.keys.code import CodeIndex
from pipeline.keys.missing import FETCH, dangling, is_absent
from pipeline.keys.raw import RawIndex
from pipeline.lock import Lock, lock_path, read_lock
from pipeline.plan.blame import Attempt, blamed
from pipeline.plan.history import History
from pipeline.plan.step import Step
from pipeline.plan.steps import Broken, StepBuilder
from pipeline.plan.stored import broken_items
from pipeline.plan.table import Table, read_table, table_from_index
from pipeline.sources.contract import Unparsed
from pipeline.stagesfile.experiment import Point, read_points
from pipeline.stagesfile.settings import are_places
from store import Store
from store.chain import Chain
from store.home import expand

if TYPE_CHECKING:
    from store.outputs import Output

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which they can be done, with their states.

    Attributes
    ----------
    states
        By step id: cached, partial or todo.
        A step that is not in the store and in a remote is remote.
    chain
        The store and the remotes behind it.
    broken
        Recordings that cannot be used, once the index has run: recording, stream, reason.
    indexed
        Whether the index has run; before that, keys of training assume that no recording is broken.
    lock, old_lock
        What stages.lock should say, and what it says.
    trial
        ``--set`` made another experiment of it than the stages file's, whose lock it must leave alone.
    absent
        Places where nothing is, and what belongs there (``the raw data is``); its digests come from the lock.
    """

    path: Path
    store: Store
    chain: Chain
    points: Sequence[Point]
    table: Table
    steps: Mapping[str, Step]
    states: dict[str, str]
    broken: Broken
    unparsed: Sequence[Unparsed]
    indexed: bool
    lock: Lock
    old_lock: Lock
    history: History
    trial: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)


def make_plan(
    path: Path,
    settings: Iterable[tuple[str, Any]],
    progress: Progress | None = None,
    away: dict[str, str] | None = None,
) -> Plan:
    """Plan a stages file; nothing is run or written but caches. ConfigError for what is off in it.

    `away` is an earlier plan's `chain.failures`: those remotes are not waited for again.
    """
    settings = list(settings)
    try:
        points = read_points(path, settings)
    except ConfigError as error:
        raise blamed(error, path, settings) from None
    first = points[0]
    if any((p.source_recipe, p.source.root) != (first.source_recipe, first.source.root) for p in points):
        raise first.document.error("matrix.source", "a matrix has one source", "use one stages file a source")
    store = Store.open(first.experiment.store, base=path.absolute().parent)
    chain = Chain(store, remotes(first.experiment.remote, path.absolute().parent), failures=away)
    old_lock = read_lock(lock_path(path))
    streams = sorted({s for p in points for m in p.experiment.modalities for s in p.source.modalities[m].streams})
    table = _table(first, streams, chain, old_lock, progress)
    code = AcceptedCode(CodeIndex(), old_lock.accepted)
    weights = _Weights(path.absolute().parent, old_lock)
    builder = StepBuilder(code, weights)
    index = builder.index(first, table, sorted(table.raw))
    made = chain.output("index", index.key)
    broken = _read_broken(made) if made else {}

    def build(points: Sequence[Point], table: Table, builder: StepBuilder) -> None:
        for point in points:
            builder.add(point, table, broken, index.id)

    try:
        build(points, table, builder)
    except ConfigError as error:
        again = Attempt(first.source, table, partial(build, builder=StepBuilder(code, weights)))
        raise blamed(error, path, settings, again) from None
    code.save()
    source = str(first.source_recipe["name"])
    lock = Lock(source=source, index=index.key, raw=dict(table.raw), weights=weights.found, accepted=old_lock.accepted)
    return Plan(
        path=path,
        store=store,
        chain=chain,
        points=points,
        table=table,
        steps=builder.steps,
        states=states_of(chain, builder.steps.values()),
        broken=broken,
        unparsed=table.listing.unparsed,
        indexed=made is not None,
        lock=lock,
        old_lock=old_lock,
        history=History.read(store, path),
        trial=not are_places(settings),
        absent=({} if table.present else {str(first.source.root): "the raw data is"}) | weights.absent,
    )


def remotes(named: str | Sequence[str], base: Path) -> list[str]:
    """Return the remotes' URLs: those of the stages file, then those of ``PIPELINE_REMOTE`` (comma-separated)."""
    listed = [named] if isinstance(named, str) else named
    urls = [url if "://" in url else str(base / expand(url)) for url in listed]
    more = [url.strip() for url in os.environ.get("PIPELINE_REMOTE", "").split(",") if url.strip()]
    return urls + [url if "://" in url else str(expand(url).absolute()) for url in more]


def states_of(chain: Chain, steps: Iterable[Step]) -> dict[str, str]:
    """Look up each step's state: one look at the store each, and at remotes for what it lacks."""
    listed = list(steps)
    states = {step.id: "cached" for step in listed if chain.local.has(step.stage, step.key)}
    missing = [step for step in listed if step.id not in states]
    elsewhere = chain.where((step.stage, step.key) for step in missing)
    for step in missing:
        if (step.stage, step.key) in elsewhere:
            states[step.id] = "remote"
        else:
            states[step.id] = "partial" if chain.local.progress(step.stage, step.key) else "todo"
    return {step.id: states[step.id] for step in listed}


def _table(point: Point, streams: Sequence[str], chain: Chain, lock: Lock, progress: Progress | None) -> Table:
    def hashing(done: int, total: int) -> None:
        if progress:
            progress("hashing raw files", done, total)

    if lock.source == point.source.name and lock.index and _may_be_absent(point):
        index = chain.output("index", lock.index)
        if index is not None:
            return table_from_index(index, streams, lock)
    return read_table(point.source, streams, lock, hashing)


def _may_be_absent(point: Point) -> bool:
    """Tell whether nothing at all is where the stages file itself says that the raw data is.

    Data of which a part is there is never taken from the lock, nor is any that ``--set`` says to be somewhere.
    """
    if getattr(point.source, "recipe", None) is not None or point.document.set_by("source.root") == "--set":
        return False
    return is_absent(point.source.root)


def _read_broken(index: Output) -> dict[str, dict[str, str]]:
    broken: dict[str, dict[str, str]] = {}
    for item in broken_items(index):
        broken.setdefault(item.recording, {})[item.stream] = f"{item.path}: {item.reason}"
    return broken


class _Weights:
    """What identifies pretrained weights in a key: their name in torchvision's enumeration, or their content."""

    def __init__(self, base: Path, lock: Lock) -> None:
        self.found: dict[str, str] = {}
        self.absent: dict[str, str] = {}
        self._base = base
        self._lock = lock

    def __call__(self, point: Point, place: str, value: str) -> dict[str, Any]:
        if value == "none":
            return {"random": True}
        if not value.endswith((".pth", ".safetensors")):
            return {"enumerated": value}
        path = self._base / expand(value)
        name = path.name
        if path.is_file():
            self.found[name] = RawIndex(path.parent).digests([name])[name].sha256
        elif name in self._lock.weights and is_absent(path) and point.document.set_by(place) != "--set":
            self.found[name] = self._lock.weights[name]
            self.absent[str(path)] = "the weights are"
        elif broken := dangling(path):
            raise point.document.error(place, f"{path}: {broken}", FETCH)
        else:
            raise point.document.error(
                place,
                f"no such weights file: {path}",
                "give a .safetensors or .pth file, an enumerated name, or none",
            )
        return {"sha256": self.found[name]}
