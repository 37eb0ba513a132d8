"""The reader of data sets that are joined.

A modality has one stream, of its own name, which is read by the part that a recording is of. What a part does not say
of times is made of its nominal rate, so that parts may differ in it. Videos are not joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series, Source, Unparsed
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
from pipeline.sources.berkeley_mhad.source import Params as BerkeleyMhadParams
from pipeline.sources.folder.params import Params as FolderParams
from pipeline.sources.folder.source import Folder
from pipeline.sources.joined.params import Params, Scaled
from pipeline.sources.mmact.source import Mmact
from pipeline.sources.mmact.source import Params as MmactParams
from pipeline.sources.utd_mhad import Params as UtdMhadParams
from pipeline.sources.utd_mhad import UtdMhad

# Imported, since keys have the code of what a source imports.
READERS: Mapping[str, tuple[type[Any], type[msgspec.Struct]]] = {
    "utd-mhad": (UtdMhad, UtdMhadParams),
    "berkeley-mhad": (BerkeleyMhad, BerkeleyMhadParams),
    "mmact": (Mmact, MmactParams),
    "folder": (Folder, FolderParams),
}


@dataclass(frozen=True)
class Stream:
    """What a stream of a part's recordings is read from."""

    name: str  # in the part
    modality: Modality  # of the part
    scale: float

    @property
    def units(self) -> tuple[str, ...]:
        """Of its channels, where they are known: what is scaled is in another unit."""
        return self.modality.units if self.scale == 1 else ()


@dataclass(frozen=True)
class Part:
    """One of the data sets."""

    source: Source
    folder: str
    streams: Mapping[str, Stream]  # by the joined modality
    classes: Mapping[str, str]  # its own classes to the shared ones


class Joined:
    """Reader of several data sets below one root, by the classes and modalities that they share."""

    name = "joined"

    def __init__(self, root: Path, params: Params) -> None:
        self.root = root
        self.classes = tuple(params.classes)
        self._parts = {name: _part(root, params, name) for name in params.parts}
        self.modalities: Mapping[str, Modality] = {name: self._modality(name) for name in params.modalities}

    def list(self) -> Listing:
        """List the recordings of shared classes; ids and subjects have the part's name in front."""
        recordings: list[Recording] = []
        unparsed: list[Unparsed] = []
        for name, part in self._parts.items():
            try:
                listing = part.source.list()
            except ConfigError as error:
                key = f"source.parts.{name}.folder"
                said = str(error).removeprefix("source.root: ").replace(" (--set source.root=DIR)", "")
                raise ConfigError(f"{key}: {said.replace('source.root', key)}") from None
            found = [_row(name, part, each) for each in listing.recordings if each.action in part.classes]
            if not found:
                raise ConfigError(f"source.parts.{name}: no recording is of a shared class\n  see source.classes")
            recordings += found
            unparsed += [replace(each, path=f"{part.folder}/{each.path}") for each in listing.unparsed]
        return Listing(tuple(sorted(recordings, key=lambda each: each.id)), tuple(unparsed))

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Read a stream, all of it."""
        return Probe.of(self.open_series(recording, stream))

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read a series (T, C) in the unit of the joined modality, or a skeleton (T, joints, 3)."""
        import numpy as np

        part, own, wanted = self._own(recording, stream)
        try:
            series = part.source.open_series(own, wanted.name)
        except BadRecording as error:
            raise BadRecording(recording.id, stream, f"{part.folder}/{error.path}", error.reason) from error
        values = series.values[:, list(wanted.modality.channels)] if wanted.modality.channels else series.values
        times = np.arange(len(values)) / wanted.modality.rate if series.times is None else series.times
        return Series(np.ascontiguousarray(wanted.scale * values if wanted.scale != 1 else values), times)

    def skeleton_joints(self, modality: str) -> dict[str, int]:
        """Return which joints encoding goes by, where all parts say the same."""
        said = [
            part.source.skeleton_joints(part.streams[modality].name) if hasattr(part.source, "skeleton_joints") else {}
            for part in self._parts.values()
        ]
        return dict(said[0]) if all(each == said[0] for each in said) else {}

    def _modality(self, name: str) -> Modality:
        """Describe a joined modality; its rate is the lowest, of which every part has the samples."""
        found = {part: each.streams[name].modality for part, each in self._parts.items()}
        kinds = {modality.kind for modality in found.values()}
        if len(kinds) > 1:
            listed = ", ".join(f"{modality.kind} in {part}" for part, modality in found.items())
            raise ConfigError(f"source.modalities.{name}: is {listed}\n  join modalities of one kind")
        units = {each.streams[name].units for each in self._parts.values()}
        if len(known := {each for each in units if each}) > 1:
            listed = ", ".join(
                f"{' '.join(stream.streams[name].units)} in {part}" for part, stream in self._parts.items()
            )
            raise ConfigError(f"source.modalities.{name}: its channels are {listed}\n  join channels of one kind")
        rate = min(modality.rate for modality in found.values())
        return Modality(kinds.pop(), (name,), rate, units=known.pop() if len(units) == 1 and known else ())

    def _own(self, recording: Recording, stream: str) -> tuple[Part, Recording, Stream]:
        """Return a recording as its part knows it, and what the stream is there."""
        part = self._parts[recording.columns["dataset"]]
        wanted = part.streams[stream]
        files = tuple(file.removeprefix(f"{part.folder}/") for file in recording.streams.get(stream, ()))
        own = msgspec.structs.replace(
            recording,
            id=recording.id.removeprefix(f"{recording.columns['dataset']}_"),
            streams={wanted.name: files} if files else {},
            columns={name: value for name, value in recording.columns.items() if name != "dataset"},
        )
        return part, own, wanted


