"""From a stages file to experiments: one for each point of the matrix, its entries checked and in order."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.keys.cache import cache_folder
from pipeline.plugins.described import PlugIns
from pipeline.registry import GIVES_MODEL, STAGES, TRAINED, TRANSFORM, PlugIn, import_object, with_name
from pipeline.sources.base import Source
from pipeline.sources.folder_listing import printable
from pipeline.sources.time_limits import TimeLimits
from pipeline.sources.validate_listing import check_root, check_source
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.named import look_up, name_of, placed
from pipeline.stagesfile.protocol import read_protocol
from pipeline.stagesfile.schema import Experiment, convert, did_you_mean, json_values
from pipeline.stagesfile.settings import matrix_points, with_settings
from store import expand_home
from trainers.evaluation.protocol_params import ProtocolParams
from trainers.params import FitParams

_MOST_POINTS = 10_000
_NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True)
class Point:
    """One point of the matrix: a whole experiment."""

    document: Document
    matrix: Mapping[str, Any]  # the values that this point sets, by key
    experiment: Experiment
    protocol: str | ProtocolParams  # a name, or what is written out
    entries: Mapping[str, Entry]  # in an order in which they can be done
    source: Source
    source_recipe: Mapping[str, Any]
    plugins: PlugIns
    fold: str = ""  # the only one that it has, of those that `by_fold` names


def read_points(path: Path, text: str, settings: Iterable[tuple[str, Any]]) -> list[Point]:
    """Read a stages file's text with ``--set`` overrides; ConfigError for anything that is off in it."""
    document = with_settings(read_document(path, text), settings, "--set")
    _check_top(document)
    matrix = convert(document, "", document.values, Experiment).matrix
    for key, values in matrix.items():
        if not values:
            raise document.error(f"matrix.{key}", "the list is empty", "give at least one value, or take the key out")
        if key.split(".")[0] in ("matrix", "store", "remote"):
            raise document.error(f"matrix.{key}", "cannot be repeated over", "give a list of values for another key")
        if key in ("on_bad_recording", "equal_code"):  # of one plan: its index, its code
            remedy = "set it at the top level; for both, use two stages files"
            raise document.error(f"matrix.{key}", "holds for all points of a matrix alike", remedy)
        if not all(key.split(".")):
            raise document.error(f"matrix.{key}", "is no key", "write keys as for --set: stages.teacher.fit.lr")
    if (count := math.prod(map(len, matrix.values()))) > _MOST_POINTS:
        remedy = f"{_MOST_POINTS} at most: use several stages files"
        raise document.error("matrix", f"makes {count} experiments", remedy)
    plugins = PlugIns(path.absolute().parent)
    by_fold = convert(document, "", document.values, Experiment).by_fold
    if by_fold:
        found = _points_by_fold(document, by_fold, plugins)
    else:
        found = [
            read_point(with_settings(document, point.items(), "matrix"), point, plugins)
            for point in matrix_points(matrix)
        ]
    _check_published(document, found[:1] if by_fold else found)
    return found


def _points_by_fold(document: Document, by_fold: Mapping[str, Mapping[str, Any]], plugins: PlugIns) -> list[Point]:
    if document.values.get("matrix"):
        raise document.error("by_fold", "does not go with a matrix", "use two stages files")
    points = []
    for fold, settings in by_fold.items():
        for key in settings:
            if key.split(".")[0] not in ("stages", "fit") or not all(key.split(".")):
                remedy = "write keys as for --set, such as stages.teacher.fit.lr; only those of stages and fit"
                raise document.error(f"by_fold.{fold}.{key}", "is no setting of a fold", remedy)
        own = with_settings(document, settings.items(), f"by_fold.{fold}")
        points.append(replace(read_point(own, {}, plugins), fold=fold))
    return points


def _check_published(document: Document, points: Sequence[Point]) -> None:
    """Raise ConfigError where published figures are of no entry, or are not as many as there are points."""
    models = [name for name, entry in points[0].entries.items() if entry.stage in GIVES_MODEL]
    for metric, figures in points[0].experiment.published.figures().items():
        for name, value in figures.items():
            key = f"published.{metric}.{name}"
            if name not in models:
                raise document.error(key, "is no model: no train, distil or ensemble entry", did_you_mean(name, models))
            if isinstance(value, tuple) and len(value) != len(points):
                problem = f"has {len(value)} figures, and the matrix {len(points)} points"
                raise document.error(key, problem, "give one for each, in the order of the matrix")


