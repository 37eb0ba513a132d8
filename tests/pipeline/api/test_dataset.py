"""Datasets hold what training reads; a trained network on them says what was evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import pipeline

from ..project import Project


@pytest.mark.parametrize("entry", ["teacher", "images", "distilled"])
def test_a_loop_of_ones_own_finds_what_was_evaluated(experiment: pipeline.Experiment, entry: str) -> None:
    fold = experiment.folds[1]
    dataset = experiment.dataset(entry, "test", fold=fold)
    model = experiment.model(entry, fold=fold, seed=1)
    logits = torch.cat([model.network(batch["inputs"], batch["valid"])["logits"] for batch in DataLoader(dataset, 7)])
    predictions = [row for row in experiment.predictions(entry) if (row["fold"], row["seed"]) == (fold, 1)]
    probabilities, classes = logits.softmax(-1).max(-1)
    assert dataset.recordings == [row["recording"] for row in predictions]
    assert [dataset.classes[label] for label in dataset.labels] == [row["label"] for row in predictions]
    assert [dataset.classes[label] for label in classes] == [row["predicted"] for row in predictions]
    assert probabilities.tolist() == pytest.approx([row["probability"] for row in predictions], abs=2e-5)


def test_values_are_those_of_the_features(experiment: pipeline.Experiment) -> None:
    features = experiment.features("skeleton")
    dataset = experiment.dataset("encode", "train", fold="subject=2")
    assert dataset.shapes == {"skeleton": (20, 120), "inertial": (20, 12)}
    for place in (0, 17, -1):
        row = features.features.sel(recording=dataset.recordings[place]).values
        np.testing.assert_array_equal(dataset[place]["inputs"]["skeleton"].numpy(), row)
    with pytest.raises(IndexError):
        dataset[len(dataset)]
    assert len(list(dataset)) == len(dataset) == 48


def test_sides_share_nothing(experiment: pipeline.Experiment) -> None:
    sides = [set(experiment.dataset("teacher", side).recordings) for side in ("train", "validation", "test")]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 72
    assert all(sides)


def test_a_students_dataset_has_what_its_teacher_sees(experiment: pipeline.Experiment) -> None:
    assert {*experiment.dataset("distilled").shapes} == {"skeleton", "inertial", "inertial:series"}


def test_augmented_recordings_are_drawn_anew_and_by_torchs_seed(experiment: pipeline.Experiment) -> None:
    def drawn(seed: int) -> list[torch.Tensor]:
        torch.manual_seed(seed)
        dataset = experiment.dataset("teacher", "train", augment=True)
        loader = DataLoader(dataset, 16)
        return [torch.cat([batch["inputs"]["inertial"] for batch in loader]) for _ in range(2)]

    first, second = drawn(0)
    assert not torch.equal(first, second)
    assert torch.equal(first, drawn(0)[0])
    assert not torch.equal(first, drawn(1)[0])
    plain = experiment.dataset("teacher")
    assert torch.equal(plain[0]["inputs"]["inertial"], plain[0]["inputs"]["inertial"])
    assert not torch.equal(first[0], plain[0]["inputs"]["inertial"])


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_a_loaders_processes_draw_by_themselves(experiment: pipeline.Experiment, context: str) -> None:
    torch.manual_seed(0)
    dataset, other = (experiment.dataset("teacher", augment=True) for _ in range(2))
    assert not torch.equal(dataset[0]["inputs"]["inertial"], other[0]["inputs"]["inertial"])
    loader = DataLoader(dataset, 8, num_workers=2, multiprocessing_context=context)
    first, second = (torch.cat([batch["inputs"]["inertial"] for batch in loader]) for _ in range(2))
    assert not torch.equal(first, second)


def test_folds_of_several_protocols_are_told_apart(small: dict[str, Any], tmp_path: Path) -> None:
    small["matrix"] = {"protocol": [{"k-folds": 2}, {"k-folds": 2, "by": "id"}, "loso"]}
    project = Project(tmp_path / "project").write(small)
    project.run(until="student")
    opened = pipeline.open(project.file)
    features = opened.features("inertial")
    assert features.fold.values.tolist() == opened.folds
    assert len(opened.folds) == 6
    trained = {}
    for step in opened._plan.steps.values():
        if step.entry == "student":
            trained[frozenset(row for row, _ in step.work["split"].as_work()["train"])] = step.id
    for fold in opened.folds:
        side = features.side.sel(fold=fold).values
        assert frozenset(np.flatnonzero(side == "train").tolist()) in trained
        tested = opened.dataset("encode", "test", fold=fold).recordings
        assert tested == features.recording.values[side == "test"].tolist()


def test_two_encodings_are_not_taken_for_one(small: dict[str, Any], tmp_path: Path) -> None:
    small["matrix"] = {"stages.encode.inertial.window": [10, 30]}
    project = Project(tmp_path / "project").write(small)
    project.run(until="encode")
    opened = pipeline.open(project.file)
    with pytest.raises(pipeline.ConfigError, match=r"2 steps fit\n.*encode\[inertial"):
        opened.dataset("encode")
    id_ = next(row["step"] for row in opened.status() if row["step"].startswith("encode[inertial,"))
    assert [*opened.dataset(id_).shapes] == ["inertial"]


def test_a_student_without_a_sensor_now_and_then_has_masks_of_its_own(project: Any, small: dict[str, Any]) -> None:
    small["stages"]["distilled"] |= {"augment": {"modality_dropout": 0.5}}
    project.write(small).run(until="encode")
    dataset = pipeline.open(project.file).dataset("distilled", augment=True)
    torch.manual_seed(0)
    batch = next(iter(DataLoader(dataset, len(dataset))))
    present = torch.stack([mask.any(1) for mask in batch["seen"].values()])
    assert batch["seen"].keys() == {"skeleton", "inertial"}
    assert present.any(0).all()
    assert not present.all()
    assert "seen" not in pipeline.open(project.file).dataset("distilled")[0]
