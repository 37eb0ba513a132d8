"""One side of a fold as a torch Dataset: the rows, labels and inputs that a training step reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import msgspec
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.api.contexts import context_of
from pipeline.api.steps import FEATURES, TRAINING, check_indexed, of_stages, output_of, splits_of, training_step
from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
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
        self._generator: torch.Generator | None = None

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
        batch = self.data.batch(torch.tensor([place % len(self)]), self._draws())
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

    def _draws(self) -> torch.Generator | None:
        """Return where augmentation draws from, in each process of a DataLoader its own; None without any."""
        if self.data.augment is None:
            return None
        if self._generator is None:
            self._generator = torch.Generator().manual_seed(torch.initial_seed() % 2**63)
        return self._generator


def dataset_of(plan: Plan, entry: str, side: Part, fold: str | None, augment: bool) -> RecordingDataset:
    """Return one side of an entry's fold; see `pipeline.api.experiment.Experiment.dataset`."""
    if side not in SIDES:
        raise ConfigError(f"side {side!r}: is none\n  there are {', '.join(SIDES)}")
    check_indexed(plan)
    step, job = _training(plan, entry, fold) if _is_trained(plan, entry) else _encoded(plan, entry, fold)
    if not job.work[side]:
        raise ConfigError(f"{entry}: nothing is set apart for {side}\n  fit.validation of a training entry does")
    features = job.work["features"]
    outputs = {need: output_of(plan, plan.steps[need]) for need in features.values()}
    params = job.recipe["params"].get("augment", {}) if augment else None
    augmentation = None if params is None else msgspec.convert(params, AugmentParams)
    trained = job.work.get("inputs", ())
    data, kept = read_recordings(context_of(job, outputs), side, list(features), augmentation, trained)
    listed = plan.table.listing.recordings
    ids = [listed[job.work[side][place][0]].id for place in kept]
    return RecordingDataset(data, ids, step.point.source.classes, f"{side} of {step.id}")


def _is_trained(plan: Plan, entry: str) -> bool:
    return any(step.stage in TRAINING for step in steps_of(plan, entry))


def _training(plan: Plan, entry: str, fold: str | None) -> tuple[Step, StepJob]:
    step = training_step(plan, entry, fold, None)
    return step, make_job(plan, step, "cpu")


def _encoded(plan: Plan, entry: str, fold: str | None) -> tuple[Step, StepJob]:
    """Return the first step of an entry that makes features, and a job that reads those of all of its modalities."""
    steps = of_stages(plan, entry, FEATURES)
    forms: dict[str, Form] = {"gaf": "images"}
    named = {input_name(step.work["modality"], forms.get(step.stage, "patches")): step.id for step in steps}
    splits = {split.name: split for split in splits_of(plan, steps[0].point)}
    name = next(iter(splits)) if fold is None else fold
    if name not in splits:
        raise ConfigError(f"fold {name}: there is no such fold\n  {did_you_mean(name, list(splits))}")
    count = len(plan.table.listing.recordings)
    job = make_job_for_others(plan, steps[0], count, "cpu")
    work = {"recordings": count, "features": named, **splits[name].as_work()}
    return steps[0], msgspec.structs.replace(job, work=work)
