"""What is searched: an entry's space, on the inner folds of each of its folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.runs.settings import is_about
from pipeline.registry import GIVES_MODEL
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.schema import Experiment, convert, did_you_mean
from pipeline.stagesfile.settings import with_settings
from pipeline.stagesfile.tune import TuneParams
from pipeline.tune.inner import InnerFolds, inner_folds
from pipeline.tune.sampling.space import Space, read_space
from trainers.evaluation.protocol_params import KFolds, LeaveOneOut, Sides, WrittenFolds

TRIALS = 30  # where nothing is said


@dataclass(frozen=True, eq=False)
class OuterFold:
    """A fold of the experiment, whose training side a search splits again.

    Attributes
    ----------
    name
        As results call it: ``subject=3``.
    settings
        Those that the stages file has for this fold alone.
    """

    name: str
    inner: InnerFolds
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """The search for an entry's settings."""

    entry: str
    space: Space
    params: TuneParams
    seeds: Sequence[int]
    folds: Sequence[OuterFold]

    @property
    def trials(self) -> int | None:
        """How many settings are tried; None where hours alone say when it ends."""
        return self.params.trials or (None if self.params.hours is not None else TRIALS)

    @property
    def is_nested(self) -> bool:
        """Whether each of several folds has a search of its own."""
        return len(self.folds) > 1


def document_of(base: Plan) -> Document:
    """Return the stages file with its settings; ConfigError where it says nothing to search."""
    document = with_settings(read_document(base.path, base.snapshot.text), base.snapshot.settings, "--set")
    experiment = convert(document, "", document.values, Experiment)
    if experiment.tune is None:
        remedy = "add tune: {space: {ENTRY: {KEY: [...]}}}; docs/tuning.md has an example"
        raise document.error("tune", "is missing: there is nothing to search", remedy)
    if experiment.matrix:
        remedy = "search one point of it: take it out, or --set matrix={}, and set its keys"
        raise document.error("matrix", "makes several experiments, and one is searched", remedy)
    return document


def read_studies(base: Plan, document: Document, params: TuneParams, entries: Sequence[str]) -> list[Study]:
    """Return the searches of some entries, or of all in the space, each after those that it needs."""
    experiment = convert(document, "", document.values, Experiment)
    if not params.space:
        raise document.error("tune.space", "names no entry", "name one that trains, and the settings to search")
    known = base.points[0].entries
    for name in params.space:
        if name not in known or known[name].stage not in GIVES_MODEL:
            models = [entry.name for entry in known.values() if entry.stage in GIVES_MODEL]
            problem = "is no train, distil or ensemble entry"
            raise document.error(f"tune.space.{name}", problem, did_you_mean(name, models))
    for name in entries:
        if name not in params.space:
            raise ConfigError(f"ENTRY {name}: tune.space has no such entry\n  {did_you_mean(name, params.space)}")
    ordered = [name for name in known if name in params.space]
    spaces = {name: read_space(document, name, params.space[name]) for name in ordered}
    _check_order(document, spaces)
    seeds = experiment.seeds[:1] if params.seeds is None else params.seeds
    if not seeds or len({*seeds}) < len(seeds):
        raise document.error("tune.seeds", "must be different numbers, at least one", "for example seeds: [0]")
    return [
        Study(name, spaces[name], params, seeds, _outer_folds(base, document, experiment, name, params.inner))
        for name in ordered
        if not entries or name in entries
    ]


def _check_order(document: Document, spaces: Mapping[str, Space]) -> None:
    """Check that a search changes what it searches for, and nothing that an earlier search has settled."""
    names = list(spaces)
    for place, name in enumerate(names):
        for key in spaces[name]:
            at = f"tune.space.{name}.{key}"
            if not is_about(key, name, document.values):
                raise document.error(at, f"changes nothing of {name}", "name a key of it, or of what it needs")
            for before in names[:place]:
                if is_about(key, before, document.values):
                    problem = f"would change {before}, too, which is searched before"
                    raise document.error(at, problem, f"search this key for {before}, or for one of the two alone")


def _outer_folds(
    base: Plan, document: Document, experiment: Experiment, entry: str, count: int | str | None
) -> list[OuterFold]:
    table = base.table.listing.recordings
    found: dict[str, OuterFold] = {}
    for step in base.steps.values():
        if entry not in step.entries or step.stage not in GIVES_MODEL:
            continue
        name = next(str(label["fold"]) for label in step.labels if label["model"] == entry)
        if name in found:
            continue
        sides = step.work["split"].as_work()
        train, test = ([table[row] for row, _ in sides[side]] for side in ("train", "test"))
        try:
            inner = inner_folds(train, test, table, count, _columns(base))
        except ConfigError as error:
            problem, _, remedy = str(error).partition("\n  ")
            raise document.error("tune.inner", f"fold {name} {problem}", remedy) from None
        found[name] = OuterFold(name, inner, experiment.by_fold.get(name, {}))
    return list(found.values())


def _columns(base: Plan) -> list[str]:
    """Return the columns that the experiment's protocol goes by, where it is written out."""
    protocol = base.points[0].protocol
    if isinstance(protocol, LeaveOneOut):
        return [protocol.column]
    if isinstance(protocol, KFolds):
        return [protocol.by] if protocol.by != "id" else []
    sides = protocol.folds if isinstance(protocol, WrittenFolds) else [protocol] if isinstance(protocol, Sides) else []
    named = [column for each in sides for where in (each.test, each.train) if where for column in where]
    return [column for column in dict.fromkeys(named) if column not in ("id", "label")]
