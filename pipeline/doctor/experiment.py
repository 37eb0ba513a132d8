"""A stages file: whether it can be read and planned, and what is where it says that the recordings are."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.doctor.finding import Finding, note, of_error, ok, problem
from pipeline.doctor.weights import Named as NamedWeights
from pipeline.doctor.weights import look as look_at_weights
from pipeline.errors import ConfigError, PipelineError
from pipeline.formatting import counted, shortened
from pipeline.keys.code import CodeIndex
from pipeline.keys.missing_files import is_absent
from pipeline.lock import Lock, LockedStream, lock_path, read_lock
from pipeline.plan.blame import find_blame
from pipeline.plan.planner import remotes
from pipeline.plan.recordings.table import Table
from pipeline.plan.steps.builder import StepBuilder
from pipeline.plan.steps.code_resolver import CodeResolver
from pipeline.plan.steps.step import Step
from pipeline.sources.base import Listing, Unparsed
from pipeline.sources.validate_listing import validated_listing
from pipeline.stagesfile.experiment import Point, read_points
from pipeline.stagesfile.load import read_document, read_text
from pipeline.stagesfile.schema import Experiment, convert
from pipeline.stagesfile.settings import with_settings
from store import Store
from store.canonical import digest
from store.errors import StoreError
from trainers.errors import TrainingError

TOPIC = "experiment"
_SHOWN = 3  # files that cannot be placed, and classes without recordings
_CANDIDATES = 50  # folders one level down that are tried
Settings = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Named:
    """The places that a stages file names, as far as it can be read; folders relative to `base`."""

    base: Path
    store: str = ""
    remotes: tuple[str, ...] = field(default=())


def read(path: Path, settings: Settings) -> Named:
    """Return the places of a stages file, none where it cannot be read: `find` says why."""
    base = path.absolute().parent
    try:
        document = with_settings(read_document(path), settings, "--set")
        said = convert(document, "", document.values, Experiment)
        return Named(base, said.store, tuple(remotes(said.remote, base)))
    except (PipelineError, StoreError):
        return Named(base)


def find(path: Path, settings: Settings, named: Named) -> Iterator[Finding]:
    """Read a stages file, list its source and build its steps; nothing is hashed, run or written."""
    try:
        text = read_text(path)
        points = _points(path, text, settings)
    except (PipelineError, StoreError) as error:
        yield of_error(TOPIC, error)
        return
    yield ok(TOPIC, f"{path} can be read")
    lock = Lock()
    try:
        lock = read_lock(lock_path(path))
    except ConfigError as error:
        yield of_error(TOPIC, error)
    first = points[0]
    listing = None
    for each in _listed(first, lock, path, text, settings):
        if isinstance(each, Listing):
            listing = each
        else:
            yield each
    if listing is not None:
        yield from _planned(points, listing, lock)
    if not named.remotes and not named.store:
        yield from _places(path, settings)


def _points(path: Path, text: str, settings: Settings) -> list[Point]:
    try:
        return read_points(path, text, settings)
    except ConfigError as error:
        raise find_blame(error, path, text, settings) from None


def _places(path: Path, settings: Settings) -> Iterator[Finding]:
    """Say why the places of a stages file that is right otherwise are not known: a variable is to blame."""
    document = with_settings(read_document(path), settings, "--set")
    said = convert(document, "", document.values, Experiment)
    try:
        Store.open(said.store, base=path.absolute().parent)
        remotes(said.remote, path.absolute().parent)
    except (PipelineError, StoreError) as error:
        yield of_error("store", error)


def _listed(point: Point, lock: Lock, path: Path, text: str, settings: Settings) -> Iterator[Finding | Listing]:
    source = point.source
    if getattr(source, "recipe", None) is None and is_absent(source.root):
        what = f"the recordings of {source.name} are not at {source.root}"
        repair = "set source.root to their folder (--set source.root=DIR)"
        if lock.index and point.document.set_by("source.root") != "--set":
            yield note(TOPIC, f"{what}; keys come from {lock_path(path).name}", repair)
        else:
            yield problem(TOPIC, what, repair)
        return
    try:
        listing = validated_listing(source)
    except ConfigError as error:
        found = of_error(TOPIC, error)
        if (other := _elsewhere(path, text, settings, source.root)) is not None:
            found = found._replace(repair=f"set source.root to {other}: there it looks as it should")
        yield found
        return
    yield from _counts(point, listing)
    yield listing


def _elsewhere(path: Path, text: str, settings: Settings, root: Path) -> Path | None:
    """Return the folder one level up or down that has recordings."""
    root = root.absolute()
    try:
        below = sorted(Path(each.path) for each in os.scandir(root) if each.is_dir() and not each.name.startswith("."))
    except OSError:
        below = []
    for folder in [*below[:_CANDIDATES], root.parent]:
        try:
            point = read_points(path, text, [*settings, ("source.root", str(folder))])[0]
            if validated_listing(point.source).recordings:
                return folder
        except (PipelineError, OSError):
            continue  # it is not there either
    return None


def _counts(point: Point, listing: Listing) -> Iterator[Finding]:
    source, recordings = point.source, listing.recordings
    subjects = {each.subject for each in recordings}
    classes = Counter(each.action for each in recordings)
    what = f"{source.name}: {counted(len(recordings), 'recording')} of {counted(len(subjects), 'subject')}"
    of = f"{len(classes)} of {len(source.classes)} classes"
    empty = [name for name in source.classes if name not in classes]
    if empty:
        without = ", ".join(shortened(empty, _SHOWN))
        yield note(TOPIC, f"{what}, {of}; none of {without}", "leave these classes out, or see how files are named")
    else:
        yield ok(TOPIC, f"{what}, {of}")
    for name in point.experiment.modalities:
        streams = source.modalities[name].streams
        lacking = sum(any(stream not in each.streams for stream in streams) for each in recordings)
        if lacking and getattr(source, "recipe", None) is None:
            what = f"{counted(lacking, 'recording')} without {name}"
            if point.experiment.on_bad_recording == "skip":
                yield note(TOPIC, f"{what}: left out of what needs it, as on_bad_recording: skip says")
            else:
                yield note(TOPIC, what, "on_bad_recording: skip goes on without them")
    yield from _unparsed(listing.unparsed)


def _unparsed(unparsed: Sequence[Unparsed]) -> Iterator[Finding]:
    if unparsed:
        shown = ", ".join(shortened([each.path for each in unparsed], _SHOWN))
        what = f"{counted(len(unparsed), 'file')} cannot be placed: {shown}"
        yield note(TOPIC, what, f"the first: {unparsed[0].reason}")


def _planned(points: Sequence[Point], listing: Listing, lock: Lock) -> Iterator[Finding]:
    """Build the steps as a plan does, with recordings whose content nobody looked at."""
    streams = {stream for point in points for each in point.source.modalities.values() for stream in each.streams}
    table = Table(listing, {stream: LockedStream(digest(None)) for stream in streams})
    weights: dict[tuple[str, str], NamedWeights] = {}

    def identify(point: Point, place: str, value: str, _: Any) -> Mapping[str, Any]:
        weights.setdefault((place, value), NamedWeights(point, place, value))
        return {"enumerated": value}

    builder = StepBuilder(CodeResolver(CodeIndex(), lock.accepted, ()), identify, lambda step: {})
    try:
        index: Step = builder.index(points[0], table, sorted(streams))
        for point in points:
            builder.add(point, table, {}, index.id)
    except (ConfigError, TrainingError) as error:
        yield of_error(TOPIC, error)
    else:
        entries = counted(len(points[0].entries), "entry").replace("entrys", "entries")
        yield ok(TOPIC, f"its plan: {entries}, {counted(len(builder.steps), 'step')}")
    for each in weights.values():
        yield from look_at_weights(each)
