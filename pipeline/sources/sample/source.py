"""The sample as a source: listed from its parameters alone, its files made when they are first needed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from pipeline.errors import StepError
from pipeline.sources.base import Listing
from pipeline.sources.utd_mhad import FILES, UtdMhad, row
from store.canonical import digest

VERSION = 1  # of what is generated: raise it with every change of the files' content

CLASSES = (
    "swipe_left", "swipe_right", "wave", "draw_circle_cw", "draw_circle_ccw", "push", "knock", "squat",
)  # fmt: skip


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``source: {name: sample}`` takes; every subject does all eight actions."""

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    subjects: Annotated[int, msgspec.Meta(ge=2, le=99)] = 8
    trials: Annotated[int, msgspec.Meta(ge=1, le=99)] = 3


class Sample(UtdMhad):
    """A generated dataset in UTD-MHAD's layout.

    Parameters
    ----------
    params
        Seed and size.
    cache
        Folder under which datasets are kept, each in ``sample-<digest>``.
    """

    name = "sample"
    classes = CLASSES

    def __init__(self, params: Params, cache: Path) -> None:
        super().__init__(cache / f"sample-{digest(recipe(params))[:12]}")
        self._chosen = params

    def recipe(self) -> dict[str, object]:
        """Everything that determines the files' content; stands for their digests."""
        return recipe(self._chosen)

    def list(self) -> Listing:
        """List what the parameters promise; looks at no file, and needs none."""
        keys = (
            (action, subject, trial)
            for action in range(1, len(CLASSES) + 1)
            for subject in range(1, self._chosen.subjects + 1)
            for trial in range(1, self._chosen.trials + 1)
        )
        rows = [row(CLASSES, key, {stream: (path,) for stream, path in files(key).items()}) for key in keys]
        return Listing(tuple(sorted(rows, key=lambda each: each.id)))

    def ensure(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Make the files where they are not there yet.

        They are written into a folder beside and renamed when complete, so that a killed generation leaves
        nothing that is taken for the dataset. Two processes may generate at once; the second drops its own.

        Parameters
        ----------
        progress
            Called with recordings done and in all.

        Raises
        ------
        StepError
            The cache folder cannot be written.
        """
        if self.root.is_dir():
            return
        import shutil
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
        from pipeline.sources.sample.generate import streams, write

        for folder, _ in FILES.values():
            (draft / folder).mkdir()
        rows = self.list().recordings
        for done, each in enumerate(rows):
            if progress is not None:
                progress(done, len(rows))
            label = CLASSES.index(each.action) + 1
            made = streams(self._chosen.seed, int(each.subject), label, each.action, int(each.session))
            write(draft, {stream: paths[0] for stream, paths in each.streams.items()}, made)
        (draft / "recipe.json").write_text(json.dumps(self.recipe(), indent=2) + "\n", encoding="utf-8")
        if progress is not None:
            progress(len(rows), len(rows))


def recipe(params: Params) -> dict[str, object]:
    """Name the generator, its version and its parameters."""
    return {"generator": "sample", "version": VERSION, **msgspec.structs.asdict(params)}


def files(key: tuple[int, int, int]) -> Mapping[str, str]:
    """Name a recording's files, by stream."""
    action, subject, trial = key
    return {stream: f"{folder}/a{action}_s{subject}_t{trial}{end}" for stream, (folder, end) in FILES.items()}


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
