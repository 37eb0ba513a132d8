"""A training of the stage with recordings set apart: nothing of them enters the model, their figures are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load

from pipeline.stages.context import Context
from pipeline.stages.train import train
from store import Store
from trainers.params import FitParams

from .test_pairing import NUMBERS, ROWS, Models, features

TRAIN, APART = [row for row in range(ROWS) if row % 4], [row for row in range(ROWS) if row % 4 == 0]


def trained(folder: Path, standardise: str, patience: int) -> tuple[Any, Any, Models]:
    """Train on recordings that carry their numbers; return what was written, what is noted, and the model."""
    store, models = Store.open(str(folder)), Models()
    fit = FitParams(epochs=5, batch=8, warmup=0, schedule="constant", lr=0.1, validation=0.25, patience=patience)
    modes = dict.fromkeys(("series", "skeleton", "video", "images"), standardise)
    with store.draft("train", "b" * 64, recipe={"stage": "train"}, inputs=[]) as draft:
        context = Context(
            recipe={
                "params": {"model": {"name": "patches"}, "fit": msgspec.to_builtins(fit), "standardise": modes},
                "classes": 2,
                "seed": 5,
            },
            work={
                "train": [[row, row % 2] for row in TRAIN],
                "validation": [[row, row // 4 % 2] for row in APART],
                "inputs": ["wrist"],
                "features": {"wrist": "wrist"},
            },
            draft=draft,
            outputs={"wrist": features(store, "series", "encode", NUMBERS)},
            source=None,
            recordings=(),
            resolve=models.resolve,
            device="cpu",
            on_bad_recording="fail",
            weights=None,
            progress=lambda done, total, what: None,
        )
        noted = train.run(context)
        return {path: draft.read(path) for path in ("model.safetensors", "history.json")}, noted, models


@pytest.mark.parametrize("patience", [0, 2])
def test_figures_of_both_sides_and_the_kept_epoch_are_written(tmp_path: Path, patience: int) -> None:
    written, noted, _ = trained(tmp_path, "channel", patience)
    history = json.loads(written["history.json"])
    losses = [each["validation_loss"] for each in history]
    assert all(0 <= each["validation_accuracy"] <= 1 for each in history)
    kept = losses.index(min(losses)) + 1 if patience else 5
    assert len(history) == (min(5, kept + patience) if patience else 5)
    assert noted.pop("parameters") == 1
    assert noted == {
        "recordings": len(TRAIN),
        "validation_recordings": len(APART),
        "epochs": len(history),
        "kept_epoch": kept,
        "loss": history[kept - 1]["loss"],
    }


def test_standardisation_knows_the_training_recordings_alone(tmp_path: Path) -> None:
    written, _, _ = trained(tmp_path, "channel", 0)
    state = load(written["model.safetensors"])
    means = state["standardiser.wrist/mean"][:3]
    np.testing.assert_allclose(means, NUMBERS[TRAIN].mean(), rtol=1e-6)
    assert abs(NUMBERS[TRAIN].mean() - NUMBERS.mean()) > 0.1
    np.testing.assert_allclose(state["standardiser.wrist/scale"][:3], 1 / NUMBERS[TRAIN].std(), rtol=1e-6)


def test_every_epoch_ends_with_the_recordings_set_apart_as_they_are_stored(tmp_path: Path) -> None:
    _, _, models = trained(tmp_path, "none", 0)
    seen = models.built["patches"].seen
    batches = len(TRAIN) // 8 + (len(TRAIN) % 8 > 1) + len(APART) // 8 + (len(APART) % 8 > 1)
    for start in range(0, len(seen), batches):
        looked = [
            row for batch in seen[start : start + batches][-(len(APART) // 8 + (len(APART) % 8 > 1)) :] for row in batch
        ]
        assert sorted(looked) == APART
