"""Whether a model is right as often as it says: shares of right answers by confidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BINS = 15  # of equal width, as Guo et al. (2017) have them


@dataclass
class Bin:
    """Predictions of like confidence: how many, the sum of their confidences, how many were right."""

    count: int = 0
    confidence: float = 0.0
    right: int = 0

    @property
    def gap(self) -> float:
        """Return the share of right answers less the mean confidence; 0 where there is none."""
        return (self.right - self.confidence) / self.count if self.count else 0.0


class Reliability:
    """Counts predictions, each by the probability of the class that was predicted, in (0, 1]."""

    def __init__(self, bins: int = BINS) -> None:
        self.bins = [Bin() for _ in range(bins)]

    @classmethod
    def of(cls, predictions: Iterable[tuple[float, bool]], bins: int = BINS) -> Reliability:
        """Count predictions: confidence, and whether it was right."""
        counted = cls(bins)
        for confidence, right in predictions:
            counted.add(confidence, right)
        return counted

    def add(self, confidence: float, right: bool) -> None:
        """Count one more; bin i has confidences from i/n, itself left out, to (i+1)/n."""
        size = len(self.bins)
        place = min(max(int(confidence * size), 0), size - 1)
        if place and confidence <= place / size:
            place -= 1
        each = self.bins[place]
        each.count += 1
        each.confidence += confidence
        each.right += right

    @property
    def count(self) -> int:
        """Return how many predictions there are."""
        return sum(each.count for each in self.bins)

    @property
    def accuracy(self) -> float:
        """Return the share of right ones."""
        return sum(each.right for each in self.bins) / max(self.count, 1)

    @property
    def confidence(self) -> float:
        """Return the mean confidence."""
        return sum(each.confidence for each in self.bins) / max(self.count, 1)

    @property
    def ece(self) -> float:
        """Return the expected calibration error: the mean of the bins' gaps, weighed by their counts; from 0 to 1."""
        return sum(each.count * abs(each.gap) for each in self.bins) / max(self.count, 1)
