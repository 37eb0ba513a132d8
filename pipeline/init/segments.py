"""Recordings within long files: by a table of stretches, a column of labels, or in windows of one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.init.looked import Looked
from pipeline.init.names.groups import Group
from pipeline.init.names.roles import pattern_of, roles_of
from pipeline.sources.folder.listing.segments import Stretch

_LONG = 20.0  # seconds: no single action takes so long
_WINDOW = 5.0
_MOST_STRETCHES = 40


@dataclass
class Segments:
    """The keys of `source.segments`, and what to expect of files' content, which is not read here.

    Attributes
    ----------
    shared
        Whether stretches are given in the files' own time.
    seconds
        How long the windows are; 0 where recordings are not cut.
    estimated
        Whether only the content of files says how many recordings there are.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    shared: bool = False
    seconds: float = 0.0
    estimated: bool = False
    lengths: dict[str, float] = field(default_factory=dict)

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        """Expect a stream to be as long as others of its kind."""
        return Stretch(0.0, self.lengths.get(stream) or _WINDOW)

    def labelled(self, stream: str, paths: tuple[str, ...]) -> Sequence[Stretch]:
        """Expect the labels of some files in all."""
        labels = [*dict.fromkeys(label for label in self.labels if label.strip())]
        length = max(self.lengths.get(stream, 0.0) / max(1, len(labels)), self.seconds or _WINDOW)
        return [Stretch(at * length, (at + 1) * length, label) for at, label in enumerate(labels)]


def segments_for(looked: Looked, patterns: Mapping[str, Sequence[str]], *, table: bool) -> Segments:
    """Decide whether files hold several recordings each, and by what they are told apart."""
    found = Segments(lengths={name: stream.seconds for name, stream in looked.streams.items()})
    named = table or any("{label" in pattern for some in patterns.values() for pattern in some)
    if looked.stretches is not None and not named:
        group, head = looked.stretches
        pattern = group.paths[0] if len(group.paths) == 1 else _pattern(group, patterns)
        found.keys = {"files": pattern}
        if head.columns:
            found.keys["columns"] = dict(head.columns)
        if head.unit != "s":
            found.keys["unit"] = head.unit
        found.labels, found.shared = _all_labels(looked, group), head.epoch
        found.comments[""] = (
            "recordings are stretches of long files; `rest: NAME` would make a class of what lies between"
        )
        _cut(found, head.seconds)
        return found
    name = next((name for name, stream in looked.streams.items() if stream.label is not None), None)
    if name is not None and not named:
        stream = looked.streams[name]
        found.keys = {"column": stream.label, "stream": name}
        found.labels = [label for label in stream.labels if label.strip()]
        found.estimated = True
        found.comments[""] = "recordings are the stretches of one label in long files"
        found.comments["column"] = "classes were found in a part of the files; add those that `status` names"
        if stream.seconds > _LONG:
            _cut(found, stream.seconds)
        return found
    longest = max((stream.seconds for stream in looked.streams.values()), default=0.0)
    if longest > _LONG and not table:
        found.comments[""] = f"files are long (usually {longest:.3g} s), so recordings are windows of them"
        _cut(found, longest)
        found.estimated = True
    return found


def _cut(found: Segments, seconds: float) -> None:
    if seconds > _LONG:
        found.keys["windows"] = {"seconds": _WINDOW}
        found.seconds = _WINDOW
        found.comments["windows"] = "each a recording of its own; `every: 2.5` would let them overlap"


def _pattern(group: Group, patterns: Mapping[str, Sequence[str]]) -> str:
    known = {name for some in patterns.values() for pattern in some for name in ("subject", "session", "view", "scene")
             if f"{{{name}" in pattern}  # fmt: skip
    return pattern_of(group, roles_of(group).roles, names=[*known])


def _all_labels(looked: Looked, group: Group) -> list[str]:
    """Return the labels of all tables of stretches, or of the first thousand."""
    from pipeline.init.look.tables import stretches_table

    found: list[str] = []
    for path in group.paths[:1000]:
        table = stretches_table(looked.root, path)
        found += table.labels if table is not None else ()
    return found
