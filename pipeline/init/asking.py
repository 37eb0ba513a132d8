"""What names, columns and numbers leave open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.init.looked import Looked
from pipeline.init.names.agree import Agreed
from pipeline.init.question import Question
from pipeline.init.segments import Segments
from pipeline.sources.folder.natural_order import natural


def of_streams(looked: Looked) -> list[Question]:
    """Ask what streams' files leave open."""
    return [
        replace(question, key=f"source.streams.{name}.{question.key}", text=f"{name}: {question.text}")
        for name, stream in looked.streams.items()
        for question in stream.questions
    ]


def who_and_what(looked: Looked, patterns: Mapping[str, Sequence[str]], agreed: Agreed) -> list[Question]:
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


def which_column(looked: Looked, segments: Segments) -> list[Question]:
    """Ask whether a column without a name has the labels."""
    column = segments.keys.get("column")
    if not isinstance(column, int):
        return []
    stream = segments.keys["stream"]
    some = ", ".join([*dict.fromkeys(segments.labels)][:5])
    text = f"{stream}: is column {column} what is done ({some}, ...)? the files have no names of columns"
    return [Question("source.segments.column", text, ((column, "as it seems"),), column)]


def many_classes(names: Sequence[str]) -> Question:
    """Ask whether so many are meant."""
    text = f"are these really {len(names)} classes ({', '.join(sorted(names, key=natural)[:4])}, ...)?"
    return Question("source.classes", text, ((list(names), "yes"),), list(names))


def _swapped(pattern: str, one: str, other: str) -> str:
    return pattern.replace(f"{{{one}", "{\0").replace(f"{{{other}", f"{{{one}").replace("{\0", f"{{{other}")
