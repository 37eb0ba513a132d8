"""What became of every test recording: one pass over a model's predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.plan.recordings.output_readers import predictions_of
from pipeline.report.html.gather.models import Model
from pipeline.report.html.gather.reliability import Reliability
from store import Store


@dataclass(frozen=True)
class TestedRecording:
    """What is known of a recording that was tested."""

    subject: str
    label: str


@dataclass
class Tally:
    """A model's predictions, all folds and seeds together."""

    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)  # (true, predicted)
    reliability: Reliability = field(default_factory=Reliability)


@dataclass(frozen=True)
class HardRecording:
    """A recording that models get wrong."""

    id: str
    about: TestedRecording
    models: int  # that got it wrong more often than right
    of: int  # models that were tested on it
    wrong: int  # times, over models, folds and seeds
    times: int
    instead: Mapping[str, int]  # what it was taken for, the most frequent first


class Difficulty:
    """What models, one after the other, make of each recording."""

    def __init__(self) -> None:
        self.recordings: dict[str, TestedRecording] = {}  # that any got wrong
        self._instead: dict[str, Counter[str]] = {}
        self._failing: Counter[str] = Counter()  # models that get it wrong more often than right
        self._models: Counter[str] = Counter()
        self._times: Counter[str] = Counter()

    def tally(self, store: Store, model: Model) -> Tally:
        """Count a model's predictions."""
        counted, wrong, tested = Tally(), Counter[str](), Counter[str]()
        for key in model.evaluations:
            items = list(predictions_of(store.output("evaluate", key)))
            counted.confusion.update((item.label, item.predicted) for item in items)
            tested.update(item.recording for item in items)
            for item in items:
                right = item.label == item.predicted
                counted.reliability.add(item.probability, right)
                if not right:
                    wrong[item.recording] += 1
                    self._instead.setdefault(item.recording, Counter())[item.predicted] += 1
                    self.recordings[item.recording] = TestedRecording(item.subject, item.label)
        self._times.update(tested)
        self._models.update(tested.keys())
        self._failing.update(id_ for id_, times in wrong.items() if 2 * times > tested[id_])
        return counted

    def hard(self) -> list[HardRecording]:
        """Return the recordings that at least half of the models get wrong mostly, the worst first."""
        found = [
            HardRecording(
                id_,
                self.recordings[id_],
                failing,
                self._models[id_],
                self._instead[id_].total(),
                self._times[id_],
                dict(self._instead[id_].most_common()),
            )
            for id_, failing in self._failing.items()
            if 2 * failing >= self._models[id_]
        ]
        return sorted(found, key=lambda each: (-each.models / each.of, -each.wrong / each.times, each.id))
