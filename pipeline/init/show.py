"""What was found, as a table for a terminal, and what is open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.formatting import counted, cut, shortened
from pipeline.init.proposal import Proposal
from pipeline.init.question import Question
from pipeline.init.write import flow
from pipeline.report.results_text import table
from pipeline.sources.folder.natural_order import natural

WIDTH = 80
_COLUMNS = ("stream", "files", "holds", "Hz", "seconds", "recordings")


def as_text(root: Path, proposal: Proposal) -> str:
    """Write what was found, in lines of at most 80 columns."""
    looked, recordings = proposal.looked, proposal.listing.recordings
    about = "about " if proposal.estimated else ""
    rows = []
    for name, stream in looked.streams.items():
        files = len(stream.group.paths) + sum(len(group.paths) for group in looked.several.get(name, ()))
        have = sum(name in each.streams for each in recordings)
        seconds = f"{stream.seconds:.3g}" if stream.seconds else "?"
        rows.append([cut(name, 20), f"{files:,}", stream.facts, f"{stream.rate:g}", seconds, f"{about}{have:,}"])
    used = sum(max(len(row[at]) for row in [[*_COLUMNS], *rows]) + 2 for at in range(len(_COLUMNS)) if at != 2)
    for row in rows:
        row[2] = cut(row[2], max(12, WIDTH - used))
    lines = [f"{root}: {counted(looked.count, 'file')} that may hold data", ""]
    lines += [table(_COLUMNS, rows, right=(1, 3, 4, 5)), ""]
    for name, stream in proposal.document["source"]["streams"].items():
        files = stream.get("files", "")
        for each in [files] if isinstance(files, str) else files:
            lines += _wrapped(f"{name}: {each or 'by the paths in the table'}")
    subjects = sorted({each.subject for each in recordings}, key=natural)
    classes = [*proposal.document["source"]["classes"]]
    lines.append(f"{about}{counted(len(recordings), 'recording')}".capitalize())
    lines += _wrapped(f"subjects {len(subjects)}: {', '.join(shortened(subjects, 12))}")
    lines += _wrapped(f"classes {len(classes)}: {', '.join(shortened(classes, 12))}")
    lines += _wrapped(f"protocol {flow(proposal.document['protocol'])}: {proposal.comments.get('protocol', '')}")
    for each in proposal.listing.unparsed[:3]:
        lines += _wrapped(f"note: {each.path}: {each.reason}")
    if len(proposal.listing.unparsed) > 3:
        lines.append(f"note: and {counted(len(proposal.listing.unparsed) - 3, 'more file')} that belong to nobody")
    for text in proposal.notes:
        lines += _wrapped(f"note: {text}")
    return "\n".join(lines)


def open_text(questions: Sequence[Question]) -> str:
    """Say which questions are open, and what answers them."""
    lines = []
    for question in questions:
        lines += _wrapped(f"open: {question.text}")
        lines += [f"    {line}" for line in answers(question)]
    return "\n".join(lines)


def answers(question: Question) -> list[str]:
    """Return the options that answer a question."""
    found = []
    for value, meaning in question.choices[:6]:
        said = flow(value) if len(flow(value)) < 60 else "[...]"
        quoted = f"'{question.key}={said}'" if not said.replace("/", "").isalnum() else f"{question.key}={said}"
        found.append(f"--set {quoted}" + (f"   {meaning}" if meaning else ""))
    return found


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
