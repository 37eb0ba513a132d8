"""Metrics on a table small enough to count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.evaluation.metrics import confusion, macro_f1, per_class, per_modality, recall_at_1, top1, vskd_f1

LABELS = np.array([0, 0, 1, 1, 2])
PREDICTED = np.array([0, 1, 1, 1, 0])


def test_top1_and_macro_f1() -> None:
    assert top1(LABELS, PREDICTED) == pytest.approx(3 / 5)
    assert macro_f1(LABELS, PREDICTED) == pytest.approx((1 / 2 + 4 / 5 + 0) / 3)


OUTPUTS = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.0, 5.2], [5.0, 6.0]])


def test_recall_at_1_is_of_the_nearest_other_recording() -> None:
    assert recall_at_1(LABELS, OUTPUTS) == 4 / 5  # the last one's nearest is of another class
    assert recall_at_1(np.array([0, 1, 2, 0, 1]), OUTPUTS) == 0
    assert recall_at_1(np.array([0, 0]), np.zeros((2, 3))) == 1
    assert recall_at_1(np.array([0]), np.zeros((1, 3))) == 0  # there is no other


@given(st.integers(2, 40), st.integers(0, 99))
def test_recall_at_1_as_counted_pair_by_pair(count: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    outputs, labels = draws.normal(size=(count, 4)), draws.integers(0, 3, count)
    distances = np.linalg.norm(outputs[:, None] - outputs[None], axis=-1) + np.diag([np.inf] * count)
    assert recall_at_1(labels, outputs) == pytest.approx(np.mean(labels[distances.argmin(1)] == labels))


def test_the_f1_of_vskd_is_of_accuracy_and_recall_at_1() -> None:
    assert vskd_f1(LABELS, PREDICTED, OUTPUTS) == pytest.approx(2 * 0.6 * 0.8 / (0.6 + 0.8))
    assert vskd_f1(LABELS, np.array([1, 1, 2, 2, 0]), OUTPUTS) == 0


def test_per_class() -> None:
    made = per_class(LABELS, PREDICTED, ["a", "b", "c"])
    assert made["a"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert made["b"]["recall"] == 1
    assert made["c"]["f1"] == 0


def test_confusion_has_true_classes_as_rows() -> None:
    assert confusion(LABELS, PREDICTED, 3).tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_per_modality_adds_its_streams_only() -> None:
    sure, unsure = np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]])
    made = per_modality(np.array([0]), {"s/temporal": sure, "s/spatial": unsure, "i/temporal": unsure})
    assert made == {"s": 1.0, "i": 0.0}
