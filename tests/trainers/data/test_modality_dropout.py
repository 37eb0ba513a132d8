"""Sensors that are absent from training recordings: how often, never all, and only for the model that is trained."""

import msgspec
import pytest
import torch
from torch import Tensor

from trainers.data.modality import ModalityData
from trainers.data.modality_dropout import draw_present
from trainers.data.recordings import RecordingData
from trainers.params import AugmentParams

HALF = AugmentParams(modality_dropout=0.5)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("modalities", "share"), [(2, 0.3), (3, 0.5), (4, 0.9)])
def test_each_is_absent_as_often_as_asked_and_never_all(modalities: int, share: float) -> None:
    present = draw_present(20_000, modalities, share, generator())
    assert present.any(1).all()
    absent = 1 - present.float().mean(0)
    expected = share - share**modalities / modalities  # where all would be, one of them stays, each as often
    torch.testing.assert_close(absent, torch.full((modalities,), expected), rtol=0, atol=0.015)


def test_a_modality_alone_is_never_absent() -> None:
    assert draw_present(500, 1, 0.9, generator()).all()


def test_an_absent_modality_has_no_valid_patch_and_others_keep_theirs(
    skeleton: ModalityData, inertial: ModalityData, video: ModalityData, labels: Tensor
) -> None:
    data = RecordingData([skeleton, inertial, video], labels, HALF)
    batch = data.batch(torch.arange(12), generator())
    whole = {"skeleton": skeleton.valid, "inertial": inertial.valid, "rgb": video.valid}
    seen = batch["seen"]
    present = {name: mask.any(1) for name, mask in seen.items()}
    assert 0 < sum(int(each.sum()) for each in present.values()) < 36
    assert torch.stack([*present.values()]).any(0).all()
    for name, mask in seen.items():
        assert torch.equal(mask, whole[name] & present[name][:, None])
    assert batch["valid"].keys() == {"rgb"}  # what a teacher goes by
    assert torch.equal(batch["valid"]["rgb"], video.valid)


def test_a_student_of_two_sensors_keeps_one_of_its_own(
    skeleton: ModalityData, inertial: ModalityData, video: ModalityData, labels: Tensor
) -> None:
    params = msgspec.structs.replace(HALF, modality_dropout=0.9)
    data = RecordingData([skeleton, inertial, video], labels, params, trained=["inertial", "rgb"])
    for seed in range(20):
        seen = data.batch(torch.arange(12), generator(seed))["seen"]
        assert seen.keys() == {"inertial", "rgb"}
        assert (seen["inertial"].any(1) | seen["rgb"].any(1)).all()


def test_off_it_draws_nothing_and_values_are_what_they_were_with_it(
    skeleton: ModalityData, inertial: ModalityData, labels: Tensor
) -> None:
    rows, plain, dropping = torch.arange(12), generator(), generator()
    off = RecordingData([skeleton, inertial], labels, AugmentParams()).batch(rows, plain)
    on = RecordingData([skeleton, inertial], labels, HALF).batch(rows, dropping)
    assert "seen" not in off
    assert all(torch.equal(off["inputs"][name], on["inputs"][name]) for name in off["inputs"])
    torch.rand(12, 2, generator=plain)  # the one draw more that dropout takes
    assert torch.equal(plain.get_state(), dropping.get_state())


def test_recordings_that_are_tested_have_all_sensors(
    skeleton: ModalityData, inertial: ModalityData, labels: Tensor
) -> None:
    assert "seen" not in RecordingData([skeleton, inertial], labels, HALF).batch(torch.arange(12))
