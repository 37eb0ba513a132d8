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
from functools import cache, partial
from typing import Any

from pipeline.plan.recordings.table import Table
from pipeline.plan.recordings.unusable import Broken, Skipped
from pipeline.plan.steps.axes import label_of, model_axes, variant
from pipeline.plan.steps.code_resolver import CodeResolver
from pipeline.plan.steps.collection import StepCollection
from pipeline.plan.steps.fold_notes import check_classes, check_validation, fold_notes
from pipeline.plan.steps.inputs import (
    clocks_of,
    encode_plugins,
    find_inputs,
    find_virtual,
    gives_series,
    is_virtual,
    needs_series,
    position,
    reduction_plugins,
    virtual_behind,
)
from pipeline.plan.steps.models.checks import check_model, check_single
from pipeline.plan.steps.models.ensemble import ensemble_step, find_members
from pipeline.plan.steps.models.initial import find_initial
from pipeline.plan.steps.models.reading import find_teacher, models_of, seed_of_teacher
from pipeline.plan.steps.models.stored import read_stored
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
from pipeline.plan.steps.step import Step
from pipeline.plan.steps.weights import IdentifyWeights, pretrained_weights
from pipeline.registry import (
    ENCODERS,
    PRETRAINED,
    TESTS,
    TRANSFORM,
    encoding_of,
    find,
)
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.named import facts_of
from pipeline.stagesfile.parameters import (
    Encoding,
    chosen_modalities,
    encodings,
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


class StepBuilder(StepCollection):
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
        super().__init__(code)
        self._read_stored = cache(read_stored)
        self.skipped: dict[str, Skipped] = {}  # what `find_skipped` found, by the encode step's id
        self.notes: list[str] = []  # what is to be known of folds, each once
        self._identify_weights = identify_weights
        self._find_skipped = find_skipped

    def index(self, point: Point, table: Table, streams: Sequence[str]) -> Step:
        """Add the step that makes the table of recordings."""
        code = self._code("index", find("sources", point.source.name))
        recipe = index_recipe(point.source_recipe, point.source.classes, table, streams, code.recipe)
        return self._add(Step("index", {}, digest(recipe), recipe, (), point, code, work={"streams": list(streams)}))

    def add(self, point: Point, table: Table, broken: Broken, index: str) -> None:
        """Add the steps of one point's entries; `index` is the id of the index's step."""
        splits: tuple[Split, ...] = ()
        steps = {
            entry.name: [self._encode(point, entry, made, table, broken, index) for made in encodings(point, entry)]
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
                if entry.stage == "ensemble":
                    members = {need: steps[need] for need in entry.needs}
                    steps[entry.name] = [self._ensemble(point, entry, split, seed, members) for split, seed in folds]
                else:
                    steps[entry.name] = [self._train(point, entry, split, seed, steps) for split, seed in folds]

    def _splits(self, point: Point, splits: tuple[Split, ...]) -> tuple[Split, ...]:
        """Check a point's folds, and keep what is to be known of them."""
        check_classes(point, splits)
        self.notes = list(dict.fromkeys([*self.notes, *fold_notes(point, splits)]))
        return splits

    def _encode(self, point: Point, entry: Entry, made: Encoding, table: Table, broken: Broken, index: str) -> Step:
        name, modality, params = made
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
        encoder = ENCODERS[encoding_of(modality.kind, params)]
        code = self._code("encode", encoder, find("sources", point.source.name), *own)
        source = source_recipe_of(point.source, point.source_recipe, modality.streams)
        recipe = encode_recipe(source, name, modality, params, weights, table, code.recipe)
        before = len(self.steps)
        step = self._add(Step(entry.name, {"modality": name}, digest(recipe), recipe, (index,), point, code, work=work))
        if len(self.steps) > before and not is_virtual(step) and (skipped := self._find_skipped(step)):
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
        needed += virtual_behind(point, entry, steps)
        params, named = stage_params(point, entry)
        modalities = chosen_modalities(point, entry, params.pop("modalities", None))
        teacher = find_teacher(needed, split, seed_of_teacher(point, entry, params.pop("teacher_seed", "same"), seed))
        initial = find_initial(
            point, entry, steps, split, seed, params, params.pop("init_from", None), self._read_stored
        )
        validation = params["fit"].get("validation", 0.0)
        self.notes = list(dict.fromkeys([*self.notes, *check_validation(point, entry, split, validation, teacher)]))
        model = facts_of(point.plugins, "models", params["model"]["name"])
        if model.single:
            check_single(point, entry, params, modalities)
        inputs = [input_name(name, model.takes) for name in modalities]
        read = list(dict.fromkeys([*inputs, *(teacher.work["inputs"] if teacher else ())]))
        features = find_inputs(point, entry, needed, sorted(read, key=partial(position, point)))
        check_model(point, entry, params, {name: features[name] for name in inputs}, teacher)
        pretrained = pretrained_weights(point, entry, params, self._identify_weights)
        named += [*(PRETRAINED.values() if pretrained else ()), *reduction_plugins(features.values(), self.steps)]
        code = self._code(entry.stage, *named)
        virtual = find_virtual(point, entry, needed, params["augment"], features, inputs, self.steps)
        recipe = training_recipe(
            entry.stage,
            {**params, "modalities": modalities},
            len(point.source.classes),
            {name: step.key for name, step in features.items()},
            {"teacher": teacher and teacher.key, "virtual": {name: step.key for name, step in virtual.items()}},
            split,
            seed,
            code.recipe,
        ) | (initial.recipe if initial else {})
        work = {
            "modalities": modalities,
            "inputs": inputs,
            "weights": pretrained,
            "features": {name: step.id for name, step in features.items()},
            "virtual": {name: step.id for name, step in virtual.items()},
            "teacher": teacher.id if teacher else None,
            "seed": seed,
            "split": split,
            "validation": validation,
            **(initial.work if initial else {}),
        }
        axes = model_axes(point, split.name, seed)
        read_steps = (*features.values(), *virtual.values(), *([teacher] if teacher else ()))
        needs = tuple(dict.fromkeys([*(step.id for step in read_steps), *(initial.needs if initial else ())]))
        label = label_of(point, entry, modalities, split.name, seed)
        return self._add(Step(entry.name, axes, digest(recipe), recipe, needs, point, code, (label,), work))

    def _ensemble(
        self, point: Point, entry: Entry, split: Split, seed: int, models: Mapping[str, Sequence[Step]]
    ) -> Step:
        params, _ = stage_params(point, entry)
        members = find_members(models, split, point.experiment.seeds if params["seeds"] == "all" else [seed])
        code = self._code(entry.stage, *(each for step in members.values() for each in models_of(step.recipe)))
        return self._add(ensemble_step(point, entry, split, seed, params, members, code))

    def _test(self, point: Point, entry: Entry, model: Step, name: str, index: str) -> Step:
        params, _ = stage_params(point, entry)
        model = self.steps[model.id]  # as it is by now: each point that has this step added a label to it
        of_point = {"model": name, "protocol": protocol_text(point.protocol), "variant": variant(point)}
        label = next(label for label in reversed(model.labels) if of_point.items() <= label.items())
        features = {read: model.work["features"][read] for read in model.work["inputs"]}
        read = [self.steps[step] for step in features.values()]
        code = self._code(entry.stage, *models_of(model.recipe), *reduction_plugins(read, self.steps))
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
