"""The list of runs: when, with which settings, how they stand, and their headline figures."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.formatting import cut, shortened
from pipeline.plan.runs.remembered import Run
from pipeline.plan.runs.settings import differing, setting_text
from pipeline.report.formats.sheets import mean_std
from pipeline.report.results_text import table
from store import OutputName

COLUMNS = 80
_MOST_MODELS = 8  # whose figures are shown


def as_json(run: Run, there: Collection[OutputName], file_asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a run; `file_asked` is what the stages file says now."""
    record = run.record
    return {
        "run": run.number,
        "name": record.name or None,
        "kept": run.kept,
        "began": record.began,
        "ended": record.ended or None,
        "state": run.state(there),
        "until": record.until or None,
        "settings": differing(record.asked, file_asked),
        "user": record.user,
        "host": record.host,
        "outputs": len(record.output_names),
        "missing": len(run.missing(there)),
        "results": record.rows,
    }


def as_text(runs: Sequence[Run], there: Collection[OutputName], file_asked: Mapping[str, Any]) -> str:
    """Write two lines a run, or more where there are many models: how it stands, and its figures."""
    rows = [[_title(run), _when(run.record.began), run.state(there), ""] for run in runs]
    header = ["run", "when", "state", "settings"]
    used = sum(max(len(row[i]) for row in [header, *rows]) + 2 for i in range(3))
    for run, row in zip(runs, rows, strict=True):
        row[3] = cut(settings_text(differing(run.record.asked, file_asked)), max(COLUMNS - used, 20))
    first, rule, *lines = table(header, rows).split("\n")
    text = [first, rule]
    for run, line in zip(runs, lines, strict=True):
        text += [line, *textwrap.wrap(_figures(run), COLUMNS, initial_indent="    ", subsequent_indent="    ")]
    return "\n".join(text)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings as ``--set`` takes them, or that there are none."""
    return ", ".join(setting_text(key, value) for key, value in settings.items()) or "as the stages file"


def heading_of(run: Run, there: Collection[OutputName], file_asked: Mapping[str, Any]) -> str:
    """Say in a line which run it is."""
    settings = settings_text(differing(run.record.asked, file_asked))
    return f"run {_title(run)}, {_when(run.record.began)}, {run.state(there)}: {settings}"


def _title(run: Run) -> str:
    kept = f"{run.record.name}, kept" if run.record.name and run.kept else "kept" if run.kept else run.record.name
    return f"{run.number} ({kept})" if kept else str(run.number)


def _when(utc: str) -> str:
    """Write a time as the clock on the wall here has it."""
    return f"{datetime.fromisoformat(utc).astimezone():%Y-%m-%d %H:%M}"


def _figures(run: Run) -> str:
    """Write top-1 of each model, with what sets equal names apart."""
    rows = [row for row in run.record.rows if row.get("metric") == "top1"]
    names = [str(row["model"]) for row in rows]
    figures = []
    for name, row in zip(names, rows, strict=True):
        variant = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in row.get("variant", {}).items())
        place = (
            "" if names.count(name) == 1 else f" ({', '.join(filter(None, ['+'.join(row['modalities']), variant]))})"
        )
        figures.append(f"{name}{place} {mean_std(row['mean'], row['std'])}")
    return f"top-1 %: {', '.join(shortened(figures, _MOST_MODELS))}" if figures else ""