def _check_top(document: Document) -> None:
    """Say where a key that stands at the top belongs, where that is an entry."""
    entries = document.values.get("stages")
    for key in document.values:
        if key not in Experiment.__struct_fields__ and isinstance(entries, dict):
            names = [*map(str, entries), *Experiment.__struct_fields__]
            meant = key if key in entries else next(iter(difflib.get_close_matches(str(key), names, 1)), "")
            if meant in entries:
                full = next((each for each in document.origins if each.startswith(f"{key}.")), str(key))
                right = f"stages.{meant}{full.removeprefix(str(key))}"
                raise document.error(full, "no such key at the top", f"did you mean `{right}`?")


def read_point(document: Document, matrix: Mapping[str, Any], plugins: PlugIns) -> Point:
    """Read an experiment whose matrix was expanded; ConfigError for anything that is off in it."""
    experiment = convert(document, "", document.values, Experiment)
    if not experiment.seeds or len(set(experiment.seeds)) < len(experiment.seeds):
        raise document.error("seeds", "must be different numbers, at least one", "for example seeds: [0, 1, 2]")
    protocol = read_protocol(document, experiment.protocol)
    if experiment.fit:  # here, so that a mistake in it is told once and where it stands
        convert(document, "fit", experiment.fit, FitParams)
    source, recipe = _source(document, experiment, plugins)
    _check_modalities(document, experiment.modalities, source)
    if not experiment.stages:
        raise document.error("stages", "has no entries", "add at least an encode entry; stages.yaml shows an example")
    for name in experiment.stages:
        if not _NAME.fullmatch(name) or len(name) > 100:
            remedy = "take letters, digits, `-`, `_` and `.`, at most 100, not first a dot"
            raise document.error(f"stages.{name}", "not a name for an entry", remedy)
    entries = {name: _entry(document, name, body or {}) for name, body in experiment.stages.items()}
    ordered = _in_order(document, entries)
    for entry in entries.values():
        _check_needs(document, entry, entries)
    _check_compare(document, experiment.compare, entries)
    return Point(document, matrix, experiment, protocol, ordered, source, recipe, plugins)


def _check_modalities(document: Document, modalities: Sequence[str], source: Source) -> None:
    for i, name in enumerate(modalities):
        if name not in source.modalities:
            problem = f"source {source.name} has no modality {name!r}"
            raise document.error(f"modalities[{i}]", problem, did_you_mean(name, source.modalities))
        if name in modalities[:i]:
            raise document.error(f"modalities[{i}]", f"names {name} twice", "keep one")
    if not modalities:
        raise document.error("modalities", "names none", did_you_mean("", source.modalities))


def _source(document: Document, experiment: Experiment, plugins: PlugIns) -> tuple[Source, dict[str, Any]]:
    body = dict(experiment.source)
    name = body.pop("name", None)
    registration = look_up(document, "source.name", "sources", name, what="source")
    name = name_of(registration, str(name))
    times = convert(document, "source.times", body.pop("times", {}), TimeLimits).changed()
    with placed(document, "source.name"):
        if isinstance(registration, PlugIn):
            struct, build = plugins.load_params(registration), plugins.load_class(registration)
        else:
            struct, build = import_object(registration.params), import_object(registration.build)
    params: Any = convert(document, "source", body, struct)
    recipe = {"name": name, **{k: v for k, v in json_values(params).items() if k != "root"}}
    if times:
        recipe["times"] = times
    root = getattr(params, "root", None)
    check_root(name, build, root)
    if root is None:
        source = build(params, cache_folder())
    else:
        if "://" in root:
            raise document.error("source.root", f"{root} is a URL", "give a folder of this machine")
        folder = document.path.parent / expand_home(root)
        if printable(str(folder)) != str(folder):
            problem = f"{printable(str(folder))}: the name of this folder is not UTF-8"
            raise document.error("source.root", problem, "rename it, or let a link with another name lead to it")
        try:
            source = build(folder, params)
        except ConfigError as error:
            raise _with_line(document, error) from None
    check_source(name, with_name(source, registration))
    return source, recipe


def _with_line(document: Document, error: ConfigError) -> ConfigError:
    """Tell of what a source refuses where it is written."""
    problem, _, remedy = str(error).partition("\n  ")
    key, separator, problem = problem.partition(": ")
    return document.error(key, problem, remedy) if separator and key.startswith("source.") else error


