"""What every model of a plan costs to run: exported into the cache, measured on this machine, each once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from pipeline.api.steps import output_of
from pipeline.edge.cost.exported import ExportedFiles, export_files, exported_files
from pipeline.edge.export.makers import check_exportable
from pipeline.errors import ConfigError, PipelineError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.report.inference.kept import FileCost, Machine, ModelCost, keep_cost, kept_cost, this_machine
from pipeline.report.inference.rows import CostRow, TrainedModel, trained_models

_CODE = ("card.py", "export/*.py", "runtime/batch.py", "runtime/measure.py")  # of pipeline.edge: what figures depend on
_PROGRAMS = ("torch", "onnx", "onnxscript")  # that write the files

Say = Callable[[str], None]


class Measuring(NamedTuple):
    """By what files are made, on what they are measured, and what is told how far that is."""

    exporter: str
    machine: Machine
    say: Say


def model_costs(plan: Plan, say: Say) -> list[CostRow]:
    """Return what every model of a plan costs; export and measure those of which that is not known yet.

    Parameters
    ----------
    say
        Is told what is done before it is.

    Raises
    ------
    ConfigError
        What exports or runs models is not installed.
    """
    machine = this_machine()
    if machine is None or not all(map(find_spec, ("onnxscript", "onnx"))):
        raise ConfigError("onnxscript and onnxruntime export and run models\n  pip install 'harvest-har[export]'")
    measuring = Measuring(exporter(), machine, say)
    return [_row(plan, model, measuring) for model in trained_models(plan)]


@cache
def exporter() -> str:
    """Return a digest of the code that exports and measures, and of the programs that it uses."""
    edge = Path(__file__).parents[1]
    told = hashlib.sha256()
    for file in sorted(each for pattern in _CODE for each in edge.glob(pattern)):
        told.update(hashlib.sha256(file.read_bytes()).digest())
    for program in _PROGRAMS:
        try:
            told.update(f"{program} {version(program)}\n".encode())
        except PackageNotFoundError:  # one whose distribution has another name
            continue
    return told.hexdigest()


def _row(plan: Plan, model: TrainedModel, measuring: Measuring) -> CostRow:
    step = model.step
    if step is None:
        return CostRow(model, None, problem="is not trained yet: `pipeline run`")
    try:
        cost = kept_cost(step.key)
        if cost is None or cost.exporter != measuring.exporter:
            check_exportable(plan, step)
            cost = _measured(plan, step, measuring)
            keep_cost(step.key, cost)
    except PipelineError as error:
        known = output_of(plan, step).manifest.provenance.get("parameters")
        problem = str(error).splitlines()[0].removeprefix(f"{step.id}: ")
        return CostRow(model, known if isinstance(known, int) else None, problem=problem)
    return CostRow(model, cost.parameters, cost)


def _measured(plan: Plan, step: Step, measuring: Measuring) -> ModelCost:
    files = exported_files(step.key, measuring.exporter)
    if files is None:
        measuring.say(f"{step.id}: exporting, which takes 10 to 20 s")
        files = export_files(plan, step, measuring.exporter)
    measuring.say(f"{step.id}: measuring")
    return ModelCost(
        exporter=measuring.exporter,
        machine=measuring.machine,
        parameters=files.about.parameters,
        multiply_adds=files.about.multiply_adds,
        fp32=_cost_of(files, "fp32"),
        int8=_cost_of(files, "int8"),
        int8_points=files.about.int8_points,
    )


def _cost_of(files: ExportedFiles, precision: str) -> FileCost:
    from pipeline.edge.runtime.measure import measure_apart

    file = files.model(precision)
    return FileCost(bytes=file.stat().st_size, **measure_apart(file, files.recordings))
