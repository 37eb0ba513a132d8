"""What was found, as a table for a terminal, and what is open."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path

from pipeline.formatting import counted, cut, shortened
from pipeline.init.proposal import Proposal
from pipeline.init.question import Question
from pipeline.init.write import flow
from pipeline.report.formats.text_table import table
from pipeline.sources.folder.natural_order import natural

WIDTH = 80
_COLUMNS = ("stream", "files", "holds", "Hz", "seconds", "recordings")
_MOST = 6  # options that are shown
_LONGEST = 300  # characters of a value that is shown


def as_text(root: Path, proposal: Proposal) -> str:
    """Write what was found, in lines of at most 80 columns."""
    looked, recordings, source = proposal.looked, proposal.listing.recordings, proposal.document["source"]
    about = "about " if proposal.estimated else ""
    lines = [*wrapped(f"{root}: {counted(looked.count, 'file')} that may hold data"), ""]
    lines += [_streams(proposal, about), ""]
    for name, stream in source["streams"].items():
        files = stream.get("files", "")
        for each in [files] if isinstance(files, str) else files:
            lines += wrapped(f"{name}: {each or 'by the paths in the table'}")
    subjects = sorted({each.subject for each in recordings}, key=natural)
    lines.append(f"{about}{counted(len(recordings), 'recording')}".capitalize())
    if said := proposal.comments.get("source.segments", "").partition(";")[0]:
        windows = (source.get("segments") or {}).get("windows")
        lines += wrapped(said + (f", cut into windows of {windows['seconds']:g} s" if windows else ""))
    lines += wrapped(f"subjects {len(subjects)}: {', '.join(shortened(subjects, 12))}")
    lines += wrapped(f"classes {len(source['classes'])}: {', '.join(shortened([*source['classes']], 12))}")
    why = proposal.comments.get("protocol", "")
    lines += wrapped(f"protocol {flow(proposal.document['protocol'])}{why and ': '}{why}")
    for each in proposal.listing.unparsed[:3]:
        lines += wrapped(f"note: {each.path}: {each.reason}")
    if len(proposal.listing.unparsed) > 3:
        lines.append(f"note: and {counted(len(proposal.listing.unparsed) - 3, 'more file')} that belong to nobody")
    for text in proposal.notes:
        lines += wrapped(f"note: {text}")
    return "\n".join(lines)


def _streams(proposal: Proposal, about: str) -> str:
    """Write a row a stream."""
    looked, used = proposal.looked, proposal.document["modalities"]
    rows = []
    for name, stream in looked.streams.items():
        files = len(stream.group.paths) + sum(len(group.paths) for group in looked.several.get(name, ()))
        have = sum(name in each.streams for each in proposal.listing.recordings)
        seconds = f"{stream.seconds:,.3g}" if stream.seconds < 1000 else f"{stream.seconds:,.0f}"
        count = f"{about}{have:,}" + ("" if name in used else ", unused")
        rows.append(
            [cut(name, 20), f"{files:,}", stream.facts, f"{stream.rate:g}", seconds if stream.seconds else "?", count]
        )
    others = sum(max(len(row[at]) for row in [[*_COLUMNS], *rows]) + 2 for at in range(len(_COLUMNS)) if at != 2)
    for row in rows:
        row[2] = cut(row[2], max(12, WIDTH - others))
    return table(_COLUMNS, rows, right=(1, 3, 4, 5))


def open_text(questions: Sequence[Question]) -> str:
    """Say which questions are open, and what answers them."""
    lines = []
    for question in questions:
        lines += wrapped(f"open: {question.text}")
        lines += [line for value, meaning in question.choices[:_MOST] for line in _option(question.key, value, meaning)]
        if (others := len(question.choices) - _MOST) > 0:
            lines.append(f"    and {counted(others, 'other combination')}")
    return "\n".join(lines)


def choices_text(question: Question) -> str:
    """Write a question and its numbered choices, for a terminal at which somebody answers."""
    values = [value if isinstance(value, str) else flow(value) for value, _ in question.choices]
    meanings = [meaning for _, meaning in question.choices]
    both = [f"{value}  {meaning}".rstrip() for value, meaning in zip(values, meanings, strict=True)]
    if all(meanings) and max(map(len, both)) > WIDTH - 6:
        both = meanings
    numbered = [line for number, text in enumerate(both, 1) for line in wrapped(f"  {number}  {text}", indent="     ")]
    return "\n".join(["", *wrapped(question.text), *numbered])


def untold_text(question: Question) -> str:
    """Say what was taken where nobody was asked, and how another answer is given."""
    taken = "Left open" if question.guess is None else f"Taken: {_shown(question.guess)}"
    text = question.untold or question.text
    text += "" if text.endswith((".", "?", "!")) else "."
    lines = wrapped(f"{text} {taken}", WIDTH - len("note: "))
    other = next((each for each in question.choices if each[0] != question.guess), None)
    if other is not None:
        lines += ["  to say otherwise:", *_option(question.key, *other)]
    return "\n".join(lines)


def wrapped(text: str, width: int = WIDTH, indent: str = "  ") -> list[str]:
    """Break a text into lines between its words, of which none is broken."""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def folded(message: str) -> str:
    """Break the lines of an error's message, of which ``error:`` stands before the first."""
    first, *others = message.split("\n")
    lines = wrapped(f"error: {first}", indent="    ")
    for line in others:
        indent = line[: len(line) - len(line.lstrip())]
        lines += wrapped(line, indent=f"{indent}  ") if len(line) > WIDTH else [line]
    return "\n".join(lines).removeprefix("error: ")


def _option(key: str, value: object, meaning: str) -> list[str]:
    line = f"    --set {shlex.quote(f'{key}={_shown(value)}')}"
    if not meaning:
        return [line]
    whole = f"{line}   {meaning}"
    return [whole] if len(whole) <= WIDTH else [line, *wrapped(f"        {meaning}")]


def _shown(value: object) -> str:
    return cut(flow(value), _LONGEST)
