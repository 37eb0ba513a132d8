"""A stages file's source, opened and listed, without a plan: no file is hashed."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import ConfigError
from pipeline.plan.blame import find_blame
from pipeline.sources.base import Listing, Modality, Recording, Source
from pipeline.sources.time_limits import SourceRecipe, TimeLimits
from pipeline.sources.validate_listing import validated_listing
from pipeline.stagesfile.experiment import Point, read_points
from pipeline.stagesfile.load import read_text

_GOLDEN = 0.618033988749895


@dataclass(frozen=True)
class Opened:
    """A source with its listing, and the experiment that wants it.

    Attributes
    ----------
    point
        The first of a matrix; `modalities` are those of all its points.
    """

    point: Point
    listing: Listing
    modalities: dict[str, Modality]

    @property
    def source(self) -> Source:
        """The source."""
        return self.point.source

    @property
    def limits(self) -> TimeLimits:
        """What the times of a series can be."""
        return msgspec.convert(self.point.source_recipe, SourceRecipe).times

    @property
    def streams(self) -> dict[str, Modality]:
        """Each stream that a modality has, with the first such modality, which says its kind and rate."""
        found: dict[str, Modality] = {}
        for modality in self.modalities.values():
            found |= {stream: modality for stream in modality.streams if stream not in found}
        return found


def open_listed(path: Path, settings: Iterable[tuple[str, Any]], progress: Callable[[str, int, int], None]) -> Opened:
    """Read a stages file and list its source; a generated dataset is made where it is not there yet."""
    text, settings = read_text(path), list(settings)
    try:
        points = read_points(path, text, settings)
    except ConfigError as error:
        raise find_blame(error, path, text, settings) from None
    source = points[0].source
    ensure = getattr(source, "ensure", None)
    if ensure is not None:
        ensure(lambda done, total: progress("recordings made", done, total))
    named = dict.fromkeys(name for point in points for name in point.experiment.modalities)
    return Opened(points[0], validated_listing(source), {name: source.modalities[name] for name in named})


def chosen_evenly(recordings: Sequence[Recording], most: int) -> list[Recording]:
    """Return at most so many recordings, one from each equal stretch of all.

    Where in its stretch a recording lies differs from one to the next, so that a listing that repeats itself, as by
    trials, is not looked at in one of its places alone.
    """
    count = len(recordings)
    if count <= most:
        return list(recordings)
    stretches = [(at * count // most, (at + 1) * count // most) for at in range(most)]
    return [recordings[begin + int(at * _GOLDEN % 1.0 * (end - begin))] for at, (begin, end) in enumerate(stretches)]


def recording_named(name: str, opened: Opened) -> Recording:
    """Find a recording by its id; ConfigError names the nearest ones, or says what the name is of."""
    recordings = opened.listing.recordings
    for recording in recordings:
        if recording.id == name:
            return recording
    refuse_stages_file(name)
    if Path(name).suffix in (".svg", ".png"):
        option = Path(name).suffix.replace(".", "--")
        raise ConfigError(f"{name}: is no recording\n  name the picture to be written with {option} {name}")
    if owner := _owner(name, opened):
        raise ConfigError(f"{name}: is a file of recording {owner}\n  give the recording: `pipeline inspect {owner}`")
    if Path(name).is_dir():
        raise ConfigError(f"{name}: is a folder, no recording\n  give a recording; `source.root` says where they are")
    ids = [recording.id for recording in recordings]
    near = difflib.get_close_matches(name, ids, n=3, cutoff=0.4) or ids[:3]
    raise ConfigError(f"there is no recording {name}\n  nearest of {len(ids):,}: {', '.join(near)}")


def refuse_stages_file(name: str) -> None:
    """Raise ConfigError where what stands for a recording has a stages file's name."""
    if Path(name).suffix in (".yaml", ".yml"):
        raise ConfigError(f"{name}: is no recording\n  give a stages file with -f {name}")


def _owner(name: str, opened: Opened) -> str | None:
    """Return the recording that a file is of: by its path below the root, or as the user sees it."""
    files = ((row.id, file) for row in opened.listing.recordings for own in row.streams.values() for file in own)
    seen = Path(name).absolute()
    return next((id_ for id_, file in files if name == file or seen == opened.source.root.absolute() / file), None)
