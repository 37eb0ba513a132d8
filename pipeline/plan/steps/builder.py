"""Entries expanded to steps: over modalities, the matrix, folds and seeds; equal keys become one step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from pipeline.plan.recordings.table import Table
from pipeline.plan.recordings.unusable import Broken, Skipped
from pipeline.plan.steps.accepted_code import AcceptedCode
from pipeline.plan.steps.inputs import find_inputs, needs_series
from pipeline.plan.steps.recipes import encode_recipe, evaluate_recipe, gaf_recipe, index_recipe, training_recipe
from pipeline.plan.steps.split import Split
from pipeline.plan.steps.step import Step
from pipeline.registry import ENCODERS, MODELS, PRETRAINED, SOURCES, STAGES, Registration, check_hashable, module_of
from pipeline.stagesfile.experiment import Entry, Point
from pipeline.stagesfile.parameters import encode_params, gaf_modalities, gaf_params, stage_params
from pipeline.stagesfile.schema import did_you_mean
from store.canonical import digest
from trainers.data.input_names import input_name, modality_of
from trainers.errors import TrainingError
from trainers.evaluation.protocols import folds

Weights = Callable[[Point, str, str], Mapping[str, Any]]  # (point, key of the parameter, value) -> identity

_TAKEN = ("modality", "model", "seed")  # axes of steps


class StepBuilder:
    """Builds the steps of all matrix points; steps with the same key are one.

    Parameters
    ----------
    find_late
        Which recordings broke while an encode step's output was made; none where there is no output.

    Attributes
    ----------
    steps
        By id.
    late
        By the id of an encode step, where there are some.
    """

    def __init__(self, code: AcceptedCode, weights: Weights, find_late: Callable[[Step], Skipped]) -> None:
        self.steps: dict[str, Step] = {}
        self.late: dict[str, Skipped] = {}
        self._code = code
        self._weights = weights
        self._find_late = find_late
        self._by_key: dict[str, str] = {}
        self._closures: dict[tuple[str, ...], dict[str, str]] = {}

    def index(self, point: Point, table: Table, streams: Sequence[str]) -> Step:
        """Add the step that makes the table of recordings."""
        code = self._closure("index", SOURCES[point.source.name])
        recipe = index_recipe(point.source_recipe, point.source.classes, table, streams, code)
        return self._add("index", {}, point, recipe, (), work={"streams": list(streams)})

    def add(self, point: Point, table: Table, broken: Broken, index: str) -> None:
        """Add the steps of one point's entries."""
        splits: tuple[Split, ...] = ()
        made = {
            entry.name: [
                self._encode(point, entry, name, table, broken, index)
                for name in _ordered(point, point.experiment.modalities)
            ]
            for entry in point.entries.values()
            if entry.stage == "encode"
        }
        late = {recording for steps in made.values() for step in steps for recording in self.late.get(step.id, ())}
        for entry in point.entries.values():
            if entry.stage == "encode":
                continue
            if entry.stage == "gaf":
                encoded = [step for need in entry.needs for step in made[need]]
                made[entry.name] = [self._gaf(point, entry, name, encoded) for name in gaf_modalities(point, entry)]
            elif entry.stage == "evaluate":
                made[entry.name] = [
                    self._evaluate(point, entry, model, need) for need in entry.needs for model in made[need]
                ]
            else:
                needed = [step for need in entry.needs for step in made[need]]
                splits = splits or _splits(point, table, broken, late)
                made[entry.name] = [
                    self._train(point, entry, split, seed, needed)
                    for split in splits
                    for seed in point.experiment.seeds
                ]

    def _encode(self, point: Point, entry: Entry, name: str, table: Table, broken: Broken, index: str) -> Step:
        modality = point.source.modalities[name]
        params = msgspec.to_builtins(encode_params(point, entry, name))
        known = {
            i: s
            for i, streams in broken.items()
            if (s := next((streams[x] for x in modality.streams if x in streams), ""))
        }
        work: dict[str, Any] = {"recordings": len(table.listing.recordings), "modality": name, "broken": known}
        weights = None
        if "weights" in params:
            work["weights"] = params.pop("weights")
            weights = self._weights(point, f"{entry.dotted_key}.{name}.weights", work["weights"])
        code = self._closure("encode", ENCODERS[modality.kind], SOURCES[point.source.name])
        recipe = encode_recipe(point.source_recipe, name, modality, params, weights, table, code)
        before = len(self.steps)
        step = self._add(entry.name, {"modality": name}, point, recipe, (index,), work=work)
        if len(self.steps) > before and (late := self._find_late(step)):
            self.late[step.id] = late
        return step

    def _gaf(self, point: Point, entry: Entry, name: str, encoded: Sequence[Step]) -> Step:
        step = find_inputs(point, entry, encoded, [name])[name]
        needs_series(point, entry, step)
        params = msgspec.to_builtins(gaf_params(point, entry, name))
        recipe = gaf_recipe(name, params, step.key, self._closure("gaf"))
        work = {"modality": name, "features": step.id, "recordings": step.work["recordings"]}
        return self._add(entry.name, {"modality": name}, point, recipe, [step.id], work=work)

    def _train(self, point: Point, entry: Entry, split: Split, seed: int, needed: Sequence[Step]) -> Step:
        params, named = stage_params(point, entry)
        modalities = _wanted(point, entry, params.pop("modalities", None))
        teacher = next((s for s in needed if s.stage in ("train", "distil") and _teaches(s, split, seed)), None)
        model = MODELS[params["model"]["name"]]
        if model.single and len(modalities) > 1:
            problem = f"{params['model']['name']} takes one modality, not {', '.join(modalities)}"
            raise point.document.error(f"{entry.dotted_key}.modalities", problem, f"choose one: [{modalities[0]}]")
        inputs = [input_name(name, model.takes) for name in modalities]
        read = list(dict.fromkeys([*inputs, *(teacher.work["inputs"] if teacher else ())]))
        features = find_inputs(point, entry, needed, sorted(read, key=partial(_place, point)))
        pretrained = self._pretrained(point, entry, params)
        recipe = training_recipe(
            entry.stage,
            {**params, "modalities": modalities},
            len(point.source.classes),
            {name: step.key for name, step in features.items()},
            teacher.key if teacher else None,
            split,
            seed,
            self._closure(entry.stage, *named, *(PRETRAINED.values() if pretrained else ())),
        )
        work = {
            "modalities": modalities,
            "inputs": inputs,
            "weights": pretrained,
            "features": {name: step.id for name, step in features.items()},
            "teacher": teacher.id if teacher else None,
            "seed": seed,
            "split": split,
        }
        axis, _, value = split.name.partition("=")
        axes = {**_matrix_axes(point), axis: value, "seed": str(seed)}
        needs = [step.id for step in features.values()] + ([teacher.id] if teacher else [])
        label = {
            "model": entry.name,
            "dataset": point.source.name,
            "protocol": point.experiment.protocol,
            "modalities": modalities,
            "seed": seed,
            "fold": split.name,
            "variant": _variant(point),
        }
        return self._add(entry.name, axes, point, recipe, needs, label, work)

    def _evaluate(self, point: Point, entry: Entry, model: Step, name: str) -> Step:
        params, _ = stage_params(point, entry)
        model = self.steps[model.id]  # with the labels of all points so far
        mine = {"model": name, "protocol": point.experiment.protocol, "variant": _variant(point)}
        label = next(x for x in reversed(model.labels) if mine.items() <= x.items())
        features = {name: model.work["features"][name] for name in model.work["inputs"]}
        recipe = evaluate_recipe(
            params,
            {name: self.steps[step].key for name, step in features.items()},
            model.key,
            point.source.classes,
            model.work["split"],
            self._closure("evaluate", MODELS[model.recipe["params"]["model"]["name"]]),
        )
        work = {**model.work, "features": features, "model": model.id, "classes": list(point.source.classes)}
        axes = {"model": name, **model.axes}
        return self._add(entry.name, axes, point, recipe, [model.id, *features.values()], label, work)

    def _pretrained(self, point: Point, entry: Entry, params: dict[str, Any]) -> str | None:
        """Put what identifies a model's pretrained weights in their place; return how to find them."""
        model = params["model"]
        weights: str = model.get("weights", "none")
        if weights == "none":
            return None
        identity = self._weights(point, f"{entry.dotted_key}.model.weights", weights)
        params["model"] = {**model, "weights": f"sha256:{identity['sha256']}" if "sha256" in identity else weights}
        return weights

    def _add(
        self,
        entry: str,
        axes: Mapping[str, str],
        point: Point,
        recipe: Mapping[str, Any],
        needs: Sequence[str],
        label: Mapping[str, Any] | None = None,
        work: Mapping[str, Any] | None = None,
    ) -> Step:
        key = digest(recipe)
        if key in self._by_key:  # another matrix point has it already, or another entry
            step = self.steps[self._by_key[key]]
            if entry not in step.entries:
                step = replace(step, shared=(*step.shared, entry))
            if label is not None and label not in step.labels:
                step = replace(step, labels=(*step.labels, label))
        else:
            labels = () if label is None else (label,)
            accepted = self._code.acceptance(recipe["code"])
            step = Step(
                entry, recipe["stage"], axes, key, recipe, tuple(needs), point, labels, work or {}, accepted=accepted
            )
            if step.id in self.steps:
                step = replace(step, axes={**axes, **_matrix_axes(point)})
            self._by_key[key] = step.id
        self.steps[step.id] = step
        return step

    def _closure(self, stage: str, *named: Registration) -> dict[str, str]:
        references = [STAGES[stage].run, *(each for name in named for each in (name.params, name.build))]
        modules = [module_of(reference) for reference in references]
        if (starts := tuple(modules)) not in self._closures:
            for reference in references:
                check_hashable(reference)
            self._closures[starts] = self._code.closure(modules)
        return self._closures[starts]


