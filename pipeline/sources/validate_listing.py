"""What a source lists, held against its contract."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import lt
from typing import Any, get_args

from pipeline.errors import ContractError
from pipeline.sources.base import Kind, Listing, Modality, Recording, Source
from pipeline.sources.validate_streams import REMEDY, asking, mistake

FASTEST = 1e6  # Hz
TAKEN = ("id", "subject", "label", "session", "scene", "view", "start", "end")  # what no further column is called


def validated_listing(source: Source) -> Listing:
    """List a source's recordings.

    Raises
    ------
    ContractError
        They are not sorted by id or two have the same, or one has an action that is no class, a stream of no modality,
        a path that leads out of the root, or a field of another type than the contract's.
    """
    with asking(source, "list"):
        listing = source.list()
    if not isinstance(listing, Listing):
        raise mistake(source, f"list gave {type(listing).__name__}, wanted a Listing")
    recordings = listing.recordings
    classes = frozenset(source.classes)
    streams = frozenset(stream for modality in source.modalities.values() for stream in modality.streams)
    for recording in recordings:
        problem = _problem(recording, classes, streams)
        if problem:
            raise mistake(source, f"list: {problem}")
    ids = [recording.id for recording in recordings]
    # One pass in C: a listing may have millions of recordings.
    if not all(map(lt, ids, ids[1:])):
        raise mistake(source, f"list: {_disorder(ids)}")
    return listing


def check_root(name: str, build: Any, root: Any) -> None:
    """Hold a source's class against the `root` of its parameters, None where they have none.

    ContractError unless it reads a folder, and takes that and its parameters, or is a generator, which takes its
    parameters and the cache's folder. A generator has a `recipe`, which stands for its files.
    """
    problem = ""
    if not hasattr(build, "recipe"):
        if not isinstance(root, str):
            problem = "its Params has no `root: str`, and it is no generator, which has `recipe` and `ensure`"
    elif root is not None:
        problem = "has `recipe`, as a generator, and its Params has a root, as a source that reads a folder: drop one"
    elif not hasattr(build, "ensure"):
        problem = "has `recipe`, as a generator, and no `ensure`, which makes its files"
    if problem:
        raise ContractError(f"source {name} ({build.__module__}): {problem}\n  {REMEDY}")


def check_source(name: str, source: Source) -> None:
    """Hold what a source says of itself against its contract; ContractError names what is wrong."""
    wanted = ("name", "root", "classes", "modalities", "list", "probe")
    if lacking := [each for each in wanted if not hasattr(source, each)]:
        raise ContractError(f"source {name} ({type(source).__module__}): has no {' and no '.join(lacking)}\n  {REMEDY}")
    if source.name != name:
        raise mistake(source, f"its table calls it {name}, wanted name = {name!r}")
    classes, modalities = source.classes, source.modalities
    if not isinstance(classes, tuple) or not classes or {type(each) for each in classes} != {str}:
        raise mistake(source, f"classes is {classes!r:.80}, wanted a tuple of names")
    if len(set(classes)) < len(classes):
        raise mistake(source, "classes names one twice")
    if not isinstance(modalities, Mapping):
        raise mistake(source, f"modalities is {type(modalities).__name__}, wanted Modality by name")
    for each, modality in modalities.items():
        good = isinstance(modality, Modality) and modality.kind in get_args(Kind) and modality.streams
        if not good or not 0 < modality.rate <= FASTEST:
            raise mistake(source, f"modality {each} is {modality!r:.120}, wanted a kind, streams and a rate in Hz")
        if not hasattr(source, opens := "open_video" if modality.kind == "video" else "open_series"):
            raise mistake(source, f"has no {opens}, which modality {each} needs")


def _problem(recording: Recording, classes: frozenset[str], streams: frozenset[str]) -> str:
    """Say what is wrong with one recording; nothing where it is as it should be."""
    if type(recording) is not Recording:
        return f"holds a {type(recording).__name__}, wanted a Recording"
    whose = f"recording {recording.id}"
    id_, subject, action, session = recording.id, recording.subject, recording.action, recording.session
    if not (
        type(id_) is type(subject) is type(action) is type(session) is str and id_ and subject and action and session
    ):
        fields = {"id": id_, "subject": subject, "action": action, "session": session}
        name = next(name for name, value in fields.items() if type(value) is not str or not value)
        return f"{whose} has the {name} {fields[name]!r}, wanted text"
    if not (text := f"{id_}{subject}{session}").isascii() and not _is_unicode(text):
        return f"{whose} has an id, a subject or a session that is not UTF-8: folder_listing.printable makes it so"
    if recording.action not in classes:
        return f"{whose} has the action {recording.action!r}, which is not among the source's classes"
    if recording.start is not None or recording.end is not None:
        start, end = recording.start or 0.0, math.inf if recording.end is None else recording.end
        if not 0 <= start < end:
            return f"{whose} goes from {recording.start} to {recording.end} s"
    if recording.columns and (problem := _column_problem(recording.columns)):
        return f"{whose} {problem}"
    for stream, paths in recording.streams.items():
        if stream not in streams:
            return f"{whose} has the stream {stream!r}, which no modality has"
        if type(paths) is not tuple:
            return f"{whose} has {type(paths).__name__} as the files of {stream}, wanted a tuple of paths"
        for path in paths:
            if type(path) is not str or not path or path[0] == "/" or (".." in path and ".." in path.split("/")):
                return f"{whose} has the file {path!r} of {stream}, wanted a path below the root"
            if not path.isascii() and not _is_unicode(path):
                return f"{whose} has the file {path!r} of {stream}, whose name is not UTF-8"
    return ""


def _column_problem(columns: Mapping[str, str]) -> str:
    if not isinstance(columns, Mapping):
        return f"has {type(columns).__name__} as its columns, wanted text by name"
    for name, value in columns.items():
        if type(name) is not str or type(value) is not str or not (name.isprintable() and name and value):
            return f"has {value!r} in the column {name!r}, wanted text"
        if name in TAKEN:
            return f"has the column {name!r}, which is the name of a field that every recording has"
        if not _is_unicode(name + value):
            return f"has {value!r} in the column {name!r}, which is not UTF-8"
    return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _disorder(ids: Sequence[str]) -> str:
    one, other = next((one, other) for one, other in pairwise(ids) if one >= other)
    return (
        f"two recordings have the id {one}" if one == other else f"{other} comes after {one}, wanted them sorted by id"
    )
