"""A model over many recordings: read, checked, batched, and what it says of each, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.runtime.batch import Prepared, padded
from pipeline.edge.runtime.model import Model
from pipeline.edge.runtime.recordings import Claims, RawStream, prepared
from pipeline.errors import DataError, StepError


@dataclass(frozen=True)
class Job:
    """A recording to be: its name, what reads its streams (DataError where it cannot), and its label where known."""

    recording: str
    read: Callable[[], Mapping[str, RawStream]]
    label: str | None = None


@dataclass(frozen=True)
class Prediction:
    """What a model says of a recording.

    Attributes
    ----------
    probabilities
        (K,) in the order of the card's classes; None where the recording could not be used.
    problem
        Why it could not, with a remedy; else empty.
    """

    recording: str
    label: str | None
    probabilities: NDArray[np.float32] | None
    problem: str = ""


def predict(model: Model, jobs: Iterable[Job], claims: Claims, batch: int) -> Iterator[Prediction]:
    """Yield what a model says of each recording, in order; `batch` recordings are computed at once."""
    waiting: list[tuple[Job, Prepared | str]] = []
    ready = 0
    for job in jobs:
        found = _prepared(model, job, claims)
        waiting.append((job, found))
        ready += not isinstance(found, str)
        if ready == batch or not ready:
            yield from _computed(model, waiting)
            waiting, ready = [], 0
    yield from _computed(model, waiting)


def _prepared(model: Model, job: Job, claims: Claims) -> Prepared | str:
    """Return a recording as a graph takes it, or why it is none."""
    try:
        return prepared(model.card, job.read(), claims)
    except (DataError, StepError) as error:  # the second of a source's file that the system does not let be read
        return str(error)


def _computed(model: Model, waiting: list[tuple[Job, Prepared | str]]) -> Iterator[Prediction]:
    good = [found for _, found in waiting if not isinstance(found, str)]
    rows: Iterator[NDArray[np.float32]] = iter(model.probabilities(padded(good)) if good else ())
    for job, found in waiting:
        if isinstance(found, str):
            yield Prediction(job.recording, job.label, None, found)
            continue
        row = next(rows)
        if np.isfinite(row).all():
            yield Prediction(job.recording, job.label, row)
        else:
            problem = f"{job.recording}: the model says nothing finite of it"
            remedy = "look at its first samples (a skeleton needs shoulders and hips apart), and at its length"
            yield Prediction(job.recording, job.label, None, f"{problem}\n  {remedy}")
