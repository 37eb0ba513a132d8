"""The sample as a source: listed from its parameters alone, its files made when they are first needed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec

from pipeline.cores import cores
from pipeline.errors import StepError
from pipeline.sources.base import Listing, Recording
from pipeline.sources.folder_listing import sorted_listing
from pipeline.sources.utd_mhad import FILES, Trial, UtdMhad, row
from store.canonical import digest

VERSION = 1  # of what is generated: raise it with every change of the files' content

CLASSES = (
    "swipe_left", "swipe_right", "wave", "draw_circle_cw", "draw_circle_ccw", "push", "knock", "squat",
)  # fmt: skip


Stream = Literal["rgb", "depth", "skeleton", "inertial"]


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``source: {name: sample}`` takes; every subject is asked for all eight actions.

    Attributes
    ----------
    mislabelled
        Probability that a recording shows another action than its label, the one that was asked for.
    streams
        What is made of each recording. Pictures cost most: rgb 35 of 93 ms, depth 51.
    LATER
        Fields that older keys lack: at their defaults they are left out.
    """

    LATER: ClassVar = ("mislabelled", "streams")

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    subjects: Annotated[int, msgspec.Meta(ge=2, le=99)] = 8
    trials: Annotated[int, msgspec.Meta(ge=1, le=99)] = 3
    mislabelled: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.0
    streams: Annotated[tuple[Stream, ...], msgspec.Meta(min_length=1)] = ("rgb", "depth", "skeleton", "inertial")


class Sample(UtdMhad):
    """A generated dataset in UTD-MHAD's layout, in ``sample-<digest>`` of the cache's folder."""

    name = "sample"
    classes = CLASSES

    def __init__(self, params: Params, cache: Path) -> None:
        self._chosen = params
        self._streams: tuple[Stream, ...] = tuple(stream for stream in Params().streams if stream in params.streams)
        super().__init__(cache / f"sample-{digest(self.recipe())[:12]}")

    def recipe(self) -> dict[str, object]:
        """Everything that determines the files' content; stands for their digests."""
        chosen = msgspec.structs.asdict(msgspec.structs.replace(self._chosen, streams=self._streams))
        for later in Params.LATER:
            if chosen[later] == getattr(Params(), later):
                del chosen[later]
        return {"generator": "sample", "version": VERSION, **chosen}

    def list(self) -> Listing:
        """List what the parameters promise; looks at no file, and needs none."""
        actions, subjects, trials = len(CLASSES), self._chosen.subjects, self._chosen.trials
        keys = product(range(1, actions + 1), range(1, subjects + 1), range(1, trials + 1))
        return sorted_listing((row(CLASSES, key, files(key, self._streams)) for key in keys), ())

    def ensure(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Make the files where they are not there yet.

        They are written into a folder beside and renamed when complete, so that a killed generation leaves
        nothing that is taken for the dataset. Two processes may generate at once; the second drops its own.
        `progress` is called with recordings done and in all.

        Raises
        ------
        StepError
            The cache folder cannot be written.
        """
        if self.root.is_dir():
            return
        import shutil  # both are slow to import, and every plan imports this module
        import tempfile

        # Beside the target, so that the rename stays on one file system and is atomic.
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            _drop_stale(self.root)
            draft = Path(tempfile.mkdtemp(prefix=f".{self.root.name}-", dir=self.root.parent))
            try:
                self._generate(draft, progress)
                _publish(draft, self.root)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            raise StepError(
                f"cannot write the sample dataset to {self.root}: {error.strerror or error}; "
                "free space there or choose another place for the cache"
            ) from error

    def _generate(self, draft: Path, progress: Callable[[int, int], None] | None) -> None:
        from concurrent.futures import ThreadPoolExecutor

        for stream in self._streams:
            (draft / FILES[stream][0]).mkdir()
        rows = self.list().recordings
        with ThreadPoolExecutor(cores()) as threads:  # numpy, zlib and ffmpeg work without the lock
            for done, _ in enumerate(threads.map(partial(self._make, draft), rows)):
                if progress is not None:
                    progress(done, len(rows))
        (draft / "recipe.json").write_text(json.dumps(self.recipe(), indent=2) + "\n", encoding="utf-8")
        if progress is not None:
            progress(len(rows), len(rows))

    def _make(self, draft: Path, recording: Recording) -> None:
        from pipeline.sources.sample.generate import performed, streams, write

        seed, label = self._chosen.seed, CLASSES.index(recording.action) + 1
        subject, trial = int(recording.subject), int(recording.session)
        action = performed(seed, subject, label, trial, self._chosen.mislabelled)
        made = streams(seed, subject, label, action, trial, self._streams)
        write(draft, {stream: paths[0] for stream, paths in recording.streams.items()}, made)


def files(key: Trial, streams: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Name a recording's files, by stream."""
    action, subject, trial = key
    name = f"a{action}_s{subject}_t{trial}"
    return {stream: (f"{FILES[stream][0]}/{name}{FILES[stream][1]}",) for stream in streams}


def _publish(draft: Path, root: Path) -> None:
    try:
        draft.chmod(0o755)  # mkdtemp keeps others out
        os.rename(draft, root)
    except OSError:
        if not root.is_dir():
            raise  # otherwise another process was first, with the same content


def _drop_stale(root: Path) -> None:
    """Remove what killed generations left an hour ago or more."""
    import shutil

    for left in root.parent.glob(f".{root.name}-*"):
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)
