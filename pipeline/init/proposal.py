"""From what lies in a folder to a stages file: what is written, why, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.init.asking import many_classes, of_streams, which_column, who_and_what
from pipeline.init.classes import classes_of, no_classes
from pipeline.init.experiment import experiment_for
from pipeline.init.joining import as_tables_say, check_recordings, lacking, shared, which_streams, without_prefixes
from pipeline.init.look.sheets import csv_key
from pipeline.init.looked import Looked
from pipeline.init.names.agree import Agreed, agree, label_values
from pipeline.init.names.groups import Group
from pipeline.init.names.roles import pattern_of
from pipeline.init.question import Question
from pipeline.init.segments import Segments, segments_for
from pipeline.init.settle import Settings, check_streams, without_times
from pipeline.sources.base import Listing
from pipeline.sources.folder.content import Content
from pipeline.sources.folder.listing.files import find_files
from pipeline.sources.folder.listing.patterns import Pattern
from pipeline.sources.folder.listing.recordings import list_recordings
from pipeline.sources.folder.params import Params
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.schema import convert

_MOST_CLASSES = 200


@dataclass
class Proposal:
    """A stages file to be written.

    Attributes
    ----------
    document
        Its keys, but `source.root`.
    comments
        By dotted key.
    questions
        That are open, the most important first.
    listing
        What the source will list; estimated where only the content of long files says it.
    """

    document: dict[str, Any]
    comments: dict[str, str]
    questions: list[Question]
    listing: Listing
    looked: Looked
    estimated: bool = False
    notes: list[str] = field(default_factory=list)


def propose(looked: Looked, settings: Sequence[tuple[str, Any]]) -> Proposal:
    """Put a stages file together.

    Parameters
    ----------
    settings
        Keys of the stages file that the user has decided on.

    Raises
    ------
    ConfigError
        The folder does not say what a stages file must, or settings do not fit it.
    """
    given = Settings(settings)
    check_streams(looked, given)
    patterns, agreed = _patterns(looked, given)
    segments = segments_for(looked, patterns, table=looked.table is not None)
    if looked.annotations and not segments.keys and agreed.sure.get("label") is False:
        raise no_classes(looked, patterns, [])
    source, comments = _source(looked, patterns, segments, given)
    listing = _listing(looked, source, segments, given)
    if ignored := _ignored(looked, patterns, listing):
        source = given.within("source", {**source, "ignore": ignored})
        listing = _listing(looked, source, segments, given)
    questions = [*who_and_what(looked, patterns, agreed), *which_streams(looked, patterns, listing.recordings)]
    questions += [*of_streams(looked), *which_column(looked, segments)]
    if len(source["classes"]) > _MOST_CLASSES:
        questions.append(many_classes(source["classes"]))
    wanted = given.get("modalities")
    if not isinstance(wanted, list):
        wanted = next((question.guess for question in questions if question.key == "modalities"), [])
    experiment = experiment_for(
        {name: replace(stream, keys=source["streams"][name]) for name, stream in looked.streams.items()},
        listing.recordings,
        wanted=wanted,
        alone=agreed.alone,
        length=segments.seconds,
        sets=looked.rows.sets if looked.rows is not None else (),
    )
    if agreed.alone:
        comments["source.streams"] = "names do not say who is in a recording: {subject} is what tells them apart"
    for question in questions:
        if question.untold and not given.has(question.key):
            experiment.comments[question.key] = question.untold
    document = given.within("", {"store": ".store", "source": source, **experiment.keys})
    return Proposal(
        document=document,
        comments={**comments, **{key: text for key, text in experiment.comments.items() if not given.has(key)}},
        questions=[question for question in questions if not given.has(question.key)],
        listing=listing,
        looked=looked,
        estimated=segments.estimated,
        notes=[
            *_notes(looked),
            *experiment.notes,
            *lacking(document["modalities"], listing.recordings),
            *(shared(document["modalities"], listing.recordings) if looked.rows is None else ()),
        ],
    )


def _source(
    looked: Looked, patterns: Mapping[str, list[str]], segments: Segments, given: Settings
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the key `source`, and comments by dotted key."""
    comments: dict[str, str] = {}
    source: dict[str, Any] = {"name": "folder", "classes": [], "streams": _streams(looked, patterns, given, comments)}
    check_recordings(looked)
    classes = classes_of(_labels(looked, patterns, segments), looked.root, looked.singles)
    if len(classes.names) < 2:
        raise no_classes(looked, patterns, classes.names)
    if (table := _table(looked)) is not None:
        source["table"] = table
    if looked.rows is not None:
        source["rows"] = looked.rows.columns
    if segments.keys:
        source["segments"] = given.without_rivals(segments.keys)
        comments |= {f"source.segments{key and '.'}{key}": text for key, text in segments.comments.items()}
    source["classes"] = classes.names
    if classes.numbers:
        comments["source.classes"] = classes.numbers
    if classes.labels:
        source["labels"] = classes.labels
        comments["source.labels"] = classes.comment
    _add_times(source, comments, looked, shared=segments.shared)
    return given.within("source", source), comments