def _entry(document: Document, name: str, body: Mapping[str, Any]) -> Entry:
    dotted_key = f"stages.{name}"
    params = dict(body)
    stage, needs = params.pop("stage", name), params.pop("needs", ())
    if name == "index" or stage == "index":
        remedy = "leave it out; its settings are `source` and `on_bad_recording`"
        raise document.error(dotted_key, "index is always there", remedy)
    if not isinstance(stage, str):
        raise document.error(f"{dotted_key}.stage", "must be the name of a stage", did_you_mean("", _stages()))
    known = _stages()
    if stage not in known and "stage" not in body and (key := _setting_below(document, dotted_key)):
        others = [each for each in document.values["stages"] if each != name]
        raise ConfigError(f"--set {key}: no entry `{name}`\n  {did_you_mean(name, others)}")
    plugin = None
    if stage not in known:
        hint = "" if "stage" in body else "say which with `stage:`; "
        found = look_up(document, f"{dotted_key}.stage", "stages", stage, what="stage", hint=hint, known=known)
        assert isinstance(found, PlugIn)
        stage, plugin = TRANSFORM, found
    if not isinstance(needs, (list, tuple)) or not all(isinstance(need, str) for need in needs):
        raise document.error(f"{dotted_key}.needs", "must be a list of entries", "for example needs: [encode]")
    if twice := next((need for i, need in enumerate(needs) if need in needs[:i]), None):
        raise document.error(f"{dotted_key}.needs", f"names {twice} twice", "keep one")
    return Entry(name, stage, tuple(needs), params, plugin)


def _stages() -> list[str]:
    return [known for known in STAGES if known not in ("index", TRANSFORM)]


def _setting_below(document: Document, dotted_key: str) -> str:
    """Return the ``--set`` that made an entry by setting something in it, which is more likely a mistyped name."""
    keys = (key for key, origin in document.origins.items() if origin == "--set" and key.startswith(f"{dotted_key}."))
    return "" if dotted_key in document.lines else next(keys, "")


def _check_needs(document: Document, entry: Entry, entries: Mapping[str, Entry]) -> None:
    needs_key = f"{entry.dotted_key}.needs"
    reads = STAGES[entry.stage].reads
    shown = " or ".join(stage for stage in reads if stage != TRANSFORM)
    for need in entry.needs:
        if entries[need].stage not in reads:
            problem = f"{need} is of stage {entries[need].shown}; {entry.shown} can need {shown or 'nothing'}"
            raise document.error(needs_key, problem, "fix the list")
    if entry.begins_with and entries[entry.begins_with].stage not in TRAINED:
        problem = f"{entry.begins_with} is of stage {entries[entry.begins_with].shown}, and has no trained model"
        models = [name for name, each in entries.items() if each.stage in TRAINED and each is not entry]
        raise document.error(f"{entry.dotted_key}.init_from", problem, did_you_mean("", models))
    stages = [entries[need].stage for need in entry.needs]
    if reads and not stages:
        raise document.error(entry.dotted_key, "needs nothing", f"add needs: [...], entries of stage {shown}")
    if entry.stage in TRAINED and not {"encode", TRANSFORM, "gaf"} & set(stages):
        raise document.error(needs_key, "names no encode or gaf entry", "add the entry whose features it reads")
    teachers = [stage for stage in stages if stage in GIVES_MODEL]
    if entry.stage == "distil" and len(teachers) != 1:
        raise document.error(
            needs_key, f"names {len(teachers)} teachers", "name exactly one train, distil or ensemble entry"
        )


def _check_compare(document: Document, compare: Mapping[str, Sequence[str]], entries: Mapping[str, Entry]) -> None:
    models = [name for name, entry in entries.items() if entry.stage in GIVES_MODEL]
    for name, others in compare.items():
        key = f"compare.{name}"
        if unknown := next((each for each in (name, *others) if each not in models), None):
            problem = f"{unknown} is no model: no train, distil or ensemble entry"
            raise document.error(key, problem, did_you_mean(unknown, models))
        if not others or name in others or len({*others}) < len(others):
            raise document.error(key, "must list other models, each once", f"for example {name}: [student]")


def _in_order(document: Document, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    done: dict[str, Entry] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            raise document.error(f"stages.{name}.needs", f"a cycle: {cycle}", "remove one of these needs")
        if name not in done:
            path.append(name)
            for need in entries[name].reads:
                if need not in entries:
                    key = f"stages.{name}.{'needs' if need in entries[name].needs else 'init_from'}"
                    raise document.error(key, f"no entry {need!r}", did_you_mean(need, entries))
                visit(need)
            path.pop()
            done[name] = entries[name]

    for name in entries:
        visit(name)
    return done
