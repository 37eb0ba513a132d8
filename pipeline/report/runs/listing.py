"""The list of runs: when, with which settings, how they stand, and their headline figures."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.formatting import cut, shortened
from pipeline.plan.history import user_name
from pipeline.plan.runs.remembered import Run
from pipeline.plan.runs.settings import differing, setting_text
from pipeline.report.formats.sheets import mean_std
from pipeline.report.formats.text_table import table
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


def as_text(runs: Sequence[Run], there: Collection[OutputName], file_asked: Mapping[str, Any], columns: int) -> str:
    """Write two lines a run, or more where there are many settings or models: how it stands, and its figures."""
    rows = [[_title(run), _when(run.record.began), run.state(there), ""] for run in runs]
    header = ["run", "when", "state", "settings"]
    used = sum(max(len(row[i]) for row in [header, *rows]) + 2 for i in range(3))
    asked = [_settings_lines(differing(run.record.asked, file_asked), used, columns) for run in runs]
    for row, settings in zip(rows, asked, strict=True):
        row[3] = settings[0]
    first, rule, *lines = table(header, rows).split("\n")
    text = [first, rule]
    for run, line, settings in zip(runs, lines, asked, strict=True):
        text += [line, *settings[1:]]
        text += textwrap.wrap(_figures(run), columns, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(text)


def none_text(path: Path, store: str) -> str:
    """Say that no run is remembered, and how one is: each user's runs of a file are their own."""
    none = f"no run of {path} by {user_name()} is remembered in {store}"
    if os.path.isdir(store) and not os.access(store, os.W_OK):
        return f"{none}, where this user may not write: `pipeline run --set store=DIR` begins one elsewhere"
    return f"{none}: `pipeline run` begins one"


def _settings_lines(settings: Mapping[str, Any], used: int, columns: int) -> list[str]:
    """Write settings: what stands in the row, beside the columns that are used, and the lines below it."""
    wrap = partial(textwrap.wrap, settings_text(settings), break_long_words=False, break_on_hyphens=False)
    first, *rest = wrap(max(columns - used, 1))
    if max(map(len, [first, *rest])) <= columns - used:
        return [first, *(" " * used + line for line in rest)]
    return ["", *(f"    {cut(line, columns - 4)}" for line in wrap(columns - 4))]


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings as ``--set`` takes them, or that there are none."""
    return ", ".join(setting_text(key, value) for key, value in settings.items()) or "as the stages file"


def standing_of(run: Run, there: Collection[OutputName]) -> str:
    """Say in a few words which run it is."""
    return f"run {_title(run)}, {_when(run.record.began)}, {run.state(there)}"


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
