"""What is searched, read from a stages file and the recordings that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pipeline.experiment.planning import plan_of
from pipeline.experiment.running import run_experiment
from pipeline.plan.planner import Plan
from pipeline.run.outcome import Outcome, RunOptions
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.schema import Experiment, convert
from pipeline.tune.sampling.sampler import sampler_name
from pipeline.tune.study import Study, document_of, read_studies


class Session(NamedTuple):
    """A stages file that is to be searched."""

    base: Plan
    document: Document
    studies: Sequence[Study]


def open_session(
    path: Path, settings: tuple[str, ...], entries: Sequence[str], options: RunOptions, *, dry: bool
) -> Session:
    """Read what is to be searched, and make the table of recordings where it is missing, unless it is a dry run."""
    sampler_name()  # raises where it is not installed
    base = plan_of(path, settings)
    document_of(base)
    if not (base.indexed or dry):
        run_experiment(base, lambda: plan_of(path, settings, base), replace(options, until="index"), Outcome())
        base = plan_of(path, settings)
    document = document_of(base)
    params = convert(document, "", document.values, Experiment).tune
    assert params is not None
    return Session(base, document, read_studies(base, document, params, entries))
