"""In distillation, teacher and student see the same trial: row by row, in every batch, whatever forms they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.stages.context import Context
from pipeline.stages.train import distil
from store import Store
from store.features import FeatureArray, FeatureLayout, create, write_shard
from trainers.data.batch import ModelOutput
from trainers.data.standardise import Standardised, Standardiser
from trainers.fit.saved_model import ModelConfig, save_model
from trainers.params import AugmentParams, FitParams

ROWS, LENGTH, PATCHES = 50, 32, 4
NUMBERS = np.arange(ROWS, dtype=np.float32)


class Seer(nn.Module):
    """A model that notes which recording it is shown: every value of a recording says its number."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], number: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.name = next(iter(shapes))
        self.number = number
        self.embedding_width = 1
        self.seen: list[list[int]] = []

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        values = inputs[self.name].flatten(1)
        self.seen.append(self.number(values.mean(1)).round().int().tolist())
        logits = (values[:, :2] * self.weight).log_softmax(-1)
        return {"logits": logits, "embedding": values[:, :1], "streams": {"one/stream": logits}, "maps": ()}


class NoKnowledge(nn.Module):
    def __init__(self, params: Any, student_width: int, teacher_width: int) -> None:
        super().__init__()

    def forward(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor:
        return hard


class Empty(msgspec.Struct):
    pass


@dataclass
class Models:
    """Stands for the tables of names; keeps what it built."""

    built: dict[str, Seer] = field(default_factory=dict)

    def resolve(self, table: str, section: Mapping[str, Any]) -> tuple[Callable[..., Any], Any]:
        if table == "loss":
            return NoKnowledge, Empty()
        name = section["name"]
        numbers = {
            "teacher": lambda values: values * 2,
            "images": lambda values: 100 * ((values + 1) / 2).clamp(min=0).sqrt(),  # of 2 x^2 - 1, with x in hundredths
            "series": lambda values: values,
            "patches": lambda values: values * 2,  # means and deviations, and the latter are 0
        }

        def build(shapes: Mapping[str, tuple[int, ...]], classes: int, params: Any) -> Seer:
            self.built[name] = Seer(shapes, numbers[name])
            return self.built[name]

        return build, Empty()


def publish(store: Store, stage: str, attributes: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
    """Write a feature output whose rows are recordings."""
    layout = FeatureLayout(
        rows=ROWS,
        arrays=tuple(
            FeatureArray(name, values.shape[1:], str(values.dtype), tuple(f"{name}{i}" for i in range(values.ndim - 1)))
            for name, values in arrays.items()
        ),
    )
    key = stage.encode().hex().ljust(64, "0")
    with store.draft(stage, key, recipe={"stage": stage}, inputs=[]) as draft:
        create(draft, layout, attributes)
        write_shard(draft, layout, 0, dict(arrays))
        draft.publish({})
    return store.output(stage, key)


def features(store: Store, kind: str, stage: str, numbers: np.ndarray[Any, Any]) -> Any:
    """Publish an encode output of constant series."""
    series = np.broadcast_to(numbers[:, None, None], (ROWS, LENGTH, 3)).astype(np.float32)
    patches = np.concatenate([series[:, :PATCHES], 0 * series[:, :PATCHES]], axis=2)
    common = {"kind": kind, "vertical_axis": None, "window": 8, "stride": 8, "reduce": "mean-std", "velocities": False}
    arrays = {"features": patches, "valid": np.ones((ROWS, PATCHES), bool), "series": series}
    return publish(store, stage, common, arrays)


def images(store: Store, numbers: np.ndarray[Any, Any]) -> Any:
    series = np.broadcast_to(numbers[:, None, None], (ROWS, LENGTH, 3)).astype(np.float32)
    gaf = {"size": 8, "field": "summation", "scaling": "fixed", "range": 100.0}
    arrays = {"series": series, "valid": np.ones((ROWS, 1), bool)}
    return publish(store, "gaf", {"kind": "series", "form": "images", "gaf": gaf}, arrays)


def seen_by_both(folder: Path, form: str, numbers: np.ndarray[Any, Any], augment: AugmentParams | None) -> Models:
    """Distil for two epochs; the student's recordings carry `numbers`, the teacher's their own."""
    store = Store.open(str(folder))
    taught = features(store, "skeleton", "encode", NUMBERS)
    student = images(store, numbers) if form == "images" else features(store, "series", "encode-wrist", numbers)
    name = "wrist" if form == "patches" else f"wrist:{form}"
    models = Models()
    seer = Seer({"body": (PATCHES, 6)}, lambda values: values)
    saved = save_model(
        Standardised(seer, Standardiser({"body": (PATCHES, 6)})),
        ModelConfig("teacher", {}, {"body": (PATCHES, 6)}, ("0", "1")),
    )
    with store.draft("train", "a" * 64, recipe={"stage": "train"}, inputs=[]) as draft:
        draft.write("model.safetensors", saved)
        draft.publish({})
    none = {"series": "none", "skeleton": "none", "video": "none", "images": "none"}
    fit = msgspec.to_builtins(FitParams(epochs=2, batch=8, warmup=0))
    rows = [[row, row % 2] for row in range(ROWS) if row % 3]
    with store.draft("distil", "b" * 64, recipe={"stage": "distil"}, inputs=[]) as draft:
        distil.run(
            Context(
                recipe={
                    "params": {
                        "model": {"name": form},
                        "loss": {"name": "none"},
                        "fit": fit,
                        "augment": msgspec.to_builtins(augment),
                        "standardise": none,
                    },
                    "classes": 2,
                    "seed": 5,
                },
                work={
                    "train": rows,
                    "inputs": [name],
                    "features": {"body": "body", name: "wrist"},
                    "teachers": ["teacher"],
                    "weights": None,
                },
                draft=draft,
                outputs={"body": taught, "wrist": student, "teacher": store.output("train", "a" * 64)},
                source=None,
                recordings=(),
                resolve=models.resolve,
                device="cpu",
                on_bad_recording="fail",
                weights=None,
                progress=lambda done, total, what: None,
            )
        )
    return models


WARP_ALONE = AugmentParams(  # a constant stays what it is however time runs
    skeleton_rotation=0, inertial_rotation=0, scale=0, jitter=0, feature_jitter=0
)


@pytest.mark.parametrize("form", ["images", "series", "patches"])
@pytest.mark.parametrize("augment", [None, WARP_ALONE], ids=["stored", "augmented"])
def test_every_batch_pairs_the_same_trials(tmp_path: Path, form: str, augment: AugmentParams | None) -> None:
    models = seen_by_both(tmp_path, form, NUMBERS, augment)
    student, teacher = models.built[form].seen, models.built["teacher"].seen
    assert student == teacher
    assert len(student) == 2 * 4  # epochs of 33 recordings in batches of 8, the last one of 9
    for epoch in (student[:4], student[4:]):
        assert sorted(chain.from_iterable(epoch)) == [row for row in range(ROWS) if row % 3]
    assert student[:4] != student[4:]  # in another order


@pytest.mark.parametrize("form", ["images", "series", "patches"])
def test_the_check_above_fails_where_pairs_are_shuffled(tmp_path: Path, form: str) -> None:
    shuffled = np.random.default_rng(0).permutation(NUMBERS)
    models = seen_by_both(tmp_path, form, shuffled, None)
    assert models.built[form].seen != models.built["teacher"].seen
