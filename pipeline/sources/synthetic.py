"""A dataset of names alone, of any size: to try planning, keys, locks and clusters on more recordings than one has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from pipeline.errors import StepError
from pipeline.sources.base import Listing, Modality, Probe, Recording
from pipeline.sources.joint_parents import parents_by_name
from pipeline.sources.skeletons import layout

VERSION = 1
MODALITIES = {
    "inertial": Modality("series", ("inertial",), 50.0),
    "skeleton": Modality("skeleton", ("skeleton",), 30.0),
}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many recordings there are: actions x subjects x trials."""

    actions: int = 10
    subjects: int = 8
    trials: int = 2

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not 1 <= getattr(self, name) <= 100_000:
                raise ValueError(f"{name}: must be 1 to 100000, not {getattr(self, name)}")
        if (count := self.actions * self.subjects * self.trials) > 10_000_000:
            raise ValueError(f"trials: makes {count} recordings, 10000000 at most")


class Synthetic:
    """Lists and indexes recordings that have no content; reading one is refused."""

    name: str = "synthetic"
    modalities: Mapping[str, Modality] = MODALITIES

    def __init__(self, params: Params, cache: Path) -> None:
        self.root = cache
        self.params = params
        self.classes: tuple[str, ...] = tuple(f"action-{number}" for number in range(1, params.actions + 1))

    def recipe(self) -> dict[str, object]:
        """Stands for the digests of files that do not exist."""
        return {"generator": "synthetic", "version": VERSION, **msgspec.structs.asdict(self.params)}

    def list(self) -> Listing:
        """List every trial of every action and subject; see `Source.list`."""
        width = [len(str(count)) for count in (self.params.actions, self.params.subjects, self.params.trials)]
        subjects = [str(number) for number in range(1, self.params.subjects + 1)]
        trials = [str(number) for number in range(1, self.params.trials + 1)]
        found = []
        for number, action in enumerate(self.classes, 1):
            for subject in subjects:
                start = f"a{number:0{width[0]}}_s{subject.zfill(width[1])}_t"
                for trial in trials:
                    id_ = start + trial.zfill(width[2])
                    streams = {stream: (f"{stream}/{id_}",) for stream in MODALITIES}
                    found.append(Recording(id_, subject, action, trial, streams=streams))
        return Listing(tuple(found))

    def skeleton_joints(self, modality: str) -> Mapping[str, Sequence[int]]:
        """Return the joint that each joint hangs on: those of UTD-MHAD."""
        return {"parents": parents_by_name(layout("utd-mhad").joints)}

    def ensure(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Do nothing: there are no files."""

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Say that every stream is whole."""
        return Probe(100, (20, 3) if stream == "skeleton" else (6,))

    def open_series(self, recording: Recording, stream: str) -> NoReturn:
        """Refuse; see `StepError`."""
        raise StepError(f"source synthetic: {recording.id} is a name without data; choose a source that has some")

    open_video = open_series
