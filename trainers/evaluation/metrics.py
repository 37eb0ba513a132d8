"""Metrics of predictions, with scikit-learn; shares, not percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support
from sklearn.neighbors import NearestNeighbors

from trainers.data.input_names import modality_of

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float32] | NDArray[np.float64]


def top1(labels: Labels, predicted: Labels) -> float:
    """Share of recordings whose class was predicted."""
    return float(accuracy_score(labels, predicted))


def macro_f1(labels: Labels, predicted: Labels) -> float:
    """Mean F1 over the classes that occur in labels or predictions."""
    return float(f1_score(labels, predicted, average="macro", zero_division=0))


def vskd_f1(labels: Labels, predicted: Labels, outputs: Probabilities) -> float:
    """F1 as VSKD's tables have it: 2 x accuracy x recall / (accuracy + recall), with `recall_at_1` of the outputs.

    Not an F1 of precision and recall; for comparison with the paper alone.
    """
    accuracy, recall = top1(labels, predicted), recall_at_1(labels, outputs)
    return 2 * accuracy * recall / (accuracy + recall) if accuracy and recall else 0.0


def recall_at_1(labels: Labels, outputs: Probabilities) -> float:
    """Share of recordings whose nearest other one, by a model's outputs (N, K), has the same label; 0 of a single one.

    Recall@1 of retrieval among the test recordings, in Euclidean distance.
    """
    if len(labels) < 2:
        return 0.0
    nearest = NearestNeighbors(n_neighbors=1).fit(outputs).kneighbors(return_distance=False)[:, 0]
    return float((labels[nearest] == labels).mean())


def per_class(labels: Labels, predicted: Labels, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support (recordings) of every class."""
    parts = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), average=None, zero_division=0
    )
    names = ("precision", "recall", "f1", "support")
    return {
        label: {name: float(values[row]) for name, values in zip(names, parts, strict=True)}
        for row, label in enumerate(classes)
    }


def confusion(labels: Labels, predicted: Labels, classes: int) -> Labels:
    """(K, K) counts: rows are the true classes, columns the predicted ones."""
    counts: Labels = confusion_matrix(labels, predicted, labels=np.arange(classes)).astype(np.int64)
    return counts


def per_modality(labels: Labels, streams: Mapping[str, Probabilities]) -> dict[str, float]:
    """Top-1 of each modality alone (DMFT Table 8): Y_m of eq. 11, the sum of its streams' probabilities.

    These are (N, K) by ``input/stream``.
    """
    sums: dict[str, Probabilities] = {}
    for stream, probabilities in streams.items():
        modality = modality_of(stream.rsplit("/", 1)[0])
        sums[modality] = sums[modality] + probabilities if modality in sums else probabilities
    return {modality: top1(labels, total.argmax(-1)) for modality, total in sums.items()}