def _streams(
    looked: Looked, patterns: Mapping[str, list[str]], given: Settings, comments: dict[str, str]
) -> dict[str, Any]:
    """Return `source.streams`, and add what is to be said of it."""
    found = {}
    for name, stream in looked.streams.items():
        files = {} if stream.group in looked.columns else {"files": _one(patterns[name])}
        keys, said = without_times(stream, given.within(f"source.streams.{name}", {}).get("time"))
        found[name] = given.within(f"source.streams.{name}", {**files, **keys})
        for key, text in said.items():
            if not given.has(f"source.streams.{name}.{key}"):
                comments[f"source.streams.{name}{key and '.'}{key}"] = text
    return found


def _add_times(source: dict[str, Any], comments: dict[str, str], looked: Looked, *, shared: bool) -> None:
    if shared:
        source["clocks"] = "shared"
        comments["source.clocks"] = "stretches are given in the files' own time"
    if (gap := max((stream.gap for stream in looked.streams.values()), default=0.0)) > 8:
        source["times"] = {"gap": round(2 * gap)}
        comments["source.times"] = f"a gap of {gap:.3g} s was seen; a recording with a longer one than this is broken"


def _patterns(looked: Looked, given: Settings) -> tuple[dict[str, list[str]], Agreed]:
    if looked.rows is not None:
        return {name: [looked.rows.patterns[stream.group]] for name, stream in looked.streams.items()}, Agreed({}, {})
    groups: list[Group] = []
    said: dict[Group, str] = {}
    for name, stream in looked.streams.items():
        mine = [stream.group, *looked.several.get(name, [])] if stream.group not in looked.columns else []
        groups += mine
        if mine and isinstance(pattern := given.get(f"source.streams.{name}.files"), str):
            said |= dict.fromkeys(mine, pattern)
    agreed = agree(
        groups,
        said,
        ids=looked.ids,
        table=looked.table is not None,
        people=any(stream.who is not None for stream in looked.streams.values()),
        labelled=any(stream.label is not None for stream in looked.streams.values()),
    )
    found = {}
    for name, stream in looked.streams.items():
        mine = [stream.group, *looked.several.get(name, [])]
        found[name] = [*dict.fromkeys(agreed.patterns[group] for group in mine if group in agreed.patterns)]
    if looked.table is None:
        found = as_tables_say(looked, without_prefixes(looked, found))
    return found, agreed


def _one(patterns: Sequence[str]) -> str | list[str]:
    return patterns[0] if len(patterns) == 1 else [*patterns]


def _table(looked: Looked) -> dict[str, Any] | str | None:
    if looked.table is None:
        return None
    columns = {here: there for here, there in looked.table.columns.items() if here != there}
    for name, stream in looked.streams.items():
        column = looked.columns.get(stream.group)
        if column is not None and column != name:
            columns[name] = column
    keys = {**({"columns": columns} if columns else {}), **csv_key(looked.table.encoding)}
    return {"file": looked.table.file, **keys} if keys else looked.table.file


def _labels(looked: Looked, patterns: Mapping[str, Sequence[str]], segments: Segments) -> Sequence[str]:
    if segments.labels:
        return segments.labels
    if looked.table is not None:
        return looked.table.labels
    found: list[str] = []
    for name, stream in looked.streams.items():
        paths = [path for group in (stream.group, *looked.several.get(name, [])) for path in group.paths]
        found += label_values(patterns[name], paths)
    return found


def _listing(looked: Looked, source: Mapping[str, Any], segments: Segments, given: Settings) -> Listing:
    described = {key: value for key, value in source.items() if key not in ("name", "times")}
    values = {"root": str(looked.root), **described}
    document = Document(Path("stages.yaml"), {"source": values}, {}, dict.fromkeys(given.names(), "--set"))
    params = convert(document, "source", values, Params)
    content = Content(looked.root, params)
    return list_recordings(find_files(looked.root, params), looked.root, params, segments, content)


def _ignored(looked: Looked, patterns: Mapping[str, Sequence[str]], listing: Listing) -> list[str]:
    """Return patterns of files that lie among those of streams and are none of theirs, so that nobody misses them."""
    told = {each.path for each in listing.unparsed}
    streams = [Pattern.parse(text) for some in patterns.values() for text in some]
    found = []
    for group in looked.groups_left_out:
        pattern = pattern_of(group, {})
        mine = Pattern.parse(pattern)
        if len(group.paths) > 1 and group.paths[0] in told and not any(each.match(group.paths[0]) for each in streams):
            known = [path for stream in looked.streams.values() for path in stream.group.paths]
            if not any(mine.match(path) for path in known):
                found.append(pattern)
    return found


def _notes(looked: Looked) -> list[str]:
    notes = [f"{name}: {text}" for name, stream in looked.streams.items() for text in stream.notes]
    for path, why in looked.left_out[:6]:
        notes.append(f"{path}: left out: {why}")
    if len(looked.left_out) > 6:
        notes.append(f"and {len(looked.left_out) - 6} more kinds of files left out")
    return notes
