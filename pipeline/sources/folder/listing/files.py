"""Which files of a folder belong to which stream, and what their names say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.sources.base import Unparsed
from pipeline.sources.folder.listing.labels import Labels
from pipeline.sources.folder.listing.patterns import PART, Pattern, escaped, plain
from pipeline.sources.folder.natural_order import natural
from pipeline.sources.folder.params import Params, Table
from pipeline.sources.folder_listing import no_recordings_message, walk

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm")


@dataclass(frozen=True)
class StreamFile:
    """What one recording's stream lies in: a file, or several in order; and what its name says, by part."""

    paths: tuple[str, ...]
    parts: Mapping[str, str]


@dataclass
class Found:
    """All files under a root: by stream, those that look like a stream's and are not, and all there are."""

    labels: Labels
    streams: dict[str, list[StreamFile]] = field(default_factory=dict)
    unparsed: list[Unparsed] = field(default_factory=list)
    present: dict[str, str] = field(default_factory=dict)  # path -> why it cannot be read, or nothing
    folders: list[str] = field(default_factory=list)


def stream_patterns(params: Params) -> dict[str, tuple[Pattern, ...]]:
    """Return each stream's patterns."""
    return {
        name: tuple(map(Pattern.parse, [stream.files] if isinstance(stream.files, str) else stream.files))
        for name, stream in params.streams.items()
    }


def find_files(root: Path, params: Params) -> Found:
    """Walk through a root; ConfigError where it is not there or cannot be read.

    A file that fits no pattern is told of where it lies beside files of a stream and has their ending: its name is
    probably mistyped. All others (notes, thumbnails) are nobody's business.
    """
    found = Found(Labels(params))
    streams = [_StreamFiles(name, patterns, found.labels) for name, patterns in stream_patterns(params).items()]
    ignored = [Pattern.parse(text) for text in params.ignore]
    tables = _tables(params)
    kinds: dict[tuple[str, str], str] = {}  # folder and ending of files of a stream
    strange: list[tuple[tuple[str, str], str]] = []
    for folder, entries in walk(root, ""):
        found.folders.append(folder)
        inside = f"{folder}/" if folder else ""
        for entry in entries:
            path = inside + entry.name
            if ignored and any(each.match(path) is not None for each in ignored):
                continue
            found.present[path] = entry.problem
            if any(each.match(path) is not None for each in tables):
                continue
            kind = folder, entry.name.rpartition(".")[2]
            claimed = [stream for stream in streams if stream.take(path, entry.problem)]
            if claimed:
                kinds.setdefault(kind, claimed[0].name)
            else:
                strange.append((kind, path))
    for stream in streams:
        stream.note_joined()
    for stream in streams:
        found.streams[stream.name] = list(stream.joined())
        found.unparsed += stream.unparsed
    reason = "fits no pattern of `files`; rename it, or `ignore` it"
    found.unparsed += [
        Unparsed(kinds[kind], path, found.present[path] or reason) for kind, path in strange if kind in kinds
    ]
    return found


def _tables(params: Params) -> list[Pattern]:
    """Return the patterns of files that say what is in others."""
    table = escaped((params.table.file if isinstance(params.table, Table) else params.table) or "")
    segments = params.segments.files if params.segments is not None else ""
    rows = (each.files for each in params.row_columns.values())
    return [Pattern.parse(text) for text in (table, segments, *rows) if text]


class _StreamFiles:
    """The files that fit a stream's patterns, by what their names say."""

    def __init__(self, name: str, patterns: Sequence[Pattern], labels: Labels) -> None:
        self.name, self._patterns, self._labels = name, patterns, labels
        self.unparsed: list[Unparsed] = []
        # each file's part, its path, and the number of the pattern that it fits
        self._files: dict[tuple[tuple[str, str], ...], list[tuple[str | None, str, int]]] = {}

    def take(self, path: str, problem: str) -> bool:
        """Tell whether a file fits, and keep it."""
        for number, pattern in enumerate(self._patterns):
            parts = pattern.match(path)
            if parts is None:
                continue
            if problem:
                self.unparsed.append(Unparsed(self.name, path, problem))
                return True
            part = parts.pop(PART, None)
            identity = tuple((name, plain(parts[name])) for name in pattern.sorted_names)
            self._files.setdefault(identity, []).append((part, path, number))
            return True
        return False

    def note_joined(self) -> None:
        """Note classes by which two of these files would be one recording's, though their labels differ."""
        seen: dict[tuple[tuple[str, str], ...], str] = {}
        for identity in self._files:
            parts = dict(identity)
            name, _ = self._labels.of(label := parts.pop("label", ""))
            if name is not None and seen.setdefault((("class", name), *parts.items()), label) != label:
                self._labels.joined.add(name)

    def joined(self) -> Iterator[StreamFile]:
        """Yield what files of one name make: one stream in several files, or else the first of them."""
        for identity, files in self._files.items():
            parts = {name: self._labels.canonical(of) if name == "label" else of for name, of in identity}
            if len(files) > 1:
                files.sort(key=lambda each: (natural(each[0] or ""), natural(each[1])))
            paths = tuple(path for _, path, _ in files)
            if len(paths) > 1 and any(part is None for part, _, _ in files) and not all(map(_is_picture, paths)):
                _, first, _ = min(files, key=lambda each: each[2])
                reason = f"names the same recording as {first}; let {{{PART}}} stand for what tells them apart"
                self.unparsed += [Unparsed(self.name, path, reason) for path in paths if path != first]
                paths = (first,)
            yield StreamFile(paths, parts)


def no_recordings(root: Path, params: Params, found: Found) -> ConfigError:
    """Say that a folder has none, and what was looked for."""
    looked = [text for each in stream_patterns(params).values() for text in (one.text for one in each)]
    if found.unparsed:
        first = found.unparsed[0]
        return ConfigError(
            f"source: no file in {root} makes a recording ({first.path}: {first.reason})\n  let `source` say what "
            "these files are, or set source.root to the folder of your recordings (--set source.root=DIR)"
        )
    expected = f"files like {looked[0]}" if looked else "a table of recordings"
    return ConfigError(no_recordings_message("your recordings", root, found.unparsed, expected))


def _is_picture(path: str) -> bool:
    return path.lower().endswith(IMAGES)
