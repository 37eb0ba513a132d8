"""Stretches of one label within files that have a column of labels, read as the source will read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.init.streams.found import StreamFound, some_of
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.content import Content
from pipeline.sources.folder.listing.segments import Stretch
from pipeline.sources.folder.params import Params, Segments, Stream

_MOST_FILES = 200
_MOST_BYTES = 200 << 20
_SLOW = 20  # times as slow as text


def stretches_of(root: Path, found: StreamFound) -> Mapping[str, Sequence[Stretch]]:
    """Return the stretches of some of a stream's files, by path: of as many as are read within seconds.

    Files that cannot be read are left out: the source says what is wrong with them.
    """
    columns = {"subject": found.who, "label": found.label}
    stream = msgspec.convert({**found.keys, "files": found.group.paths[0]}, Stream)
    content = Content(
        root,
        Params(
            root=str(root),
            classes=("one", "other"),  # which there are is what is looked for
            streams={"stream": stream},
            segments=Segments(columns={name: each for name, each in columns.items() if each is not None}),
        ),
    )
    read: dict[str, Sequence[Stretch]] = {}
    spent = 0
    for path in some_of(root, found.group, _MOST_FILES):
        name = path.relative_to(root).as_posix()
        try:
            slow = found.group.kind == "excel" or path.suffix.lower() == ".gz"
            spent += path.stat().st_size * (_SLOW if slow else 1)
            if spent > _MOST_BYTES:
                break
            read[name] = content.labelled("stream", (name,))
        except (BrokenFileError, OSError):
            continue
    return read
