"""One side of a fold as a torch Dataset: the rows, labels and inputs that a training step reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import msgspec
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from pipeline.api.contexts import context_of
from pipeline.api.steps import FEATURES, check_indexed, folds_of, of_stages, only, output_of, training_step
from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import GIVES_MODEL
from pipeline.run.jobs import make_job, make_job_for_others
from pipeline.run.messages import StepJob
from pipeline.run.selection import steps_of
from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.recipe import Part
from pipeline.stagesfile.schema import did_you_mean
from trainers.data.input_names import Form, input_name
from trainers.data.recordings import RecordingData
from trainers.params import AugmentParams

SIDES: Sequence[Part] = ("train", "validation", "test")


class Item(TypedDict):
    """One recording; torch's default collation makes a `trainers.data.batch.Batch` of several.

    ``inputs`` by name: patches (P, D), series (L, C), images (C, S, S), float32; ``valid`` by name: (P,) bool, which
    patches hold data, of the inputs of which some do not; ``labels``: the class's number, int64. With modality dropout
    ``seen``: as `valid`, of all the entry's inputs, none of an absent one; a teacher goes by `valid`.
    """

    inputs: dict[str, Tensor]
    valid: dict[str, Tensor]
    labels: Tensor
    seen: NotRequired[dict[str, Tensor]]


class _Draw:
    """Where augmentation draws from: seeded by torch's generator, in a DataLoader's process by that process's seed."""

    def __init__(self) -> None:
        self._generator: torch.Generator | None = None
        self._seed: int | None = None  # of the DataLoader's process that it is for

    def generator(self) -> torch.Generator:
        """Return a generator that no other process has."""
        worker = get_worker_info()
        seed = worker.seed if worker else None
        if self._generator is None or seed != self._seed:
            drawn = int(torch.empty((), dtype=torch.int64).random_()) if seed is None else seed
            self._generator, self._seed = torch.Generator().manual_seed(drawn), seed
        return self._generator

    def __reduce__(self) -> tuple[type[_Draw], tuple[()]]:
        """Draw anew in another process."""
        return _Draw, ()


class RecordingDataset(Dataset[Item]):
    """Recordings in memory; a DataLoader takes it.

    Attributes
    ----------
    recordings : list of str
        Their ids, in order.
    classes : list of str
        In label order.
    labels : Tensor
        (N,) int64.
    shapes : dict
        Shape of one recording by input.
    """

    def __init__(self, data: RecordingData, recordings: Sequence[str], classes: Sequence[str], name: str) -> None:
        self.data = data
        self.recordings = list(recordings)
        self.classes = list(classes)
        self._name = name
        self._draw = _Draw()

    @property
    def labels(self) -> Tensor:
        """(N,) int64."""
        return self.data.labels

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one recording by input."""
        return self.data.shapes

    def __len__(self) -> int:
        return len(self.recordings)

    def __getitem__(self, place: int) -> Item:
        if not -len(self) <= place < len(self):
            raise IndexError(f"recording {place} of {len(self)}")
        draws = None if self.data.augment is None else self._draw.generator()
        batch = self.data.batch(torch.tensor([place % len(self)]), draws)
        item: Item = {
            "inputs": {name: values[0] for name, values in batch["inputs"].items()},
            "valid": {name: values[0] for name, values in batch["valid"].items()},
            "labels": batch["labels"][0],
        }
        if "seen" in batch:
            item["seen"] = {name: values[0] for name, values in batch["seen"].items()}
        return item

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())
        return f"<{self._name}: {len(self)} recordings of {len(self.classes)} classes; {shapes}>"


def dataset_of(plan: Plan, entry: str, side: Part, fold: str | None, augment: bool) -> RecordingDataset:
    """Return one side of an entry's fold; see `pipeline.api.experiment.Experiment.dataset`."""
    if side not in SIDES:
        raise ConfigError(f"side {side!r}: is none\n  there are {', '.join(SIDES)}")
    check_indexed(plan)
    if augment and (side != "train" or not _is_trained(plan, entry)):
        raise ConfigError(
            f"augment: {side} of {entry} is never augmented\n  ask for the training side of an entry that trains"
        )
    step, job = _training(plan, entry, fold) if _is_trained(plan, entry) else _encoded(plan, entry, fold)
    if not job.work[side]:
        raise ConfigError(f"{entry}: nothing is set apart for {side}\n  fit.validation of a training entry does")
    features = job.work["features"]
    needed = [*features.values(), *(job.work.get("virtual", {}).values() if augment else ())]
    outputs = {need: output_of(plan, plan.steps[need]) for need in needed}
    params = job.recipe["params"].get("augment", {}) if augment else None
    augmentation = None if params is None else msgspec.convert(params, AugmentParams)
    trained = job.work.get("inputs", ())
    data, kept = read_recordings(context_of(job, outputs), side, list(features), augmentation, trained)
    listed = plan.table.listing.recordings
    ids = [listed[job.work[side][place][0]].id for place in kept]
    return RecordingDataset(data, ids, step.point.source.classes, f"{side} of {step.id}")


def _is_trained(plan: Plan, entry: str) -> bool:
    return any(step.stage in GIVES_MODEL for step in steps_of(plan, entry))


def _training(plan: Plan, entry: str, fold: str | None) -> tuple[Step, StepJob]:
    step = training_step(plan, entry, fold, None)
    return step, make_job(plan, step, "cpu")


def _encoded(plan: Plan, entry: str, fold: str | None) -> tuple[Step, StepJob]:
    """Return the first step of an entry that makes features, and a job that reads those of all of its modalities."""
    steps = of_stages(plan, entry, FEATURES)
    forms: dict[str, Form] = {"gaf": "images"}
    by_input: dict[str, list[Step]] = {}
    for step in steps:
        by_input.setdefault(input_name(step.work["modality"], forms.get(step.stage, "patches")), []).append(step)
    named = {name: only(of_input, "its id in place of the entry:").id for name, of_input in by_input.items()}
    splits = folds_of(plan, steps[0].work["modality"])
    name = next(iter(splits)) if fold is None else fold
    if name not in splits:
        raise ConfigError(f"fold {name}: there is no such fold\n  {did_you_mean(name, list(splits))}")
    count = len(plan.table.listing.recordings)
    job = make_job_for_others(plan, steps[0], count, "cpu")
    work = {"recordings": count, "features": named, **splits[name].as_work()}
    return steps[0], msgspec.structs.replace(job, work=work)
