"""Results and plans as plain text tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from pipeline.formatting import counted, shortened
from pipeline.lock import lock_path
from pipeline.plan.broken_recordings import is_doubtful
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
        [*(group[i] for i in shown), *(_figure(by_metric.get(m)) for m in metrics), _seeds(by_metric)]
        for group, by_metric in groups.items()
    ]
    text = [_heading(rows), table(header, lines, right=range(len(shown), len(header)))]
    text += [
        f"{_context(d.row, groups)}{d.row.model} minus {d.baseline}, paired over {d.n} seeds: "
        f"{d.mean:+.2f} points of {_TITLES[d.row.metric][:-2]} (95 % interval {d.low:+.2f} to {d.high:+.2f})"
        for d in differences(plan, rows)
        if d.row.metric in METRICS
    ]
    return "\n".join([*text, *notes(plan)])


def notes(plan: Plan) -> list[str]:
    """Say what a reader of the results must know: of features, and of recordings that are not among them."""
    lines = []
    if projections := random_projections(plan):
        lines.append(f"note: features of {', '.join(projections)} are random projections (weights: none)")
    lines += [*absent_notes(plan), *fold_notes(plan)]
    if broken := broken_count(plan):
        lines.append(f"note: {broken} left out, see `pipeline status`")
        lines += [f"  {line}" for line in late_reasons(plan)[:3]]
    return lines + doubts(plan)


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
    parts = [part for i, part in enumerate(_place(row)) if len({place[i] for place in places}) > 1]
    return f"{', '.join(parts)}: " if parts else ""


def _figure(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row.mean:.2f}" if row.std is None else f"{row.mean:.2f} ± {row.std:.2f}"


def _seeds(by_metric: dict[str, Row]) -> str:
    return str(max(len(row.values) for row in by_metric.values()))
