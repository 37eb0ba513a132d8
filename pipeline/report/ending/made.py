"""What the steps of an entry made: the last lines of a run that was told to do no more."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from pipeline.formatting import counted, shortened, size
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.report.formats.sheets import results_sheet
from pipeline.report.formats.text_table import table
from pipeline.report.plan_notes import broken_count, broken_reasons, doubts
from pipeline.report.results import evaluations_of, rows_of
from pipeline.report.results_text import notes, sheet_text
from pipeline.report.robustness.text import robustness_text
from store import Output

_FEATURES = ("features", "images")  # arrays with a row a recording, by which an output is described


def made_text(plan: Plan, entry: str) -> str:
    """Describe what is there of an entry, whichever run made it.

    Of features: recordings, the shape of each one's, bytes. Of models: recordings, parameters, the last loss. Of an
    evaluation: its results. Then where the outputs lie, and the recordings that were left out.
    """
    steps = [step for step in plan.steps.values() if entry in step.entries]
    there = [step for step in steps if plan.states[step.id] == "cached"]
    if not there:
        return ""
    if there[0].stage == "evaluate":
        return _results(plan, {step.key for step in there})
    if there[0].stage == "robustness":
        return robustness_text(plan)
    outputs = [plan.store.output(step.stage, step.key) for step in there]
    lines = [
        _table(plan, there, outputs),
        f"{entry}: {counted(len(there), 'output')} of {len(steps)}, "
        f"{size(sum(output.manifest.bytes for output in outputs))}, in {plan.store.url}/outputs/{there[0].stage}",
    ]
    if there[0].stage in ("index", "encode") and (broken := broken_count(plan)):
        lines.append(f"left out: {broken}")
        lines += [f"  {reason}" for reason in shortened(broken_reasons(plan), 3, "more, see `pipeline status`")]
        lines += doubts(plan)
    return "\n".join([*lines, *notes(plan)])


def _results(plan: Plan, keys: Collection[str]) -> str:
    rows = rows_of(plan.store, [each for each in evaluations_of(plan) if each.key in keys])
    return "\n".join([sheet_text(results_sheet([((), row) for row in rows])), *notes(plan)]) if rows else ""


def _table(plan: Plan, steps: Sequence[Step], outputs: Sequence[Output]) -> str:
    described = [_described(plan, step, output) for step, output in zip(steps, outputs, strict=True)]
    columns = [name for name in ("recordings", "each", "parameters", "loss") if any(name in each for each in described)]
    rows = [
        [step.id, *(each.get(name, "") for name in columns), size(output.manifest.bytes)]
        for step, each, output in zip(steps, described, outputs, strict=True)
    ]
    titles = ["step", *columns, "size"]
    return table(titles, rows, right=[i for i, title in enumerate(titles) if title not in ("step", "each")])


def _described(plan: Plan, step: Step, output: Output) -> dict[str, str]:
    """Return what can be said of an output; it may come from anybody."""
    found = {}
    if name := next((name for name in _FEATURES if f"{name}/zarr.json" in output.entries), None):
        content = output.read_bytes(f"{name}/zarr.json")
        match json.loads(content):
            case {"shape": [int(rows), *inner]}:
                found["recordings"] = f"{rows - len(plan.skipped.get(step.id, ())):,}"
                found["each"] = f"{' x '.join(map(str, inner))} ({_named(step, len(inner))})"
    facts: dict[str, Any] = {**output.manifest.provenance}
    for fact, written in ("recordings", "{:,}"), ("parameters", "{:,}"), ("loss", "{:.3f}"):
        if type(value := facts.get(fact)) in (int, float):
            found[fact] = written.format(value)
    return found


def _named(step: Step, dimensions: int) -> str:
    return "patches x features" if step.stage == "encode" and dimensions == 2 else "shape"
