"""The plan: read the stages file, the table, the lock and the code; build the steps; look up their states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.keys.accepted import AcceptedCode
from pipeline.keys.code import CodeIndex
from pipeline.keys.raw import RawIndex
from pipeline.lock import Lock, lock_path, read_lock
from pipeline.plan.history import History
from pipeline.plan.step import Step
from pipeline.plan.steps import Broken, StepBuilder
from pipeline.plan.table import Table, read_table, table_from_index
from pipeline.sources.contract import Unparsed
from pipeline.stagesfile.experiment import Point, read_points
from store import Store

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which they can be done, with their states.

    Attributes
    ----------
    states
        By step id: cached, partial or todo.
    broken
        Recordings that cannot be used, once the index has run: recording, stream, reason.
    indexed
        Whether the index has run; before that, keys of training assume that no recording is broken.
    lock, old_lock
        What stages.lock should say, and what it says.
    """

    path: Path
    store: Store
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


def make_plan(path: Path, settings: Iterable[tuple[str, Any]], progress: Progress | None = None) -> Plan:
    """Plan a stages file; nothing is run or written but caches. ConfigError for what is off in it."""
    points = read_points(path, settings)
    first = points[0]
    if any(p.source_recipe != first.source_recipe for p in points):
        raise first.document.error("matrix.source", "a matrix has one source", "use one stages file a source")
    store = Store.open(first.experiment.store, base=path.absolute().parent)
    old_lock = read_lock(lock_path(path))
    streams = sorted({s for p in points for m in p.experiment.modalities for s in p.source.modalities[m].streams})
    table = _table(first, streams, store, old_lock, progress)
    code = AcceptedCode(CodeIndex(), old_lock.accepted)
    weights = _Weights(path.absolute().parent, old_lock)
    builder = StepBuilder(code, weights)
    index = builder.index(first, table, sorted(table.raw))
    indexed = store.has("index", index.key)
    broken = _read_broken(store, index.key) if indexed else {}
    for point in points:
        builder.add(point, table, broken, index.id)
    code.save()
    source = str(first.source_recipe["name"])
    lock = Lock(
        source=source, index=index.key, raw=dict(table.raw), weights=weights.found, accepted=old_lock.accepted
    )
    return Plan(
        path=path,
        store=store,
        points=points,
        table=table,
        steps=builder.steps,
        states={step.id: _state(store, step) for step in builder.steps.values()},
        broken=broken,
        unparsed=table.listing.unparsed,
        indexed=indexed,
        lock=lock,
        old_lock=old_lock,
        history=History.read(store, path),
    )


def _state(store: Store, step: Step) -> str:
    if store.has(step.stage, step.key):
        return "cached"
    return "partial" if store.progress(step.stage, step.key) else "todo"


def _table(point: Point, streams: Sequence[str], store: Store, lock: Lock, progress: Progress | None) -> Table:
    def hashing(done: int, total: int) -> None:
        if progress:
            progress("hashing raw files", done, total)

    try:
        return read_table(point.source, streams, lock, hashing)
    except ConfigError:
        if lock.source != point.source.name or not lock.index or not store.has("index", lock.index):
            raise
        return table_from_index(store.output("index", lock.index), streams, lock)


def _read_broken(store: Store, key: str) -> dict[str, dict[str, str]]:
    broken: dict[str, dict[str, str]] = {}
    for item in store.output("index", key).read_json("broken.json"):
        broken.setdefault(item["recording"], {})[item["stream"]] = f"{item['path']}: {item['reason']}"
    return broken


class _Weights:
    """What identifies pretrained weights in a key: their name in torchvision's enumeration, or their content."""

    def __init__(self, base: Path, lock: Lock) -> None:
        self.found: dict[str, str] = {}
        self._base = base
        self._lock = lock

    def __call__(self, point: Point, place: str, value: str) -> dict[str, Any]:
        if value == "none":
            return {"random": True}
        if not value.endswith((".pth", ".safetensors")):
            return {"enumerated": value}
        path = self._base / Path(value).expanduser()
        name = path.name
        if path.is_file():
            self.found[name] = RawIndex(path.parent).digests([name])[name].sha256
        elif name in self._lock.weights:
            self.found[name] = self._lock.weights[name]
        else:
            raise point.document.error(
                place,
                f"no such weights file: {path}",
                "give a .safetensors or .pth file, an enumerated name, or none",
            )
        return {"sha256": self.found[name]}
