"""What a stage is handed when it does a step. Stages import it for typing only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.sources.base import Recording, Source
from store import Output
from store.features import ShardDraft as ShardDraft  # what a stage needs of a draft, whoever owns it

Resolve = Callable[[str, Mapping[str, Any]], tuple[Callable[..., Any], Any]]


class Progress(Protocol):
    """Says how far a step is; called often, so that only some of it is passed on."""

    def __call__(self, done: int, total: int, what: str, counts: Mapping[str, float] = ..., /) -> None:
        """Say that `done` of `total` are done, of what is counted.

        `counts` has what else there is since the step began: ``images``, and seconds by phase.
        """
        ...


@dataclass(frozen=True)
class Context:
    """One step's work.

    Attributes
    ----------
    recipe, work
        What the output depends on, and what else is needed to make it (rows, labels).
    draft
        Where the output is written.
    outputs
        The outputs that it reads, by step id.
    source, recordings
        The dataset's reader and its table, in row order; None and empty where the stage reads no raw data.
    resolve
        From a table (``model``, ``loss``, ``stage``, ``encoder``, ``backbone``, ``reduction``, ``pretrained``) and a
        section with its ``name``: what builds the thing, and its parameters as a struct.
    device
        ``cpu`` or ``cuda``.
    on_bad_recording
        ``fail`` or ``skip``.
    weights
        A local file with pretrained weights.
    progress
        Called with (done, total, what is counted), see `Progress`.
    earlier
        Outputs of the same recipe but for its raw data, as they are asked for.
    """

    recipe: Mapping[str, Any]
    work: Mapping[str, Any]
    draft: ShardDraft
    outputs: Mapping[str, Output]
    source: Source | None
    recordings: tuple[Recording, ...]
    resolve: Resolve
    device: str
    on_bad_recording: str
    weights: Path | None
    progress: Progress
    earlier: Iterable[Output] = ()
