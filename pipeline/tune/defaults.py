"""What the stages file says of the settings that are searched: so that the sampler knows trial 0, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.plan.runs.settings import flat
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.experiment import Point


def values_in_force(point: Point, steps: Iterable[Step], entry: str, keys: Iterable[str]) -> dict[str, Any]:
    """Return the values that some keys have in an experiment, by what it says or by default; unknown ones are left out.

    `steps` are those of the experiment.
    """
    said = flat(point.document.values)
    of_entry: dict[str, list[Step]] = {}
    for step in steps:
        for name in step.entries:
            of_entry.setdefault(name, []).append(step)
    found: dict[str, Any] = {}
    for key in keys:
        value = said.get(key, _Nothing)
        found[key] = _default(key, of_entry, entry) if value is _Nothing else value
    return {key: value for key, value in found.items() if value is not _Nothing}


class _Nothing:
    """Stands for no value, since None is one."""


def _default(key: str, steps: Mapping[str, list[Step]], entry: str) -> Any:
    top, _, rest = key.partition(".")
    name = max((each for each in steps if top == "stages" and f"{rest}.".startswith(f"{each}.")), key=len, default="")
    path = rest.removeprefix(f"{name}.").split(".") if name else key.split(".")
    for step in steps.get(name or entry, []):
        modality = step.axes.get("modality")
        if modality is not None and path[0] != modality:
            continue
        value = _below(step.recipe["params"], path[1:] if modality is not None else path)
        if value is not _Nothing:
            return value
    return _Nothing


def _below(values: Any, path: list[str]) -> Any:
    for part in path:
        if not isinstance(values, Mapping) or part not in values:
            return _Nothing
        values = values[part]
    return values
