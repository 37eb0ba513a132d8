"""A soft loss of those recordings alone whose teacher is right."""

from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.registry import import_object
from trainers.data.batch import ModelOutput
from trainers.losses.registry import LOSSES
from trainers.losses.selection import with_agreement

ON_LOGITS = ["hinton", "dmft-kd", "dist"]
BARE: dict[str, dict[str, Any]] = {"hinton": {"hard": 0, "weight": 1}, "dmft-kd": {"w_cs": 0}, "dist": {"hard": 0}}
NONE = torch.tensor(0.0)
RIGHT, WRONG = (
    torch.tensor([0, 2, 1, 3]),
    torch.tensor([1, 2, 0, 3]),
)  # its teacher is right of the 2nd and 4th


def outputs(rows: list[int] | slice, seed: int) -> ModelOutput:
    """A model's outputs for some of four recordings; the votes are classes 0, 2, 1, 3."""
    logits = 2 * torch.rand(4, 4, generator=torch.Generator().manual_seed(seed))
    logits[range(4), RIGHT] += 2
    chosen = logits[rows]
    return {"logits": chosen, "embedding": chosen, "streams": {"a/b": chosen}, "maps": ()}


def soft(name: str, rows: list[int] | slice, labels: Tensor, **params: Any) -> float:
    loss = import_object(LOSSES[name].build)(import_object(LOSSES[name].params)(**BARE[name], **params), 4, 4)
    told: Tensor = loss(outputs(rows, 0), with_agreement(outputs(rows, 1), labels[rows]), NONE)
    return told.item()


def test_losses_on_logits_can_select() -> None:
    selecting = [name for name, place in LOSSES.items() if "select" in import_object(place.params).__struct_fields__]
    assert sorted(selecting) == sorted(ON_LOGITS)


@pytest.mark.parametrize("name", ON_LOGITS)
def test_all_is_what_it_was_whether_the_teacher_is_right_or_not(name: str) -> None:
    assert soft(name, slice(None), WRONG) == soft(name, slice(None), RIGHT)
    assert soft(name, slice(None), RIGHT, select="agree") == pytest.approx(soft(name, slice(None), RIGHT))


@pytest.mark.parametrize("name", ON_LOGITS)
def test_a_recording_whose_teacher_is_wrong_adds_nothing_to_the_mean_over_the_batch(name: str) -> None:
    alone = soft(name, [1, 3], RIGHT)
    assert alone > 0.01
    assert soft(name, slice(None), WRONG, select="agree") == pytest.approx(alone * 2 / 4)


@pytest.mark.parametrize("name", ON_LOGITS)
def test_where_the_teacher_is_never_right_the_hard_loss_is_left(name: str) -> None:
    never = torch.tensor([1, 0, 0, 0])
    assert soft(name, slice(None), never, select="agree") == 0


def test_an_absent_modality_is_left_out_beside() -> None:
    """Of the two whose teacher is right, one has the stream."""
    loss = import_object(LOSSES["dmft-kd"].build)(import_object(LOSSES["dmft-kd"].params)(w_cs=0, select="agree"), 4, 4)
    student = outputs(slice(None), 0)
    student["present"] = {"a/b": torch.tensor([True, True, True, False])}
    told = loss(student, with_agreement(outputs(slice(None), 1), WRONG), NONE)
    assert told.item() == pytest.approx(soft("dmft-kd", [1], RIGHT) / 4)
