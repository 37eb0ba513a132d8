"""Whose mistake it is: the stages file's own, or that of a setting which does not go with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.lock import LockedStream
from pipeline.plan.recordings.table import Table
from pipeline.sources.base import Source
from pipeline.stagesfile.experiment import Point, read_points
from store.canonical import digest

Setting = tuple[str, Any]


@dataclass(frozen=True)
class Attempt:
    """A plan that came as far as building steps: they are built again without settings."""

    # What is known of the source of that plan; another one's recordings are listed by their names.
    source: Source
    table: Table
    build: Callable[[Sequence[Point], Table], object]  # what fails for some points and not for others


def find_blame(
    error: ConfigError, path: Path, text: str, settings: Sequence[Setting], attempt: Attempt | None = None
) -> ConfigError:
    """Return the error, placed at the settings where the file alone is right."""
    if not (error.of_file and settings) or not _holds(path, text, [], attempt):
        return error
    others = [[*settings[:i], *settings[i + 1 :]] for i in range(len(settings))]
    blamed = [key for (key, _), rest in zip(settings, others, strict=True) if _holds(path, text, rest, attempt)]
    keys = dict.fromkeys(blamed or [key for key, _ in settings])
    return ConfigError(f"--set {', '.join(keys)}: {error.of_file}")


def _holds(path: Path, text: str, settings: Sequence[Setting], attempt: Attempt | None) -> bool:
    try:
        points = read_points(path, text, settings)
        if attempt is not None:
            source = points[0].source
            same = (source.name, source.root) == (attempt.source.name, attempt.source.root)
            table = attempt.table if same else Table(source.list(), {})
            attempt.build(points, _with_streams(table, points))
    except ConfigError:
        return False
    return True


def _with_streams(table: Table, points: Sequence[Point]) -> Table:
    """Let the table have every stream that could be asked for; what it says of them matters to no message."""
    streams = {s for point in points for each in point.source.modalities.values() for s in each.streams}
    unknown = LockedStream(digest(None))
    return replace(table, raw={s: table.raw.get(s, unknown) for s in streams | table.raw.keys()})
