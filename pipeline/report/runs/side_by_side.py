"""Results of runs side by side, with what differs between them in front."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.formatting import counted
from pipeline.plan.runs.baselines import Baseline
from pipeline.plan.runs.remembered import Run
from pipeline.plan.runs.settings import UNSET, differing_keys, flat, is_about, setting_text, value_text
from pipeline.report.formats.sheet import Sheet
from pipeline.report.published import Published
from pipeline.report.results import Evaluation
from pipeline.report.results_text import sheet_text
from store import OutputName

_WIDTH = 80
MOST_COLUMNS = 3  # of settings; of more there is a legend


@dataclass(frozen=True)
class Shown:
    """What results are shown of: the plan, or one of several runs."""

    evaluations: Sequence[Evaluation]
    baselines: Mapping[str, Sequence[Baseline]]
    title: str = ""  # of a run
    settings: Mapping[str, Any] | None = None  # in which the runs that are shown differ; None of the plan
    asked: Mapping[str, Any] = field(default_factory=dict)
    published: Published = field(default_factory=dict)

    def columns(self, model: str) -> dict[str, Any]:
        """Return what stands in front of a model's lines in CSV; nothing below settings that are not about it."""
        if self.settings is None:
            return {}
        values = {key: value if self._is_about(key, model) else None for key, value in self.settings.items()}
        return {"run": self.title, **values}

    def cells(self, model: str) -> list[str]:
        """Return the cells below `front_names` in a model's line."""
        settings = (self.settings or {}).items()
        return [self.title, *(value_text(value) if self._is_about(key, model) else "-" for key, value in settings)]

    def _is_about(self, key: str, model: str) -> bool:
        return is_about(key, model, self.asked)

    def as_json(self) -> dict[str, Any]:
        """Return what stands in front of its rows in JSON."""
        return {} if self.settings is None else {"run": self.title, "settings": dict(self.settings)}


def shown_runs(runs: Sequence[Run], here: Collection[OutputName]) -> list[Shown]:
    """Return what is to be shown of runs; `here` are the outputs that the store has."""
    keys = differing_keys([run.record.asked for run in runs])
    shown = []
    for run in runs:
        settings = {key: flat(run.record.asked).get(key, UNSET) for key in keys}
        evaluations = [
            Evaluation(each.key, each.label, each.recordings, ("evaluate", each.key) in here)
            for each in run.record.evaluations
        ]
        shown.append(Shown(evaluations, run.record.compared_with, run.title, settings, run.record.asked))
    return shown


def front_names(shown: Sequence[Shown]) -> list[str]:
    """Name the columns in front: the run, and settings."""
    return ["run", *setting_names(list(shown[0].settings or ()))]


def setting_names(keys: Sequence[str]) -> list[str]:
    """Name settings by their last word where that is enough."""
    last = [key.rpartition(".")[2] for key in keys]
    return [key if last.count(word) > 1 else word for key, word in zip(keys, last, strict=True)]


def fits(sheet: Sheet, settings: int) -> bool:
    """Tell whether a table with settings in front can be read: few of them, and 80 columns."""
    return settings <= MOST_COLUMNS and max(map(len, sheet_text(sheet).split("\n")[2:])) <= _WIDTH


def legend(shown: Sequence[Shown]) -> list[str]:
    """Say what sets each run apart, in place of columns."""
    lines = []
    for each in shown:
        settings = ", ".join(setting_text(key, value) for key, value in (each.settings or {}).items())
        lines += textwrap.wrap(f"run {each.title}: {settings}", _WIDTH, subsequent_indent="  ") if settings else []
    return lines


def notes_on(runs: Sequence[Run], shown: Sequence[Shown]) -> list[str]:
    """Say which figures are missing, and which runs differ in what no setting says."""
    notes = []
    for each in shown:
        if missing := sum(not evaluation.is_there for evaluation in each.evaluations):
            of = counted(len(each.evaluations), "evaluation")
            notes.append(f"note: run {each.title}: {missing} of {of} are not in this store; figures need all folds")
        if not each.evaluations:
            notes.append(f"note: run {each.title} evaluated nothing")
    for i, run in enumerate(runs):
        for other in runs[i + 1 :]:
            if run.record.asked == other.record.asked and run.record.keys != other.record.keys:
                notes.append(f"note: {same_settings(f'run {run.title}', f'run {other.title}')}")
    return notes


def same_settings(one: str, other: str) -> str:
    """Say of two runs that differ what no setting says."""
    return f"{one} and {other} have the same settings: code, data or weights changed between them"
