"""Recordings mixed with others of their batch: inputs, masks and labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainers.data.batch import Batch, Inputs, ModelOutput
from trainers.data.mixing.mixup import draw_shares, mix
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import fit_standardiser
from trainers.fit.tasks.classify import ClassifyTask
from trainers.fit.tasks.distil import DistilTask
from trainers.losses.params.soft_targets import HintonParams
from trainers.losses.soft_targets import Hinton
from trainers.params import AugmentParams, StandardiseParams

ROWS = torch.tensor([7, 2, 9, 4])


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_the_larger_part_of_a_beta_distribution(alpha: float) -> None:
    shares = draw_shares(4000, alpha, drawn())
    assert shares.min() >= 0.5
    beta = scipy.stats.beta(alpha, alpha)
    for share in (0.55, 0.7, 0.9, 0.99):
        expected = beta.cdf(share) - beta.cdf(1 - share)
        assert (shares <= share).double().mean().item() == pytest.approx(expected, abs=0.03)  # four deviations


@pytest.mark.parametrize("alpha", [1e-4, 100.0])
def test_shares_are_numbers_whatever_alpha(alpha: float) -> None:
    shares = draw_shares(1000, alpha, drawn())
    assert ((shares >= 0.5) & (shares <= 1)).all()


def test_a_batch_is_the_augmented_one_mixed_with_itself_shifted_by_one(
    skeleton: ModalityData, inertial: ModalityData, labels: Tensor
) -> None:
    whole = replace(inertial, valid=torch.ones_like(inertial.valid))
    plain, mixed = (
        RecordingData([skeleton, whole], labels, AugmentParams(mixup=alpha)).batch(ROWS, drawn())
        for alpha in (0.0, 1.0)
    )
    assert "shares" not in plain
    shares = mixed["shares"].view(-1, 1, 1)
    assert torch.equal(mixed["labels"], labels[ROWS])
    for name, values in plain["inputs"].items():
        next_ones = values[[1, 2, 3, 0]]
        torch.testing.assert_close(mixed["inputs"][name], shares * values + (1 - shares) * next_ones)


def test_a_patch_of_one_recording_alone_is_left_unmixed() -> None:
    values = torch.tensor([[[1.0], [2.0], [0.0]], [[5.0], [0.0], [0.0]]])
    valid = torch.tensor([[True, True, False], [True, False, False]])
    given: Inputs = {"inputs": {"a": values, "b": values}, "valid": {"a": valid}}
    made = mix(given, torch.tensor([0.75, 0.5]))
    assert made["inputs"]["a"].flatten(1).tolist() == [[2.0, 2.0, 0.0], [3.0, 2.0, 0.0]]
    assert made["valid"]["a"].tolist() == [[True, True, False]] * 2
    assert made["inputs"]["b"].flatten(1).tolist() == [[2.0, 1.5, 0.0], [3.0, 1.0, 0.0]]


def test_mixing_before_standardisation_is_mixing_behind_it(inertial: ModalityData) -> None:
    standardiser, values = fit_standardiser([inertial], StandardiseParams()), {"inertial": inertial.take(ROWS)}
    shares = torch.tensor([0.5, 0.6, 0.9, 1.0])
    before = standardiser(mix({"inputs": values, "valid": {}}, shares)["inputs"])
    behind = mix({"inputs": standardiser(values), "valid": {}}, shares)["inputs"]
    torch.testing.assert_close(before, behind)


class Seeing(nn.Module):
    """A model that notes what it is shown."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits
        self.shown: Any = None

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> ModelOutput:
        self.shown = inputs
        streams = {"a/one": self.logits, "a/two": 2 * self.logits}
        return {"logits": self.logits, "embedding": self.logits, "streams": streams, "maps": ()}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("mode", ["joint", "streams"])
@pytest.mark.parametrize("present", [True, False])
def test_the_hard_loss_is_the_cross_entropy_with_the_mixed_labels(mode: Any, smoothing: float, present: bool) -> None:
    logits, labels = torch.randn(4, 3, generator=drawn()), torch.tensor([0, 2, 2, 1])
    shares = torch.tensor([0.5, 0.6, 0.9, 1.0])
    batch: Batch = {"inputs": {}, "valid": {}, "labels": labels, "shares": shares}
    if present:
        batch["seen"] = {}
    mixture = shares[:, None] * F.one_hot(labels, 3) + (1 - shares)[:, None] * F.one_hot(labels[[1, 2, 3, 0]], 3)
    expected = F.cross_entropy(logits, mixture, label_smoothing=smoothing)
    if mode == "streams":
        expected = expected + F.cross_entropy(2 * logits, mixture, label_smoothing=smoothing)
    made = ClassifyTask(Seeing(logits), loss=mode, label_smoothing=smoothing)(batch)["loss"]
    torch.testing.assert_close(made, expected)


def test_a_teacher_sees_the_students_mixture(skeleton: ModalityData, labels: Tensor) -> None:
    batch = RecordingData([skeleton], labels, AugmentParams(mixup=0.5)).batch(ROWS, drawn())
    student, teacher = Seeing(torch.zeros(4, 4)), Seeing(torch.zeros(4, 4))
    DistilTask(student, teacher, Hinton(HintonParams(), 4, 4))(batch)
    assert torch.equal(student.shown["skeleton"], batch["inputs"]["skeleton"])
    assert torch.equal(teacher.shown["skeleton"], batch["inputs"]["skeleton"])


def test_recordings_that_are_set_apart_or_tested_are_not_mixed(skeleton: ModalityData, labels: Tensor) -> None:
    batch = RecordingData([skeleton], labels, AugmentParams(mixup=0.5)).batch(ROWS)
    assert "shares" not in batch
    assert torch.equal(batch["inputs"]["skeleton"], skeleton.take(ROWS))
