"""Which recording a teacher sees in place of the student's: one of its class, or of another, each as likely."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainers.data.modality import ModalityData
from trainers.data.pairing import WrongPairing
from trainers.data.recordings import RecordingData
from trainers.errors import TrainingError
from trainers.params import AugmentParams


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(0, 99))
def test_another_of_the_same_class(classes: list[int], seed: int) -> None:
    labels = torch.tensor(classes * 2)  # two of each class at least
    rows = torch.arange(len(labels))
    partners = WrongPairing(labels, "class").draw(rows, generator(seed))
    assert torch.equal(labels[partners], labels)
    assert (partners != rows).all()


@given(st.lists(st.integers(1, 4), max_size=20), st.integers(0, 99))
def test_one_of_another_class(classes: list[int], seed: int) -> None:
    labels = torch.tensor([*classes, 0, 5])
    rows = torch.arange(len(labels))
    partners = WrongPairing(labels, "other-class").draw(rows, generator(seed))
    assert (labels[partners] != labels).all()


@pytest.mark.parametrize(("pairing", "fits"), [("class", [1, 4, 5]), ("other-class", [2, 3, 6, 7])])
def test_each_that_fits_is_as_likely(pairing: str, fits: list[int]) -> None:
    labels = torch.tensor([0, 0, 1, 2, 0, 0, 1, 2])
    drawn = WrongPairing(labels, pairing).draw(torch.zeros(30_000, dtype=torch.int64), generator())  # type: ignore[arg-type]
    counts = torch.bincount(drawn, minlength=8) / len(drawn)
    expected = torch.zeros(8)
    expected[fits] = 1 / len(fits)
    torch.testing.assert_close(counts, expected, atol=0.01, rtol=0)


def test_what_cannot_be_paired_is_said() -> None:
    with pytest.raises(TrainingError, match="class 1 has one training recording"):
        WrongPairing(torch.tensor([0, 0, 1]), "class")
    with pytest.raises(TrainingError, match="of one class"):
        WrongPairing(torch.tensor([2, 2]), "other-class")


def test_a_teacher_gets_whole_other_recordings(inertial: ModalityData, video: ModalityData, labels: Tensor) -> None:
    data = RecordingData([inertial, video], labels, AugmentParams(feature_jitter=0), (), "class")
    rows = torch.arange(12)
    batch = data.batch(rows, generator())
    told = batch["teacher"]
    partners = [int((video.features == each).all((1, 2)).nonzero()[0]) for each in told["inputs"]["rgb"]]
    assert torch.equal(labels[partners], labels)
    assert torch.equal(told["valid"]["rgb"], video.valid[partners])  # values and masks of the same ones
    own = RecordingData([inertial, video], labels, AugmentParams()).batch(rows, generator())
    assert "teacher" not in own
    assert torch.equal(batch["inputs"]["inertial"], own["inputs"]["inertial"])  # the student's are what they were


def test_a_copy_is_of_the_same_recording_augmented_otherwise(inertial: ModalityData, labels: Tensor) -> None:
    batch = RecordingData([inertial], labels, AugmentParams(), (), "copy").batch(torch.arange(12), generator())
    assert not torch.equal(batch["teacher"]["inputs"]["inertial"], batch["inputs"]["inertial"])
    still = AugmentParams(time_warp=0, crop=0, inertial_rotation=0, scale=0, jitter=0)
    batch = RecordingData([inertial], labels, still, (), "copy").batch(torch.arange(12), generator())
    torch.testing.assert_close(batch["teacher"]["inputs"]["inertial"], batch["inputs"]["inertial"])


def test_in_evaluation_there_is_no_other(inertial: ModalityData, labels: Tensor) -> None:
    assert "teacher" not in RecordingData([inertial], labels, None, (), "other-class").batch(torch.arange(12))
