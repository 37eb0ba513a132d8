"""Metrics on a table small enough to count."""

import numpy as np
import pytest

from trainers.evaluation.metrics import confusion, macro_f1, per_class, per_modality, top1, vskd_f1

LABELS = np.array([0, 0, 1, 1, 2])
PREDICTED = np.array([0, 1, 1, 1, 0])


def test_top1_and_macro_f1() -> None:
    assert top1(LABELS, PREDICTED) == pytest.approx(3 / 5)
    assert macro_f1(LABELS, PREDICTED) == pytest.approx((1 / 2 + 4 / 5 + 0) / 3)


def test_the_f1_of_vskd_is_of_accuracy_and_mean_recall() -> None:
    assert vskd_f1(LABELS, PREDICTED) == pytest.approx(2 * 0.6 * 0.5 / (0.6 + 0.5))  # recalls 1/2, 1 and 0


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
