"""Entries expanded to steps: over modalities, the matrix, folds and seeds; equal keys become one step.

Of each step there is, beside its recipe (which its key is the digest of):

- `axes`, where in that expansion it stands, such as ``{"subjects": "odd", "seed": "0"}``; its id is made of them.
- `work`, what its stage is told beyond the recipe: rows, and which steps' outputs to read. It is no part of the key.
- `labels`, how results speak of it: a dict for each matrix point that has the step. A label's `variant` are the point's
  keys that no other column of the results has.
- `shared`, the entries that have the very same step, beside the one that it is named after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pipeline.plan.recordings.table import Table
from pipeline.plan.recordings.unusable import Broken, Skipped
from pipeline.plan.steps.axes import fold_axis, matrix_axes, model_label, point_axes, variant
from pipeline.plan.steps.check_models import check_model
from pipeline.plan.steps.code_resolver import CodeResolver
from pipeline.plan.steps.encode_plugins import encode_plugins, reduction_plugins
from pipeline.plan.steps.fold_notes import check_classes, check_validation, fold_notes
from pipeline.plan.steps.initial.find import find_initial
from pipeline.plan.steps.inputs import (
    clocks_of,
    find_inputs,
    find_teacher,
    gives_series,
    needs_series,
    position,
    seed_of_teacher,
)
from pipeline.plan.steps.recipes import (
    encode_recipe,
    gaf_recipe,
    index_recipe,
    source_recipe_of,
    test_recipe,
    training_recipe,
    transform_recipe,
)
from pipeline.plan.steps.split import Split, make_splits
from pipeline.plan.steps.step import Step, StepCode
from pipeline.plan.steps.weights import IdentifyWeights, pretrained_weights
from pipeline.registry import (
    ENCODERS,
    PRETRAINED,
    STAGES,
    TESTS,
    TRANSFORM,
    PlugIn,
    Registration,
    check_hashable,
    find,
    module_of,
)
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.named import facts_of
from pipeline.stagesfile.parameters import (
    chosen_modalities,
    encode_params,
    gaf_modalities,
    gaf_params,
    in_source_order,
    stage_params,
    transform_modalities,
    transform_params,
)
from pipeline.stagesfile.schema import json_values
from store.canonical import digest
from trainers.data.input_names import input_name
from trainers.evaluation.protocol_params import protocol_text


class StepBuilder:
    """Builds the steps of all points of the matrix; where there is no matrix, there is one point.

    Steps of equal keys become one, whichever points or entries they are of.

    Parameters
    ----------
    find_skipped
        Returns the recordings that an encode step's output has no row of because they broke while it was made. Those
        that the index found broken are not among them. Where there is no output, there are none.
    """

    def __init__(
        self, code: CodeResolver, identify_weights: IdentifyWeights, find_skipped: Callable[[Step], Skipped]
    ) -> None:
        self.steps: dict[str, Step] = {}  # by id
        self.skipped: dict[str, Skipped] = {}  # what `find_skipped` found, by the encode step's id
        self.notes: list[str] = []  # what is to be known of folds, each once
        self._resolver = code
        self._identify_weights = identify_weights
        self._find_skipped = find_skipped
        self._by_key: dict[str, str] = {}  # the step's id, by its key
        self._codes: dict[tuple[str, ...], StepCode] = {}  # by the modules that a step starts from

    def index(self, point: Point, table: Table, streams: Sequence[str]) -> Step:
        """Add the step that makes the table of recordings."""
        code = self._code("index", find("sources", point.source.name))
        recipe = index_recipe(point.source_recipe, point.source.classes, table, streams, code.recipe)
        return self._add(Step("index", {}, digest(recipe), recipe, (), point, code, work={"streams": list(streams)}))

    def add(self, point: Point, table: Table, broken: Broken, index: str) -> None:
        """Add the steps of one point's entries; `index` is the id of the index's step."""
        splits: tuple[Split, ...] = ()
        modalities = in_source_order(point, point.experiment.modalities)
        steps = {
            entry.name: [self._encode(point, entry, name, table, broken, index) for name in modalities]
            for entry in point.entries.values()
            if entry.stage == "encode"
        }
        skipped = {row for each in steps.values() for step in each for row in self.skipped.get(step.id, ())}
        for entry in point.entries.values():
            if entry.stage == "encode":
                continue
            needed = [step for need in entry.needs for step in steps[need]]
            if entry.stage == "gaf":
                steps[entry.name] = [self._gaf(point, entry, name, needed) for name in gaf_modalities(point, entry)]
            elif entry.stage == TRANSFORM:
                given = in_source_order(point, [step.work["modality"] for step in needed if gives_series(step)])
                names = transform_modalities(point, entry, given)
                steps[entry.name] = [self._transform(point, entry, name, needed) for name in names]
            elif entry.stage in TESTS:
                models = [(need, each) for need in entry.needs for each in steps[need] if each.work["split"].is_tested]
                steps[entry.name] = [self._test(point, entry, model, name, index) for name, model in models]
            else:
                splits = splits or self._splits(point, make_splits(point, table, broken, skipped))
                folds = [(split, seed) for split in splits for seed in point.experiment.seeds]
                steps[entry.name] = [self._train(point, entry, split, seed, steps) for split, seed in folds]

    def _splits(self, point: Point, splits: tuple[Split, ...]) -> tuple[Split, ...]:
        """Check a point's folds, and keep what is to be known of them."""
        check_classes(point, splits)
        self.notes = list(dict.fromkeys([*self.notes, *fold_notes(point, splits)]))
        return splits

    def _encode(self, point: Point, entry: Entry, name: str, table: Table, broken: Broken, index: str) -> Step:
        modality = point.source.modalities[name]
        params = json_values(encode_params(point, entry, name))
        reasons = {
            recording: reason
            for recording, streams in broken.items()
            if (reason := next((streams[stream] for stream in modality.streams if stream in streams), ""))
        }
        work: dict[str, Any] = {"recordings": len(table.listing.recordings), "modality": name, "broken": reasons}
        weights = None
        if "weights" in params:
            work["weights"] = params.pop("weights")
            place, backbone = f"{entry.dotted_key}.{name}.weights", params["backbone"]
            weights = self._identify_weights(point, place, work["weights"], backbone)
        own = encode_plugins(modality.kind, params)
        code = self._code("encode", ENCODERS[modality.kind], find("sources", point.source.name), *own)
        source = source_recipe_of(point.source, point.source_recipe, modality.streams)
        recipe = encode_recipe(source, name, modality, params, weights, table, code.recipe)
        before = len(self.steps)
        step = self._add(Step(entry.name, {"modality": name}, digest(recipe), recipe, (index,), point, code, work=work))
        if len(self.steps) > before and (skipped := self._find_skipped(step)):
            self.skipped[step.id] = skipped
        return step

    def _gaf(self, point: Point, entry: Entry, name: str, encoded: Sequence[Step]) -> Step:
        step = find_inputs(point, entry, encoded, [name])[name]
        needs_series(point, entry, step)
        params = json_values(gaf_params(point, entry, name))
        code = self._code("gaf")
        recipe = gaf_recipe(name, params, step.key, code.recipe)
        work = {"modality": name, "features": step.id, "recordings": step.work["recordings"]}
        return self._add(
            Step(entry.name, {"modality": name}, digest(recipe), recipe, (step.id,), point, code, work=work)
        )

    def _transform(self, point: Point, entry: Entry, name: str, needed: Sequence[Step]) -> Step:
        assert entry.plugin is not None
        step = find_inputs(point, entry, needed, [name])[name]
        params = transform_params(point, entry)
        code = self._code(TRANSFORM, entry.plugin, *reduction_plugins([step], self.steps))
        recipe = transform_recipe(name, params, step.key, code.recipe)
        patches = step.work.get("patches") or step.recipe["params"]["patches"]
        work = {"modality": name, "features": step.id, "recordings": step.work["recordings"], "patches": patches}
        return self._add(
            Step(entry.name, {"modality": name}, digest(recipe), recipe, (step.id,), point, code, work=work)
        )

    def _train(self, point: Point, entry: Entry, split: Split, seed: int, steps: Mapping[str, Sequence[Step]]) -> Step:
        needed = [step for need in entry.needs for step in steps[need]]
        params, named = stage_params(point, entry)
        modalities = chosen_modalities(point, entry, params.pop("modalities", None))
        teacher = find_teacher(needed, split, seed_of_teacher(point, entry, params.pop("teacher_seed", "same"), seed))
        initial = find_initial(point, entry, steps, split, seed, params, params.pop("init_from", None))
        validation = params["fit"].get("validation", 0.0)
        self.notes = list(dict.fromkeys([*self.notes, *check_validation(point, entry, split, validation, teacher)]))
        model = facts_of(point.plugins, "models", params["model"]["name"])
        if model.single and len(modalities) > 1:
            problem = f"{params['model']['name']} takes one modality, not {', '.join(modalities)}"
            raise point.document.error(f"{entry.dotted_key}.modalities", problem, f"choose one: [{modalities[0]}]")
        inputs = [input_name(name, model.takes) for name in modalities]
        read = list(dict.fromkeys([*inputs, *(teacher.work["inputs"] if teacher else ())]))
        features = find_inputs(point, entry, needed, sorted(read, key=partial(position, point)))
        check_model(point, entry, params, {name: features[name] for name in inputs})
        pretrained = pretrained_weights(point, entry, params, self._identify_weights)
        named += [*(PRETRAINED.values() if pretrained else ()), *reduction_plugins(features.values(), self.steps)]
        code = self._code(entry.stage, *named)
        recipe = training_recipe(
            entry.stage,
            {**params, "modalities": modalities},
            len(point.source.classes),
            {name: step.key for name, step in features.items()},
            teacher.key if teacher else None,
            split,
            seed,
            code.recipe,
        ) | (initial.recipe if initial else {})
        work = {
            "modalities": modalities,
            "inputs": inputs,
            "weights": pretrained,
            "features": {name: step.id for name, step in features.items()},
            "teacher": teacher.id if teacher else None,
            "seed": seed,
            "split": split,
            "validation": validation,
            **(initial.work if initial else {}),
        }
        axes = {**matrix_axes(point), **fold_axis(point, split.name), "seed": str(seed)}
        needs = (*(step.id for step in features.values()), *([teacher.id] if teacher else []))
        needs += tuple(each for each in (initial.needs if initial else ()) if each not in needs)
        label = model_label(point, entry.name, modalities, split.name, seed)
        return self._add(Step(entry.name, axes, digest(recipe), recipe, needs, point, code, (label,), work))

    def _test(self, point: Point, entry: Entry, model: Step, name: str, index: str) -> Step:
        params, _ = stage_params(point, entry)
        model = self.steps[model.id]  # as it is by now: each point that has this step added a label to it
        of_point = {"model": name, "protocol": protocol_text(point.protocol), "variant": variant(point)}
        label = next(label for label in reversed(model.labels) if of_point.items() <= label.items())
        features = {read: model.work["features"][read] for read in model.work["inputs"]}
        read = [self.steps[step] for step in features.values()]
        named = [find("models", model.recipe["params"]["model"]["name"]), *reduction_plugins(read, self.steps)]
        code = self._code(entry.stage, *named)
        recipe = test_recipe(
            entry.stage,
            params,
            {input_: step.key for input_, step in zip(features, read, strict=True)},
            model.key,
            point.source.classes,
            model.work["split"],
            code.recipe,
        )
        work = {**model.work, "features": features, "model": model.id, "classes": list(point.source.classes)}
        work.pop("stored", None)  # what the model began with
        axes = {"model": name, **model.axes}
        needs = (model.id, *features.values())
        if entry.stage == "robustness":  # recordings' durations
            work, needs = work | {"index": index, "clocks": clocks_of(point, model.work["modalities"])}, (*needs, index)
        return self._add(Step(entry.name, axes, digest(recipe), recipe, needs, point, code, (label,), work))

    def _add(self, step: Step) -> Step:
        """Add a step, and return it as it stands in the plan.

        Where another matrix point or entry has a step of this key already, that one gets the new one's labels, and its
        entry as one that shares it. A new step whose id is taken gets the point's keys among its axes.
        """
        if step.key in self._by_key:
            known = self.steps[self._by_key[step.key]]
            shared = known.shared if step.entry in known.entries else (*known.shared, step.entry)
            labels = (*known.labels, *(label for label in step.labels if label not in known.labels))
            step = replace(known, shared=shared, labels=labels)
        else:
            if step.id in self.steps:
                step = replace(step, axes={**step.axes, **point_axes(step.point)})
            self._by_key[step.key] = step.id
        self.steps[step.id] = step
        return step

    def _code(self, stage: str, *named: Registration) -> StepCode:
        """Return the code of a stage and of what its parameters name, resolved once for all steps of the same."""
        references = [STAGES[stage].run, *(each for name in named for each in (name.params, name.build))]
        roots = tuple(map(module_of, references))
        if roots not in self._codes:
            check_hashable(STAGES[stage].run)
            for each in named:
                if not isinstance(each, PlugIn):
                    check_hashable(each.params)
                    check_hashable(each.build)
            self._codes[roots] = self._resolver.resolve(roots)
        return self._codes[roots]
