"""Classes of unequal size count alike: in the loss or among what is drawn, resumable, and a rare one is found."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.fit.balance import class_weights, drawn_rows
from trainers.fit.loop import Training, fit
from trainers.fit.predict import predict
from trainers.fit.seeding import seeded
from trainers.fit.tasks.classify import ClassifyTask
from trainers.losses.cross_entropy import cross_entropy
from trainers.params import FitParams

LOSS, SAMPLING, NONE = (FitParams(balance=each) for each in ("loss", "sampling", "none"))
LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(torch.tensor)


@given(LABELS)
def test_weights_are_one_in_the_mean_and_give_each_class_as_much(labels: Tensor) -> None:
    weights = class_weights(LOSS, labels, 5)
    assert weights is not None
    of_each = weights[labels]
    assert of_each.mean().item() == pytest.approx(1)
    totals = [of_each[labels == each].sum().item() for each in labels.unique()]
    assert totals == pytest.approx([totals[0]] * len(totals))
    assert class_weights(NONE, labels, 5) is class_weights(SAMPLING, labels, 5) is None


@given(LABELS, st.integers(0, 99))
def test_as_many_rows_are_drawn_as_there_are(labels: Tensor, seed: int) -> None:
    rows = drawn_rows(labels, torch.Generator().manual_seed(seed))
    assert rows.shape == labels.shape
    assert rows.dtype == torch.int64
    assert 0 <= rows.min() <= rows.max() < len(labels)
    assert torch.equal(rows, drawn_rows(labels, torch.Generator().manual_seed(seed)))


def test_classes_come_equally_often_and_each_recording_of_one() -> None:
    labels = torch.tensor([0] * 9000 + [3] * 900 + [1] * 100)[torch.randperm(10_000)]
    rows = drawn_rows(labels, torch.Generator().manual_seed(0))
    counts = Counter(labels[rows].tolist())
    assert counts.keys() == {0, 1, 3}
    assert all(3100 < count < 3600 for count in counts.values())  # 3333, deviation 47
    rare = Counter(rows[labels[rows] == 1].tolist())
    assert len(rare) == 100
    assert max(rare.values()) < 33 + 6 * 6


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_weighted_loss_is_the_mean_of_weighted_cross_entropies(smoothing: float) -> None:
    draw = torch.Generator().manual_seed(0)
    streams = {name: torch.randn(6, 3, generator=draw) for name in ("a", "b")}
    output: Any = {"logits": torch.randn(6, 3, generator=draw).log_softmax(-1), "streams": streams}
    labels, weights = torch.tensor([0, 0, 0, 0, 1, 2]), torch.tensor([0.5, 2.0, 2.0])

    def by_hand(logits: Tensor) -> float:
        each = [F.cross_entropy(logits[[i]], labels[[i]], label_smoothing=smoothing) for i in range(6)]
        return float(sum(weights[label] * one for label, one in zip(labels, each, strict=True))) / 6

    joint = cross_entropy(output, labels, "joint", smoothing, weights)
    assert joint.item() == pytest.approx(by_hand(output["logits"]), rel=1e-5)
    both = cross_entropy(output, labels, "streams", smoothing, weights)
    assert both.item() == pytest.approx(sum(map(by_hand, streams.values())), rel=1e-5)
    alike = cross_entropy(output, labels, "streams", smoothing, torch.ones(3))
    torch.testing.assert_close(alike, cross_entropy(output, labels, "streams", smoothing))


class Linear(nn.Module):
    """Classifies the mean patch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Any:
        logits = self.layer(inputs["rgb"].mean(1))
        return {"logits": logits.log_softmax(-1), "embedding": logits, "streams": {"rgb": logits}, "maps": ()}


def rare() -> RecordingData:
    """A class of 12 recordings beside one of 188, which overlap."""
    draw = torch.Generator().manual_seed(0)
    labels = (torch.arange(200) % 17 == 0).long()
    features = torch.randn(200, 1, 4, generator=draw) + labels[:, None, None]
    return RecordingData([ModalityData("rgb", "video", features, torch.ones(200, 1, dtype=torch.bool))], labels)


def trained(params: FitParams, data: RecordingData, **training: Any) -> nn.Module:
    with seeded(0):
        model = Linear()
    task = ClassifyTask(model, class_weights=class_weights(params, data.labels, 2))
    fit(Training(task, data, 5, **training), params)
    return model


def recall(model: nn.Module, data: RecordingData, label: int) -> float:
    found = predict(model, data).logits.argmax(-1)
    return float((found[data.labels == label] == label).float().mean())


def test_a_class_that_few_recordings_have_is_found() -> None:
    data = rare()
    recalls = {
        balance: recall(trained(FitParams(epochs=20, lr=0.02, balance=balance), data), data, 1)  # type: ignore[arg-type]
        for balance in ("none", "loss", "sampling")
    }
    assert recalls["none"] < 0.3
    assert min(recalls["loss"], recalls["sampling"]) > 0.7


@pytest.mark.parametrize("balance", ["loss", "sampling"])
def test_a_resumed_training_ends_with_the_same_bits(balance: Any, Memory: Any) -> None:
    data, params = rare(), FitParams(epochs=4, balance=balance)
    whole, memory = trained(params, data), Memory(epochs=2)
    with pytest.raises(KeyboardInterrupt):
        trained(params, data, checkpoint=memory)
    resumed = trained(params, data, checkpoint=Memory(memory.content))
    assert all(torch.equal(*pair) for pair in zip(whole.parameters(), resumed.parameters(), strict=True))
    assert not any(
        torch.equal(*pair)
        for pair in zip(
            whole.parameters(), trained(msgspec.structs.replace(params, balance="none"), data).parameters(), strict=True
        )
    )
