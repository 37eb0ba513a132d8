"""From what lies in a folder to a stages file: what is written, why, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.init.classes import classes_of
from pipeline.init.experiment import experiment_for
from pipeline.init.looked import Looked
from pipeline.init.names.agree import Agreed, agree, label_values
from pipeline.init.names.groups import Group
from pipeline.init.question import Question
from pipeline.init.segments import Segments, segments_for
from pipeline.init.settle import Settings
from pipeline.sources.base import Listing
from pipeline.sources.folder.listing.files import find_files
from pipeline.sources.folder.listing.patterns import Pattern, PatternError
from pipeline.sources.folder.listing.recordings import list_recordings
from pipeline.sources.folder.natural_order import natural
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
    given, streams = Settings(settings), looked.streams
    _check_streams(looked, given)
    patterns, agreed = _patterns(looked, given)
    questions, comments = _stream_questions(looked, given), dict[str, str]()
    source: dict[str, Any] = {"name": "folder", "classes": [], "streams": _streams(looked, patterns, given, comments)}
    _check_table(looked)
    table = _table(looked)
    segments = segments_for(looked, patterns, table=table is not None)
    labels = _labels(looked, patterns, segments)
    classes = classes_of(labels, looked.root, looked.singles)
    if len(classes.names) < 2:
        raise _no_classes(looked, patterns, classes.names)
    if table is not None:
        source["table"] = table
    if segments.keys:
        source["segments"] = segments.keys
        comments |= {f"source.segments{key and '.'}{key}": text for key, text in segments.comments.items()}
    source["classes"] = classes.names
    if classes.numbers:
        comments["source.classes"] = classes.numbers
    if classes.labels:
        source["labels"] = classes.labels
        comments["source.labels"] = classes.comment
    _add_times(source, comments, looked, shared=segments.shared)
    source = given.within("source", source)
    listing = _listing(looked, source, segments, given)
    questions = [*_who_and_what(looked, patterns, agreed, given, listing), *questions]
    if len(classes.names) > _MOST_CLASSES and not given.has("source.classes"):
        questions.append(_many_classes(classes.names))
    settled = {name: replace(stream, keys=source["streams"][name]) for name, stream in streams.items()}
    questions += _which_column(looked, segments)
    experiment = experiment_for(settled, listing.recordings, alone=agreed.alone, length=segments.seconds)
    if agreed.alone:
        comments["source.streams"] = "names do not say who is in a recording: {subject} is what tells them apart"
    document = given.within("", {"store": ".store", "source": source, **experiment.keys})
    return Proposal(
        document=document,
        comments={**comments, **{key: text for key, text in experiment.comments.items() if not given.has(key)}},
        questions=[question for question in questions if not given.has(question.key)],
        listing=listing,
        looked=looked,
        estimated=segments.estimated,
        notes=_notes(looked),
    )


def _streams(
    looked: Looked, patterns: Mapping[str, list[str]], given: Settings, comments: dict[str, str]
) -> dict[str, Any]:
    """Return `source.streams`, and add what is to be said of it."""
    found = {}
    for name, stream in looked.streams.items():
        files = {} if stream.group in looked.columns else {"files": _one(patterns[name])}
        found[name] = given.within(f"source.streams.{name}", {**files, **stream.keys})
        for key, text in stream.comments.items():
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
    groups: list[Group] = []
    said: dict[Group, str] = {}
    for name, stream in looked.streams.items():
        mine = [stream.group, *looked.several.get(name, [])] if stream.group not in looked.columns else []
        groups += mine
        if mine and isinstance(pattern := given.get(f"source.streams.{name}.files"), str):
            said |= dict.fromkeys(mine, pattern)
    agreed = agree(groups, said, ids=looked.ids, table=looked.table is not None)
    found = {}
    for name, stream in looked.streams.items():
        mine = [stream.group, *looked.several.get(name, [])]
        found[name] = [*dict.fromkeys(agreed.patterns[group] for group in mine if group in agreed.patterns)]
    return found, agreed


def _one(patterns: Sequence[str]) -> str | list[str]:
    return patterns[0] if len(patterns) == 1 else [*patterns]


def _stream_questions(looked: Looked, given: Settings) -> list[Question]:
    return [
        replace(question, key=f"source.streams.{name}.{question.key}", text=f"{name}: {question.text}")
        for name, stream in looked.streams.items()
        for question in stream.questions
    ]


def _table(looked: Looked) -> dict[str, Any] | str | None:
    if looked.table is None:
        return None
    columns = {here: there for here, there in looked.table.columns.items() if here != there}
    for name, stream in looked.streams.items():
        column = looked.columns.get(stream.group)
        if column is not None and column != name:
            columns[name] = column
    return {"file": looked.table.file, "columns": columns} if columns else looked.table.file


def _check_table(looked: Looked) -> None:
    if looked.table is not None and "subject" not in looked.table.columns:
        raise ConfigError(
            f"{looked.root / looked.table.file}: has no column that says who is in a recording "
            f"(it has {', '.join([*looked.table.texts, *looked.table.paths])})\n"
            "  add a column `subject`; where that is not known, give each recording a subject of its own"
        )


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


def _no_classes(looked: Looked, patterns: Mapping[str, Sequence[str]], names: Sequence[str]) -> ConfigError:
    what = f"only one class, {names[0]}" if names else "no part that says what is done in a recording"
    files = "; ".join(each for some in patterns.values() for each in some)
    name = next(iter(looked.streams))
    return ConfigError(
        f"{looked.root}: names have {what} ({files})\n"
        f"  write {{label}} where a path says it: --set 'source.streams.{name}.files=...'; or list the recordings in a "
        "table recordings.csv with columns id, subject, label (docs/own-data.md)"
    )


def _who_and_what(
    looked: Looked, patterns: Mapping[str, Sequence[str]], agreed: Agreed, given: Settings, listing: Listing
) -> list[Question]:
    """Ask where names do not say which part is the subject, which the label."""
    name = next((each for each, some in patterns.items() if some), None)
    if name is None or looked.table is not None:
        return []
    open_roles = [role for role, sure in agreed.sure.items() if not sure]
    if not open_roles and not agreed.alone:
        return []
    pattern, group = patterns[name][0], looked.streams[name].group
    example = group.paths[len(group.paths) // 2]
    if agreed.alone:
        text = f"names do not say who is in a recording ({example}); where is it said?"
        return [Question(f"source.streams.{name}.files", text, ((pattern, "each counts as a subject"),), pattern)]
    roles = [role for role in ("subject", "label", "session") if f"{{{role}" in pattern]
    turned = [pattern]
    for one in roles:
        for other in roles:
            if one < other:
                turned.append(_swapped(pattern, one, other))
    text = f"what do the parts of names mean, as in {example}?"
    choices = tuple((each, "as it seems" if each == pattern else "") for each in turned)
    return [Question(f"source.streams.{name}.files", text, choices, pattern)]


def _swapped(pattern: str, one: str, other: str) -> str:
    return pattern.replace(f"{{{one}", "{\0").replace(f"{{{other}", f"{{{one}").replace("{\0", f"{{{other}")


def _which_column(looked: Looked, segments: Segments) -> list[Question]:
    """Ask whether a column without a name has the labels."""
    column = segments.keys.get("column")
    if not isinstance(column, int):
        return []
    stream = segments.keys["stream"]
    some = ", ".join([*dict.fromkeys(segments.labels)][:5])
    text = f"{stream}: is column {column} what is done ({some}, ...)? the files have no names of columns"
    return [Question("source.segments.column", text, ((column, "as it seems"),), column)]


def _many_classes(names: Sequence[str]) -> Question:
    text = f"are these really {len(names)} classes ({', '.join(sorted(names, key=natural)[:4])}, ...)?"
    return Question("source.classes", text, ((list(names), "yes"),), list(names))


def _listing(looked: Looked, source: Mapping[str, Any], segments: Segments, given: Settings) -> Listing:
    described = {key: value for key, value in source.items() if key not in ("name", "times")}
    values = {"root": str(looked.root), **described}
    document = Document(Path("stages.yaml"), {"source": values}, {}, dict.fromkeys(given.names(), "--set"))
    params = convert(document, "source", values, Params)
    return list_recordings(find_files(looked.root, params), looked.root, params, segments)


def _check_streams(looked: Looked, given: Settings) -> None:
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


def _notes(looked: Looked) -> list[str]:
    notes = []
    for path, why in looked.left_out[:6]:
        notes.append(f"{path}: left out: {why}")
    if len(looked.left_out) > 6:
        notes.append(f"and {len(looked.left_out) - 6} more kinds of files left out")
    return notes