def _place(point: Point, name: str) -> tuple[int, str]:
    return list(point.source.modalities).index(modality_of(name)), name


def _ordered(point: Point, modalities: Sequence[str]) -> list[str]:
    return [name for name in point.source.modalities if name in modalities]


def _wanted(point: Point, entry: Entry, chosen: Sequence[str] | None) -> list[str]:
    wanted = point.experiment.modalities if chosen is None else chosen
    for name in wanted:
        if name not in point.experiment.modalities:
            remedy = did_you_mean(name, point.experiment.modalities)
            raise point.document.error(f"{entry.dotted_key}.modalities", f"{name} is not among `modalities`", remedy)
    return _ordered(point, wanted)


def _splits(point: Point, table: Table, broken: Broken, late: Collection[str]) -> tuple[Split, ...]:
    """Split the recordings that have all streams of the point's modalities, and a row in all of its features.

    All models of a point are trained and tested on the same recordings, so that they can be compared.
    """
    streams = {s for name in point.experiment.modalities for s in point.source.modalities[name].streams}
    recordings = table.listing.recordings
    usable = [
        r
        for r in recordings
        if r.id not in late
        and (not table.present or all(s in r.streams for s in streams))
        and not (r.id in broken and any(s in streams for s in broken[r.id]))
    ]
    try:
        found = folds(point.experiment.protocol, usable)
    except TrainingError as error:
        raise point.document.error("protocol", str(error), "choose another protocol, or check the recordings") from None
    rows = {r.id: row for row, r in enumerate(recordings)}
    labels = {action: label for label, action in enumerate(point.source.classes)}
    row_of = rows.__getitem__
    return tuple(
        Split(fold.name, recordings, map(row_of, fold.train), map(row_of, fold.test), labels) for fold in found
    )


def _variant(point: Point) -> dict[str, Any]:
    return {key: value for key, value in point.matrix.items() if key not in ("modalities", "protocol")}


def _teaches(step: Step, split: Split, seed: int) -> bool:
    """Tell a model of the same split and seed; by its recordings, since two protocols may share a split."""
    return bool(step.work["seed"] == seed and step.work["split"] == split)


def _matrix_axes(point: Point) -> dict[str, str]:
    """Name a matrix point: each key by its last part, or in full where that means something else already."""
    last = [key.rpartition(".")[2] for key in point.matrix]
    return {
        key if last.count(name) > 1 or name in _TAKEN else name: (
            "+".join(map(str, value)) if isinstance(value, list) else str(value)
        )
        for name, (key, value) in zip(last, point.matrix.items(), strict=True)
    }