def _part(root: Path, params: Params, name: str) -> Part:
    key, section = f"source.parts.{name}", dict(params.parts[name])
    reader, folder = section.pop("name", None), section.pop("folder", name)
    if reader not in READERS:
        raise ConfigError(f"{key}.name: {reader!r} is no source that can be joined\n  known: {', '.join(READERS)}")
    if not isinstance(folder, str) or not folder or folder.startswith("/") or ".." in folder.split("/"):
        raise ConfigError(f"{key}.folder: {folder!r} is no folder below source.root\n  name one, relative to it")
    if "root" in section:
        raise ConfigError(f"{key}.root: is where it lies below source.root\n  write folder: {name}, relative to it")
    build, struct = READERS[reader]
    try:
        own = msgspec.convert({**section, "root": str(root / folder)}, struct)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{key}: {error}\n  see what source {reader} takes") from None
    source = build(root / folder, own)
    streams = {
        joined: _stream(source, f"source.modalities.{joined}.{name}", of_parts[name])
        for joined, of_parts in params.modalities.items()
    }
    return Part(source, folder.strip("/"), streams, dict(_shared_classes(source, params, name)))


def _stream(source: Source, key: str, said: str | Scaled) -> Stream:
    wanted = Scaled(said) if isinstance(said, str) else said
    modality = source.modalities.get(wanted.modality)
    if modality is None:
        known = ", ".join(source.modalities)
        raise ConfigError(f"{key}: {source.name} has no modality {wanted.modality}\n  known: {known}")
    if len(modality.streams) > 1:
        raise ConfigError(f"{key}: {wanted.modality} has several streams\n  name one of a single stream")
    if modality.kind == "video":
        raise ConfigError(f"{key}: {wanted.modality} is video\n  join series or skeletons")
    return Stream(modality.streams[0], modality, wanted.scale)


def _shared_classes(source: Source, params: Params, part: str) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for shared, of_parts in params.classes.items():
        said = of_parts.get(part, ())
        for own in (said,) if isinstance(said, str) else said:
            key = f"source.classes.{shared}.{part}"
            if own not in source.classes:
                known = ", ".join(source.classes)
                raise ConfigError(f"{key}: {source.name} has no class {own}\n  known: {known}")
            if seen.setdefault(own, shared) != shared:
                raise ConfigError(f"{key}: {own} is {seen[own]}, too\n  let a class stand for one shared class")
            yield own, shared


def _row(name: str, part: Part, own: Recording) -> Recording:
    """Return a part's recording as the joined source lists it."""
    streams = {
        joined: tuple(f"{part.folder}/{file}" for file in own.streams[stream.name])
        for joined, stream in part.streams.items()
        if stream.name in own.streams
    }
    return msgspec.structs.replace(
        own,
        id=f"{name}_{own.id}",
        subject=f"{name}-{own.subject}",
        action=part.classes[own.action],
        streams=streams,
        columns={**own.columns, "dataset": name},
    )
