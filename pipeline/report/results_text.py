"""Results and plans as plain text tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pipeline.formatting import counted, shortened
from pipeline.lock import lock_path
from pipeline.plan.broken_recordings import is_doubtful
from pipeline.plan.planner import Plan
from pipeline.report.early_stopping import early_stopping_notes
from pipeline.report.formats.sheet import Sheet
from pipeline.report.formats.sheets import TITLES, context, results_sheet
from pipeline.report.results import METRICS, Difference, Row, differences, random_projections, result_rows


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Align columns; those in `right` to the right. A cell is one line, whatever a name of the user's has in it."""
    rows = [[cell.replace("\n", "\\n").replace("\r", "\\r") for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def sheet_text(sheet: Sheet) -> str:
    """Write a sheet's heading and table; a block's lines are indented below its title."""
    margin = ["  " if block.title else "" for block in sheet.blocks]
    lines = [[m + line[0], *line[1:]] for m, block in zip(margin, sheet.blocks, strict=True) for line in block.lines]
    header, rule, *rest = table(sheet.header, lines, right=range(sheet.left, len(sheet.header))).split("\n")
    text = [sheet.heading, "", header, rule]
    for block in sheet.blocks:
        text += [block.title] if block.title else []
        text += rest[: len(block.lines)]
        rest = rest[len(block.lines) :]
    return "\n".join(text)


def results_text(plan: Plan, per_modality: bool = False, vskd_f1: bool = False) -> str:
    """Write the results, what a reader must know of them, and the paired differences."""
    rows = result_rows(plan, per_modality, vskd_f1)
    if not rows:
        return no_results(plan)
    text = sheet_text(results_sheet([((), row) for row in rows]))
    gone = missing_evaluations(plan.states[step.id] for step in plan.steps.values() if step.stage == "evaluate")
    return "\n".join([text, *difference_lines(differences(plan, rows), rows), *gone, *notes(plan)])


def missing_evaluations(states: Iterable[str]) -> list[str]:
    """Say that figures are of fewer seeds than were asked for, by the states of all evaluations."""
    states = [*states]
    missing = sum(state not in ("cached", "remote") for state in states)
    of = counted(len(states), "evaluation")
    return [f"note: {missing} of {of} are not there (yet); figures need all folds of a seed"] if missing else []


def difference_lines(pairs: Sequence[Difference], rows: Sequence[Row]) -> list[str]:
    """Say of each distilled model what it gained on the one without a teacher."""
    return [
        f"{context(d.row, rows)}{d.row.model} minus {d.baseline}, paired over {d.n} seeds: "
        f"{_signed(d.mean)} points of {TITLES[d.row.metric][:-2]} "
        f"(95 % interval {_signed(d.low)} to {_signed(d.high)})"
        for d in pairs
        if d.row.metric in METRICS
    ]


def _signed(points: float) -> str:
    return f"{round(points, 2) + 0.0:+.2f}"  # adding zero makes -0.0 positive


def no_results(plan: Plan) -> str:
    """Say why there are no results: nothing has run, or nothing asks for any; then what to add."""
    if missing := missing_evaluate(plan):
        return f"no results: {missing}"
    if not any(step.stage in ("train", "distil") for step in plan.steps.values()):
        return f"no results: {plan.path.name} trains no model (docs/stages-file.md, stages train and evaluate)"
    return "no results yet: run `pipeline run`"


def missing_evaluate(plan: Plan) -> str:
    """Say what to add to a stages file that trains models and evaluates none; empty for any other."""
    stages = {entry.name: entry.stage for point in plan.points for entry in point.entries.values()}
    models = [name for name, stage in stages.items() if stage in ("train", "distil")]
    if not models or "evaluate" in stages.values():
        return ""
    name = "evaluate" if "evaluate" not in stages else "results"
    lines = [
        f"  {name}:",
        *(["    stage: evaluate"] if name != "evaluate" else []),
        f"    needs: [{', '.join(models)}]",
    ]
    return "\n".join([f"nothing evaluates what {plan.path.name} trains. Add below `stages:`", *lines])


def notes(plan: Plan) -> list[str]:
    """Say what a reader of the results must know: of features, and of recordings that are not among them."""
    lines = projection_notes(step.recipe for step in plan.steps.values())
    lines += [*absent_notes(plan), *fold_notes(plan), *(f"note: {line}" for line in early_stopping_notes(plan))]
    if broken := broken_count(plan):
        lines.append(f"note: {broken} left out, see `pipeline status`")
        lines += [f"  {line}" for line in late_reasons(plan)[:3]]
    return lines + doubts(plan)


def projection_notes(recipes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say which features, by the recipes of their steps, come from a network with random weights."""
    projections = random_projections(recipes)
    return [f"note: features of {', '.join(projections)} are random projections (weights: none)"] if projections else []


def absent_notes(plan: Plan) -> list[str]:
    """Say that what is shown is of data as the lock knows it, where there is none to look at."""
    return [f"note: as {lock_path(plan.path).name} has it: there is nothing at {place}" for place in plan.absent]


def fold_notes(plan: Plan) -> list[str]:
    """Say what is to be known of the protocol's folds: classes that one lacks, subjects on both sides."""
    return [f"note: {note}" for note in plan.notes]


def broken_reasons(plan: Plan, without: Collection[str] = (), *, named: int | None = None) -> list[str]:
    """Say of every file that cannot be used what is wrong with it; not of what some entries found.

    Recordings that lack a stream are said together, at most so many `named`.
    """
    if "index" in without:
        return late_reasons(plan, without)
    reasons, lacking = [], dict[str, list[str]]()
    for recording, streams in plan.broken.items():
        for stream, reason in streams.items() if recording else ():
            if reason == f"{recording}: has no {stream} file":
                lacking.setdefault(stream, []).append(recording)
            else:
                reasons.append(reason)
    for stream, ids in lacking.items():
        names = ", ".join(shortened(ids, len(ids) if named is None else named))
        reasons.append(f"no {stream} file in {counted(len(ids), 'recording')}: {names}")
    return [*reasons, *(f"{item.path}: {item.reason}" for item in plan.unparsed), *late_reasons(plan, without)]


def late_reasons(plan: Plan, without: Collection[str] = ()) -> list[str]:
    """Say of every recording that broke while it was encoded what was wrong; not of what some entries found."""
    return [
        f"{why}, found by {step}"
        for step, skipped in _found_by_encode(plan, without).items()
        for why in skipped.values()
    ]


def _found_by_encode(plan: Plan, without: Collection[str]) -> dict[str, Mapping[str, str]]:
    """Return the reasons by recording and step, but for the steps of some entries."""
    return {id_: skipped for id_, skipped in plan.skipped.items() if set(plan.steps[id_].entries).isdisjoint(without)}


def broken_count(plan: Plan, without: Collection[str] = ()) -> str:
    """Count what cannot be used; not what some entries found. Empty where there is nothing."""
    broken, unparsed = ((), ()) if "index" in without else (plan.broken, plan.unparsed)
    reasons = (broken, *_found_by_encode(plan, without).values())  # each by recording, which may be unknown
    recordings = len({id_ for by_id in reasons for id_ in by_id if id_})
    parts = [counted(recordings, "recording")] if recordings else []
    parts += [counted(len(unparsed), "unplaceable file")] if unparsed else []
    return " and ".join(parts)


def doubts(plan: Plan) -> list[str]:
    """Name recordings that an earlier version took for broken when the system failed to read them, and the remedy."""
    doubted = [
        ("index", why)
        for recording, streams in plan.broken.items()
        for stream, why in streams.items()
        if is_doubtful(plan, recording, why, stream)
    ]
    doubted += [
        (plan.steps[id_].entry, why)
        for id_, skipped in plan.skipped.items()
        for recording, why in skipped.items()
        if is_doubtful(plan, recording, why)
    ]
    if not doubted:
        return []
    entries = dict.fromkeys(entry for entry, _ in doubted)
    if "index" in entries:  # what was encoded goes by what the index said
        entries |= dict.fromkeys(step.entry for step in plan.steps.values() if step.stage == "encode")
    remedy = "pipeline run " + " ".join(f"--force {entry}" for entry in entries)
    return [
        f"note: the system, not the file, may be to blame for {len(doubted)} of these (the first: {doubted[0][1]}); "
        f"look again with `{remedy}`"
    ]
