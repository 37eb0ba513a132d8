"""Results as tables: a line a model, or a line for each fold or subject of each model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.formatting import cut
from pipeline.report.formats.sheet import Block, Sheet
from pipeline.report.results import METRICS, Row

if TYPE_CHECKING:
    from pipeline.report.breakdown import Breakdown

TITLES = {"top1": "top-1 %", "macro_f1": "macro F1 %", "vskd_f1": "VSKD's F1 %"}
WITHIN = "within"  # a modality's streams say it within the ensemble: a fused one has seen the others
Front = tuple[str, ...]  # first cells of a line, which say which run it is of
_LONGEST_PART = 36  # of a fold's name in a table


def results_sheet(rows: Sequence[tuple[Front, Row]], front_names: Front = ()) -> Sheet:
    """Lay out rows; protocol and variant, and modalities beside front columns, are columns where there are several."""
    metrics = _metrics(row for _, row in rows)
    groups: dict[tuple[str, ...], dict[str, Row]] = {}
    for front, row in rows:
        groups.setdefault((*front, row.model, *place(row)), {})[row.metric] = row
    first = len(front_names)
    several = [i for i in (1, 2, 3) if len({group[first + i] for group in groups}) > 1 or (i == 1 and not first)]
    shown = [*range(first + 1), *(first + i for i in several)]
    names = (*front_names, "model", "modalities", "protocol", "variant")
    known = [m for m in metrics if any(row.published is not None for _, row in rows if row.metric == m)]
    header = [*(names[i] for i in shown), *map(metric_title, metrics)]
    header += [*(f"published {metric_title(m)}" for m in known), "seeds"]
    lines = [
        [
            *(group[i] for i in shown),
            *(_figure(by_metric.get(m)) for m in metrics),
            *(_published(by_metric.get(m)) for m in known),
            _seeds(by_metric),
        ]
        for group, by_metric in groups.items()
    ]
    return Sheet(heading([row for _, row in rows]), header, [Block("", lines)], len(shown))


def breakdown_sheet(breakdowns: Sequence[tuple[str, Breakdown]]) -> Sheet:
    """Lay out each model's parts in a block of its own, then what is over them, and over seeds.

    What each comes with stands before its block's title.
    """
    by = breakdowns[0][1].by
    rows = [each.row for _, each in breakdowns]
    metrics = _metrics(rows)
    groups: dict[tuple[str, ...], dict[str, Breakdown]] = {}
    for front, each in breakdowns:
        groups.setdefault((front, each.row.model, *place(each.row)), {})[each.row.metric] = each
    blocks = []
    for group, by_metric in groups.items():
        front, model, modalities, protocol, variant = group
        several = len({row.protocol for row in rows}) > 1
        within = [modalities, *([protocol] if several else []), *([variant] if variant else [])]
        blocks.append(Block(f"{front}{model} ({', '.join(within)})", _lines(by_metric, metrics)))
    header = [by, *map(metric_title, metrics), "recordings"]
    return Sheet(f"{heading(rows)}, then over {by}s", header, blocks, 1)


def _lines(by_metric: Mapping[str, Breakdown], metrics: Sequence[str]) -> list[list[str]]:
    first = next(iter(by_metric.values()))
    figures = {m: {part.name: mean_std(part.mean, part.std) for part in each.parts} for m, each in by_metric.items()}
    lines = [
        [
            cut(part.name, _LONGEST_PART),
            *(figures.get(m, {}).get(part.name, "-") for m in metrics),
            f"{part.recordings}",
        ]
        for part in first.parts
    ]
    over = [mean_std(by_metric[m].mean, by_metric[m].std) if m in by_metric else "-" for m in metrics]
    recordings = str(first.row.recordings)
    lines.append([f"over {first.by}s", *over, recordings])
    seeds = [_figure(by_metric[m].row if m in by_metric else None) for m in metrics]
    return [*lines, ["over seeds", *seeds, recordings]]


def metric_title(metric: str) -> str:
    """Name a metric's column: ``top1 skeleton`` is of the skeleton's streams within the ensemble."""
    modality = metric.removeprefix("top1 ")
    return TITLES.get(metric) or (f"{modality} {WITHIN} %" if modality != metric else metric)


def heading(rows: Sequence[Row]) -> str:
    """Say of which data set and protocols rows are."""
    folds = {row.protocol: f" ({row.folds} folds)" if row.folds > 1 else "" for row in rows}
    protocols = ", ".join(f"{protocol}{count}" for protocol, count in folds.items())
    return f"{', '.join(dict.fromkeys(row.dataset for row in rows))}, {protocols}: mean and deviation over seeds"


def place(row: Row) -> tuple[str, str, str]:
    """Say where in the matrix a row stands: modalities, protocol, and the rest."""
    variant = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in row.variant.items())
    return "+".join(row.modalities), row.protocol, variant


def context(row: Row, rows: Iterable[Row]) -> str:
    """Name a row's place where there is more than one."""
    places = {place(each) for each in rows}
    parts = [part for i, part in enumerate(place(row)) if len({other[i] for other in places}) > 1]
    return f"{', '.join(parts)}: " if parts else ""


def mean_std(mean: float, std: float | None) -> str:
    """Write a figure in percent with its deviation, where there is one."""
    return f"{mean:.2f}" if std is None else f"{mean:.2f} ± {std:.2f}"


def _metrics(rows: Iterable[Row]) -> list[str]:
    return [*METRICS, *dict.fromkeys(row.metric for row in rows if row.metric not in METRICS)]


def _figure(row: Row | None) -> str:
    return "-" if row is None else mean_std(row.mean, row.std)


def _published(row: Row | None) -> str:
    return "-" if row is None or row.published is None else f"{row.published:.2f}"


def _seeds(by_metric: dict[str, Row]) -> str:
    return str(max(len(row.values) for row in by_metric.values()))
