"""Recordings to look at: those that most models get wrong, and those that could not be used."""

from __future__ import annotations

from pipeline.formatting import counted
from pipeline.report.html.gather.predictions import HardRecording
from pipeline.report.html.gather.report import ExperimentFacts, Report
from pipeline.report.html.gather.streams import Stream
from pipeline.report.html.markup import element, joined
from pipeline.report.html.parts import Card, Cards, Column, Part, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.svg.streams import draw_poses, draw_series


def hard(report: Report) -> Section | None:
    """Return the recordings that at least half of the models mostly get wrong, the first with their streams."""
    if not any(each.hard for each in report.experiments):
        return None
    parts: list[Part] = []
    notes = []
    for experiment in report.experiments:
        cards = [_card(experiment, each) for each in experiment.hard if each.id in experiment.streams]
        parts += [Cards(cards), _table(experiment)]
        if len(experiment.hard) > len(cards):
            notes.append(f"{len(cards)} of {len(experiment.hard)} are drawn, the worst first; the table has more.")
    lead = (
        "What at least half of the models get wrong more often than right: look here for wrong labels, cut recordings, "
        "and classes that are hard to tell apart."
    )
    return Section("recordings", "Hardest recordings", lead, parts, notes)


def _card(experiment: ExperimentFacts, each: HardRecording) -> Card:
    instead = ", ".join(f"{label} ({times})" for label, times in [*each.instead.items()][:3])
    caption = joined(
        element("div", element("strong", each.id), f", subject {each.about.subject}"),
        element("div", element("b", each.about.label), f" taken for {instead}"),
        element("div", f"{each.models} of {each.of} models, {each.wrong} of {each.times} predictions", class_="soft"),
    )
    return Card(caption, [_drawn(each.id, stream) for stream in experiment.streams[each.id]])


def _drawn(recording: str, stream: Stream) -> Picture:
    title = f"{stream.modality} of {recording}"
    svg = draw_poses(title, stream.poses, stream.bones) if stream.poses else draw_series(title, stream.lines)
    return Picture(f"recording-{recording}-{stream.modality}", stream.modality, svg)


def _table(experiment: ExperimentFacts) -> Table:
    rows = [
        Row(
            [
                text(each.id), text(each.about.subject), text(each.about.label),
                text(", ".join(f"{label} ({times})" for label, times in each.instead.items())),
                count(each.models), count(each.of), percent(100 * each.wrong / each.times, 1),
            ]
        )
        for each in experiment.hard
    ]  # fmt: skip
    columns = [Column("Recording"), Column("Subject"), Column("Class"), Column("Taken for (times)")]
    columns += [Column("Models wrong", True), Column("Of", True), Column("Predictions wrong %", True)]
    caption = f"{counted(len(rows), 'recording')} of {experiment.name}"
    return Table(f"recordings-{experiment.name}", caption, columns, rows)


def skipped(report: Report) -> Section | None:
    """Return what could not be used, and why."""
    parts = []
    for experiment in report.experiments:
        if experiment.left_out:
            rows = [
                Row([text(each.recording), text(each.stream), text(each.reason), text(each.found_by)])
                for each in experiment.left_out
            ]
            columns = [Column("Recording"), Column("Stream"), Column("Why"), Column("Found by")]
            caption = f"{len(rows)} of {experiment.name}"
            parts.append(Table(f"left-out-{experiment.name}", caption, columns, rows, folded=len(rows) > 8))
    if not parts:
        return None
    lead = "Recordings and files that no model was trained or tested on, and what is wrong with each."
    return Section("left-out", "Left out", lead, parts)
