"""Results and plans as plain text tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.lock import lock_path
from pipeline.plan.planner import Plan
from pipeline.report.results import METRICS, Row, differences, random_projections, result_rows

_TITLES = {"top1": "top-1 %", "macro_f1": "macro F1 %", "vskd_f1": "VSKD's F1 %"}


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Align columns; those in `right` to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def results_text(plan: Plan, per_modality: bool = False, vskd_f1: bool = False) -> str:
    """Write the results, what a reader must know of them, and the paired differences."""
    rows = result_rows(plan, per_modality, vskd_f1)
    if not rows:
        return "no results yet: run `pipeline run`"
    metrics = [*METRICS, *dict.fromkeys(row.metric for row in rows if row.metric not in METRICS)]
    groups: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        groups.setdefault((row.model, *_place(row)), {})[row.metric] = row
    shown = [0, 1, *(i for i in (2, 3) if len({group[i] for group in groups}) > 1)]
    names = ("model", "modalities", "protocol", "variant")
    header = [*(names[i] for i in shown), *(_TITLES.get(m, m) for m in metrics), "seeds"]
    lines = [
        [*(group[i] for i in shown), *(_figure(found.get(m)) for m in metrics), _seeds(found)]
        for group, found in groups.items()
    ]
    text = [_heading(rows), table(header, lines, right=range(len(shown), len(header)))]
    text += [
        f"{_context(d.row, groups)}{d.row.model} minus {d.baseline}, paired over {d.n} seeds: "
        f"{d.mean:+.2f} points of {_TITLES[d.row.metric][:-2]} (95 % interval {d.low:+.2f} to {d.high:+.2f})"
        for d in differences(plan, rows)
        if d.row.metric in METRICS
    ]
    projections = random_projections(plan)
    if projections:
        text.append(f"note: features of {', '.join(projections)} are random projections (weights: none)")
    text += absent_notes(plan)
    if plan.broken or plan.unparsed:
        text.append(f"note: {broken_count(plan)} left out, see `pipeline status`")
    return "\n".join(text)


def absent_notes(plan: Plan) -> list[str]:
    """Say that what is shown is of data as the lock knows it, where there is none to look at."""
    return [f"note: as {lock_path(plan.path).name} has it: there is nothing at {place}" for place in plan.absent]


def broken_reasons(plan: Plan) -> list[str]:
    """Say of every file that cannot be used what is wrong with it."""
    reasons = [reason for recording, streams in plan.broken.items() if recording for reason in streams.values()]
    return reasons + [f"{item.path}: {item.reason}" for item in plan.unparsed]


def broken_count(plan: Plan) -> str:
    """Count what cannot be used."""
    recordings = sum(1 for recording in plan.broken if recording)
    parts = [f"{recordings} recording{'s' if recordings != 1 else ''}"] if recordings else []
    parts += [f"{len(plan.unparsed)} unplaceable file{'s' if len(plan.unparsed) != 1 else ''}"] if plan.unparsed else []
    return " and ".join(parts)


def _heading(rows: Sequence[Row]) -> str:
    folds = {row.protocol: f" ({row.folds} folds)" if row.folds > 1 else "" for row in rows}
    protocols = ", ".join(f"{protocol}{count}" for protocol, count in folds.items())
    return f"{rows[0].dataset}, {protocols}: mean and deviation over seeds\n"


def _place(row: Row) -> tuple[str, str, str]:
    """Say where in the matrix a row stands: modalities, protocol, and the rest."""
    variant = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in row.variant.items())
    return "+".join(row.modalities), row.protocol, variant


def _context(row: Row, groups: Iterable[tuple[str, ...]]) -> str:
    """Name a row's place where there is more than one."""
    places = {group[1:] for group in groups}
    said = [part for i, part in enumerate(_place(row)) if len({place[i] for place in places}) > 1]
    return f"{', '.join(said)}: " if said else ""


def _figure(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row.mean:.2f}" if row.std is None else f"{row.mean:.2f} ± {row.std:.2f}"


def _seeds(found: dict[str, Row]) -> str:
    return str(max(len(row.values) for row in found.values()))
