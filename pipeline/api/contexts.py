"""The context in which a stage reads, so that a notebook reads features and models as the stages do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pipeline.run.messages import StepJob
from pipeline.run.step.execute import make_context
from pipeline.stages.context import Context, ShardDraft
from store import Output


def context_of(job: StepJob, outputs: Mapping[str, Output]) -> Context:
    """Return the context of a job that only reads; its outputs are checked as a run checks them."""
    no_draft = cast("ShardDraft", None)  # nothing is written
    return make_context(job, no_draft, outputs, None, "cpu", silent)


def silent(done: int, total: int, what: str, counts: Mapping[str, float] = {}) -> None:
    """Take progress, and show none."""
