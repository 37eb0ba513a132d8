"""What the user has decided on: keys of the stages file, which go before what was found."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import ConfigError
from pipeline.init.looked import Looked
from pipeline.init.streams.found import StreamFound
from pipeline.sources.folder.listing.patterns import Pattern, PatternError


class Settings:
    """Dotted keys and their values."""

    def __init__(self, settings: Sequence[tuple[str, Any]]) -> None:
        self._values = dict(settings)

    def has(self, key: str) -> bool:
        """Tell whether a key was decided on, or one that it is part of."""
        return any(key == each or key.startswith(f"{each}.") for each in self._values)

    def names(self) -> list[str]:
        """Return the dotted keys."""
        return [*self._values]

    def get(self, key: str) -> Any:
        """Return a key's value; None where it has none."""
        return self._values.get(key)

    def without_rivals(self, segments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keys of `source.segments` without those that what was decided on excludes."""
        found = copy.deepcopy(dict(segments))
        columns = self.within("source.segments", {}).get("columns")
        files = self.has("source.segments.files")
        if files or (isinstance(columns, dict) and "label" in columns):
            found.pop("column", None)
        if files and "files" not in segments:
            found.pop("columns", None)
        if self.has("source.segments.column"):
            found.get("columns", {}).pop("label", None)
        return found

    def within(self, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a section of the stages file with what was decided on for it; an empty key means all of the file."""
        found = copy.deepcopy(dict(values))
        for name, value in self._values.items():
            if key and not name.startswith(f"{key}."):
                continue
            *parents, last = name.removeprefix(f"{key}." if key else "").split(".")
            section = found
            for parent in parents:
                below = section.setdefault(parent, {})
                if not isinstance(below, dict):
                    raise ConfigError(f"--set {name}: {parent} is no mapping\n  set {parent} itself instead")
                section = below
            section[last] = value
        return found


def without_times(stream: StreamFound, time: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a stream's keys and the comments on them, where the user's `time` names columns taken for channels."""
    keys, comments = {**stream.keys}, {**stream.comments}
    column = time.get("column") if isinstance(time, Mapping) else None
    timed = {str(each) for each in (column if isinstance(column, list) else [column])}
    kept = [at for at, channel in enumerate(stream.channels) if channel not in timed]
    if len(kept) == len(stream.channels):
        return keys, comments
    for key in ("columns", "units"):
        if isinstance(keys.get(key), list) and len(keys[key]) == len(stream.channels):
            keys[key] = [keys[key][at] for at in kept]
    if isinstance(keys.get("units"), list) and len({*keys["units"]}) == 1:
        keys["units"] = keys["units"][0]
    comments["rate"] = "assumed, since it was not known which column is time"
    return keys, comments


def check_streams(looked: Looked, given: Settings) -> None:
    """Check what was decided on for streams: ConfigError for one that is not there, or a pattern that fits no file."""
    known = ", ".join(looked.streams)
    for key in given.names():
        words = key.split(".")
        if words[:2] != ["source", "streams"] or len(words) < 4:
            continue
        if words[2] not in looked.streams:
            raise ConfigError(f"--set {key}: there is no stream {words[2]}\n  there are {known}")
        pattern = given.get(key)
        if words[3:] != ["files"] or not isinstance(pattern, str):
            continue
        paths = looked.streams[words[2]].group.paths
        try:
            compiled = Pattern.parse(pattern)
        except PatternError as error:
            problem, _, remedy = str(error).partition("; ")
            raise ConfigError(f"--set {key}: {problem}\n  {remedy}") from None
        if not any(compiled.match(path) for path in paths):
            raise ConfigError(f"--set {key}: {pattern} fits no file\n  files are such as {paths[0]}")
