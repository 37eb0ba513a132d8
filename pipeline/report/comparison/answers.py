"""What a model answered, seed by seed, and how its top-1 is made up of subjects."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.plan.recordings.output_readers import predictions_of
from pipeline.report.breakdown import Counts, share_right
from pipeline.report.results import Evaluation
from store import Store


@dataclass(frozen=True)
class Answers:
    """One seed's answers, of all folds."""

    predicted: dict[tuple[str, str], str] = field(default_factory=dict)  # by fold and recording
    counts: dict[str, dict[str, Counts]] = field(default_factory=dict)  # by fold and subject

    @property
    def subjects(self) -> set[str]:
        """Subjects of all folds."""
        return {subject for by_subject in self.counts.values() for subject in by_subject}

    def top1(self, without: str | None = None) -> float | None:
        """Mean over folds of the share of right answers in percent, of all subjects or all but one; None of none."""
        pooled = [
            sum((counts for subject, counts in by_subject.items() if subject != without), Counter())
            for by_subject in self.counts.values()
        ]
        values = [share_right(counts) for counts in pooled if counts]
        return 100 * statistics.fmean(values) if values else None

    def by_subject(self) -> Mapping[str, float]:
        """Return each subject's pseudo-value, of which top-1 is the mean (Tukey's jackknife, subject by subject).

        With subjects of one size it is the subject's own top-1.
        """
        whole, count = self.top1(), len(self.subjects)
        assert whole is not None
        left = {subject: self.top1(without=subject) for subject in self.subjects}
        return {
            subject: whole if figure is None else count * whole - (count - 1) * figure
            for subject, figure in left.items()
        }


def answers_of(store: Store, evaluations: Iterable[Evaluation]) -> dict[int, Answers]:
    """Read what the evaluations of one model hold that are there, by seed."""
    by_seed: dict[int, Answers] = {}
    for each in evaluations:
        if each.is_there:
            answers, fold = by_seed.setdefault(each.label["seed"], Answers()), each.label["fold"]
            by_subject = answers.counts.setdefault(fold, {})
            for item in predictions_of(store.output("evaluate", each.key)):
                by_subject.setdefault(item.subject, Counter())[item.label, item.predicted] += 1
                answers.predicted[fold, item.recording] = item.predicted
    return by_seed
