"""One step of a plan, and the code that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.lock import Accepted
from pipeline.registry import TESTS, TRAINED, encoding_of
from pipeline.stagesfile.experiment import Point

_BARE = ("modality", "model")  # axes whose value says enough


@dataclass(frozen=True, eq=False)
class StepCode:
    """What a step runs, and what its recipe has for it."""

    roots: tuple[str, ...]  # the modules that the step starts from
    present: Mapping[str, str]  # every module that they reach, to the digest of its normalised syntax: what runs
    recipe: Mapping[str, str]  # the same of earlier code that stands for it, or `present` itself
    # Why it does: what the lock says, and the release whose code it is by a table of this one. None and empty where it
    # is `present` itself.
    acceptance: Accepted | None = None
    release: str = ""


def runs_network(recipe: Mapping[str, Any]) -> bool:
    """Tell whether a step with this recipe runs a network: training, evaluation, and most encodings of video do."""
    stage = recipe["stage"]
    encodes = stage == "encode" and encoding_of(recipe["modality"]["kind"], recipe["params"]) == "video"
    return stage in (*TRAINED, *TESTS) or encodes


@dataclass(frozen=True)
class Step:
    """An entry at one point of its expansion."""

    entry: str
    axes: Mapping[str, str]  # where in the expansion it stands: modality, fold, seed, ...
    key: str
    recipe: Mapping[str, Any]
    needs: tuple[str, ...]  # ids of the steps whose outputs it reads
    point: Point
    code: StepCode  # what it runs, and how the code in its recipe came to stand for that
    # What it stands for in results: one for each matrix point that has this very step.
    labels: tuple[Mapping[str, Any], ...] = ()
    # What the stage needs at run time beyond the recipe (rows, labels, step ids); not part of the key.
    work: Mapping[str, Any] = field(default_factory=dict)
    shared: tuple[str, ...] = ()  # other entries that have this very step

    @property
    def stage(self) -> str:
        """Return which kind of work it is."""
        return str(self.recipe["stage"])

    @property
    def entries(self) -> tuple[str, ...]:
        """Return every entry that it is a step of."""
        return (self.entry, *self.shared)

    @property
    def id(self) -> str:
        """Return its name for people, unique in a plan: ``teacher[subjects=odd,seed=0]``."""
        axes = ",".join(value if axis in _BARE else f"{axis}={value}" for axis, value in self.axes.items())
        return f"{self.entry}[{axes}]" if axes else self.entry
