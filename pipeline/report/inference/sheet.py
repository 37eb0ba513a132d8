"""What models cost to run as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.report.formats.sheet import Block, Sheet
from pipeline.report.formats.sheets import mean_std
from pipeline.report.inference.kept import FileCost, cost_file
from pipeline.report.inference.rows import CostRow

_NOTED_POINTS = 1.0  # of top-1 that int8 may cost where nobody says more: `pipeline export` refuses it then
_COLUMNS: dict[str, Callable[[FileCost], str]] = {
    "kB": lambda cost: f"{cost.bytes / 1e3:,.0f}",
    "p50 ms": lambda cost: milliseconds(cost.p50_ms),
    "p99 ms": lambda cost: milliseconds(cost.p99_ms),
    "peak MB": lambda cost: f"{cost.peak_bytes / 1e6:.1f}",
}


def cost_sheet(rows: Sequence[CostRow]) -> Sheet:
    """Lay out a line for each model; protocol and variant are columns where there are several."""
    places = [_place(row) for row in rows]
    several = [at for at in (1, 2) if len({place[at] for place in places}) > 1]
    names = ("modalities", "protocol", "variant")
    header = ["model", *(names[at] for at in (0, *several)), "top-1 %", "parameters", "multiply-adds", *_COLUMNS]
    lines = [
        [str(row.model.label["model"]), *(place[at] for at in (0, *several)), *_figures(row)]
        for row, place in zip(rows, places, strict=True)
    ]
    tested = ", ".join(dict.fromkeys(f"{row.model.label['dataset']}, {row.model.label['protocol']}" for row in rows))
    machines = ", ".join(dict.fromkeys(str(row.cost.machine) for row in rows if row.cost))
    measured = f"; one recording at a time on {machines}; kB, ms and MB: fp32 / int8" if machines else ""
    return Sheet(f"{tested}{measured}", header, [Block("", lines)], 2 + len(several))


def cost_notes(rows: Sequence[CostRow]) -> list[str]:
    """Say what a reader must know: why models have no figures, what int8 loses, and where other work ran beside."""
    lines = []
    disturbed: dict[str, str] = {}  # by the file to take away, which several rows may share
    for row in rows:
        name, step, cost = str(row.model.label["model"]), row.model.step, row.cost
        if cost is None or step is None:
            lines.append(f"note: {name} was not measured: {row.problem}")
            continue
        if cost.int8_points > _NOTED_POINTS:
            lost = f"int8 costs {name} {cost.int8_points:.2f} points of top-1"
            lines.append(f"note: {lost}: `pipeline export` refuses it without --most-points")
        if cost.disturbed:
            disturbed[str(cost_file(step.key, cost.machine))] = name
    if disturbed:
        names = ", ".join(dict.fromkeys(disturbed.values()))
        lines.append(f"note: other work ran beside, and times are too long, of {names}; to measure again, take away")
        lines += [f"  {file}" for file in disturbed]
    return list(dict.fromkeys(lines))


def milliseconds(value: float) -> str:
    """Write a time in ms in three digits or more."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _place(row: CostRow) -> tuple[str, str, str]:
    label = row.model.label
    variant = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in label["variant"].items())
    return "+".join(label["modalities"]), str(label["protocol"]), variant


def _figures(row: CostRow) -> list[str]:
    top1, cost = row.model.top1, row.cost
    return [
        mean_std(top1.mean, top1.std) if top1 else "-",
        "-" if row.parameters is None else f"{row.parameters:,}",
        f"{cost.multiply_adds:,}" if cost else "-",
        *(f"{write(cost.fp32)} / {write(cost.int8)}" if cost else "-" for write in _COLUMNS.values()),
    ]
