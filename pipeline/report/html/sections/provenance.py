"""How it was made: the graph of entries, and what every output needs to be had again."""

from __future__ import annotations

import shlex
from collections import Counter

from pipeline.formatting import counted, duration, size
from pipeline.report.html.gather.report import ExperimentFacts, Report
from pipeline.report.html.gather.steps import EntryFacts, StepFacts, entries_of
from pipeline.report.html.markup import Markup, element
from pipeline.report.html.parts import Cell, Column, Part, Picture, Row, Section, Table, count, text
from pipeline.report.html.svg.graph import Box, draw_graph
from store import redact_secrets

_LONGEST = 60_000  # characters of a stages file


def graph(report: Report) -> Section | None:
    """Return the entries and what they need, with times and bytes."""
    pictures = []
    for experiment in report.experiments:
        entries = entries_of(experiment.steps)
        boxes = {name: _box(name, each) for name, each in entries.items()}
        columns = [Column("Entry"), Column("Steps", True), Column("State"), Column("Time"), Column("MB", True)]
        rows = [Row(_entry_cells(name, each)) for name, each in entries.items()]
        title = f"Entries of {experiment.name}"
        table = Table(f"entries-{experiment.name}", f"Time and bytes of {experiment.name}", columns, rows)
        svg = draw_graph(title, boxes, [pair for pair in experiment.edges if {*pair} <= boxes.keys()])
        pictures.append(Picture(f"entries-{experiment.name}", title, svg, table, wide=True))
    lead = (
        "Each box is an entry of the stages file: its steps, the time that they took, one after the other, and what "
        "they left in the store."
    )
    return Section("entries", "Steps", lead, pictures)


def _entry_cells(name: str, each: EntryFacts) -> list[Cell]:
    time, held = round(each.seconds, 3), each.bytes / 1e6
    cells = [text(name), count(each.states.total()), text(_states(each))]
    return [*cells, Cell(duration(time), time), Cell(f"{held:.1f}", held)]


def _box(name: str, each: EntryFacts) -> Box:
    done, all_ = each.states["cached"], each.states.total()
    below = " · ".join(
        [
            *([] if done == all_ else [f"{done} of {all_}"]),
            *([duration(each.seconds), size(each.bytes)] if done else []),
        ]
    )
    return Box(below, f"{name}: {_states(each)}, {duration(each.seconds)}, {size(each.bytes)}", done == all_)


def _states(each: EntryFacts) -> str:
    return ", ".join(f"{n} {state}" for state, n in each.states.items())


def provenance(report: Report) -> Section | None:
    """Return versions, devices, keys, the stages file, and the commands that make it all again."""
    parts: list[Part] = []
    for experiment in report.experiments:
        parts += [_facts(experiment, report), _commands(experiment), _steps(experiment)]
        body = redact_secrets(experiment.text[:_LONGEST])
        title = f"{experiment.name}, {'what it was asked for' if experiment.run else 'the stages file'}"
        parts.append(element("details", element("summary", title), _code(body), class_="file"))
    lead = (
        "Keys name outputs by what they are made from: equal keys, equal recipe. With the stages file and its lock, "
        "these commands make it again, or show a run that is remembered."
    )
    return Section("provenance", "Provenance", lead, parts)


def _facts(experiment: ExperimentFacts, report: Report) -> Markup:
    steps = [step for step in experiment.steps if step.state == "cached"]
    rows = {
        "Made by": f"harvest {report.version}, {report.written} UTC",
        "Data": f"{counted(experiment.recordings, 'recording')} of {counted(experiment.subjects, 'subject')}, "
        f"{len(experiment.classes)} classes",
        "Devices": _common([step.device for step in steps]),
        "Python": _common([step.versions.get("python", "") for step in steps]),
        "torch": _common([step.versions.get("torch", "") for step in steps]),
        "System": _common([step.versions.get("platform", "") for step in steps]),
    }
    return element(
        "dl", [element("div", element("dt", title), element("dd", value)) for title, value in rows.items() if value],
        class_="facts",
    )  # fmt: skip


def _common(values: list[str]) -> str:
    counts = Counter(value for value in values if value)
    if len(counts) < 2:
        return next(iter(counts), "")
    return ", ".join(f"{value} ({counted(n, 'step')})" for value, n in counts.most_common())


def _commands(experiment: ExperimentFacts) -> Markup:
    options = "".join(f" --set {shlex.quote(redact_secrets(setting))}" for setting in experiment.settings)
    file = shlex.quote(experiment.path)
    verbs = (f"results {experiment.run}", f"report {experiment.run}") if experiment.run else ("run", "report")
    lines = [f"pipeline {verb} -f {file}{options}" for verb in verbs]
    return _code("\n".join(lines))


def _code(text: str) -> Markup:
    return element("pre", element("code", text), tabindex="0")  # long lines are scrolled, by keys too


def _steps(experiment: ExperimentFacts) -> Table:
    columns = [Column("Step"), Column("Stage"), Column("State"), Column("Seconds", True), Column("MB", True)]
    columns += [Column("Device"), Column("Made"), Column("Key")]
    rows = [Row(_cells(step)) for step in experiment.steps]
    return Table(
        f"steps-{experiment.name}",
        f"All {len(rows)} steps of {experiment.name} and their keys",
        columns,
        rows,
        shown_rows=1000,
    )


def _cells(step: StepFacts) -> list[Cell]:
    seconds = Cell(f"{step.seconds:.1f}", step.seconds) if step.seconds is not None else text("–")
    held = Cell(f"{step.bytes / 1e6:.2f}", step.bytes / 1e6) if step.bytes is not None else text("–")
    made = step.created[:16].replace("T", " ")
    return [
        text(step.id),
        text(step.stage),
        text(step.state),
        seconds,
        held,
        text(step.device),
        text(made),
        text(step.key),
    ]
