"""As many models are stacked as a GPU has the memory for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.fit.loop import Training
from trainers.fit.stack_size import models_that_fit, stack_size
from trainers.fit.tasks.classify import ClassifyTask
from trainers.models.dmft.params import TeacherParams
from trainers.models.dmft.teacher import DMFTTeacher
from trainers.params import AugmentParams, FitParams, StandardiseParams


@pytest.mark.parametrize(
    ("count", "free", "one", "fit"), [(8, 10_000, 10, 8), (8, 10_000, 2_000, 3), (8, 100, 2_000, 1), (1, 0, 0, 1)]
)
def test_all_or_what_there_is_room_for_but_one_at_least(count: int, free: int, one: int, fit: int) -> None:
    assert models_that_fit(count, free, one) == fit


def test_small_models_all_fit_and_trying_it_leaves_no_trace(
    skeleton: ModalityData, inertial: ModalityData, labels: Tensor, device: str
) -> None:
    data = RecordingData([skeleton, inertial], labels, AugmentParams())
    model = DMFTTeacher(data.shapes, 4, TeacherParams(width=8, heads=2))
    task = ClassifyTask(Standardised(model, fit_standardiser(data.inputs.values(), StandardiseParams())))
    before = {name: tensor.clone() for name, tensor in task.state_dict().items()}
    drawn = torch.get_rng_state()
    assert stack_size([Training(task, data, seed) for seed in range(40)], FitParams(), device) == 40
    assert torch.equal(torch.get_rng_state(), drawn)
    for name, tensor in task.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert all(weight.grad is None for weight in task.parameters())
