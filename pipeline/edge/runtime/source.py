"""The recordings of a dataset, read by the reader that the model was trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from pipeline.edge.card import Card
from pipeline.edge.runtime.predict import Job
from pipeline.edge.runtime.reading.read import needed_packages
from pipeline.edge.runtime.recordings import RawStream
from pipeline.errors import BadRecording, ConfigError, ContractError, DataError
from pipeline.registry import SOURCES, import_object
from pipeline.sources.base import Generator, Recording, Source
from pipeline.sources.time_limits import TimeLimits
from pipeline.sources.validate_listing import validated_listing
from pipeline.sources.validate_streams import series_of


def source_jobs(card: Card, root: Path, subjects: Sequence[str] = ()) -> list[Job]:
    """Return a dataset's recordings, those of some subjects where any are named, each with its label.

    Raises
    ------
    ConfigError
        The card does not say how its dataset is read, a package for that is not installed, the dataset is not there, or
        nothing in it is what was asked for.
    """
    with needed_packages(str(root)):
        source, limits = _opened(card, root)
        recordings = validated_listing(source).recordings
    _check(card, source)
    known = {row.subject for row in recordings}
    if unknown := [each for each in subjects if each not in known]:
        remedy = f"it has {', '.join(sorted(known, key=_natural))}"
        raise ConfigError(f"--subjects {','.join(unknown)}: no recording in {root} is of this subject\n  {remedy}")
    chosen = [row for row in recordings if not subjects or row.subject in subjects]
    return [Job(row.id, partial(_read, card, source, limits, row), row.action) for row in chosen]


def _opened(card: Card, root: Path) -> tuple[Source, TimeLimits]:
    body = dict(card.source)
    name = str(body.pop("name", ""))
    if name not in SOURCES:
        problem = (
            f"the card of {card.model} names the source {name!r}, a plug-in" if name else "the card names no source"
        )
        raise ConfigError(f"--source {root}: {problem}\n  give files of recordings instead")
    entry = SOURCES[name]
    times = body.pop("times", {})
    struct, build = _imported(entry.params), _imported(entry.build)
    try:
        limits = msgspec.convert(times, TimeLimits)
        has_root = "root" in struct.__struct_fields__
        params = msgspec.convert({**body, "root": str(root)} if has_root else body, struct)
    except msgspec.ValidationError as error:
        problem = (
            f"--source {root}: the card of {card.model} describes source {name} otherwise than this version ({error})"
        )
        raise ConfigError(f"{problem}\n  export the model again with this version, or give files") from error
    if has_root:
        return build(root, params), limits
    generator: Generator = build(params, root)  # whose root is a cache
    generator.ensure()
    return generator, limits


def _imported(reference: str) -> Any:
    try:
        return import_object(reference)
    except ContractError as error:
        raise (_missing(error) or error) from None


def _missing(error: Exception) -> ImportError | None:
    """Return the missing package behind an error, if that is what it was."""
    return error.__cause__ if isinstance(error.__cause__, ImportError) else None


def _check(card: Card, source: Source) -> None:
    streams = {stream for modality in source.modalities.values() for stream in modality.streams}
    if lacking := [each.name for each in card.streams if each.name not in streams]:
        raise ConfigError(f"source {source.name} has no stream {lacking[0]}\n  give files of recordings instead")


def _read(card: Card, source: Source, limits: TimeLimits, recording: Recording) -> Mapping[str, RawStream]:
    """Return the streams that a model needs, at the card's rate where their files have no times; DataError."""
    return dict(_streams(card, source, limits, recording))


def _streams(card: Card, source: Source, limits: TimeLimits, recording: Recording) -> Iterator[tuple[str, RawStream]]:
    for stream in card.streams:
        files = recording.streams.get(stream.name, ())
        place = files[0] if files else recording.id
        with needed_packages(place):
            try:
                series = series_of(source, recording, stream.name, limits)
            except BadRecording as error:
                remedy = "record or save it again, or leave it out"
                raise DataError(f"{error.path}: {stream.name}: {error.reason}\n  {remedy}") from error
            except ContractError as error:
                raise (_missing(error) or error) from None
        yield stream.name, RawStream(place, series.values, series.times, stream.rate)


def _natural(text: str) -> tuple[bool, int, str]:
    return (False, int(text), text) if text.isdecimal() else (True, 0, text)
