"""``pipeline export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import exclusive, experiment_options, json_text
from pipeline.cli.told import say
from pipeline.errors import ConfigError
from pipeline.experiment.planning import plan_of
from pipeline.experiment.retry import retry_after_quarantine
from pipeline.experiment.running import run_experiment
from pipeline.formatting import size
from pipeline.keys.cache import write_atomically
from pipeline.registry import TRAINED
from pipeline.run.outcome import Outcome, RunOptions

if TYPE_CHECKING:
    from pipeline.edge.export.export import Exported
    from pipeline.plan.planner import Plan
    from pipeline.plan.steps.step import Step


@click.command()
@click.argument("entry")
@experiment_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    metavar="DIR",
    show_default=True,
    help="Where ENTRY.onnx and ENTRY.json are written.",
)
@click.option("--fold", metavar="NAME", help="Of which fold; left out: the first.")
@click.option("--seed", type=int, metavar="N", help="Of which seed; left out: the first.")
@click.option("--all-data", is_flag=True, help="Train on every recording, as one ships a model.")
@click.option("--int8", is_flag=True, help="Write ENTRY-int8.onnx, too, calibrated on training recordings.")
@click.option(
    "--most-points",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="POINTS",
    help="Points of top-1 that int8 may cost; more, and it is refused.",
)
@click.option("--examples", is_flag=True, help="Write predict.py and predict.mjs beside it, which run it in 30 lines.")
@click.option("--json", "as_json", is_flag=True, help="Print the card as JSON.")
def command(
    entry: str,
    path: Path,
    settings: tuple[str, ...],
    output: Path,
    fold: str | None,
    seed: int | None,
    all_data: bool,
    int8: bool,
    most_points: float,
    examples: bool,
    as_json: bool,
) -> int:
    """Write a trained model as one ONNX file that takes raw samples; train it first where it is not there."""
    exclusive("--fold", fold, "--all-data", all_data)
    from pipeline.api.steps import training_step  # imports nothing heavy, but is of another floor than most commands

    figures: dict[str, Any] = {}
    if all_data:
        as_it_is = retry_after_quarantine(lambda: plan_of(path, settings))
        if any("protocol" in point.matrix for point in as_it_is.points):
            problem = "--all-data: the matrix says which protocols there are"
            raise ConfigError(f"{problem}\n  take protocol out of it, or use a stages file without: -f FILE")
        figures = _figures(as_it_is, training_step(as_it_is, entry, None, seed))
        settings = (*settings, "protocol=all-data", *_nothing_apart(as_it_is))
    plan = retry_after_quarantine(lambda: plan_of(path, settings))
    step = training_step(plan, entry, fold, seed)
    _check_places(output, step.entry)
    if plan.states[step.id] != "cached":
        outcome = Outcome()
        plan, _ = run_experiment(plan, lambda: plan_of(path, settings, plan), RunOptions(until=step.id), outcome)
        if outcome.unsuccessful:
            return 1
        step = training_step(plan, entry, fold, seed)
    figures = figures if all_data else _figures(plan, step)
    exported = retry_after_quarantine(lambda: _export(plan, step, figures, most_points if int8 else None))
    written = _write(exported, output, step.entry)
    if examples:
        written += _write_examples(output)
    if as_json:
        print(json_text(_about(exported, written)))
    else:
        say(_text(exported, written))
    if exported.refused:
        print(f"note: {exported.refused}", file=sys.stderr)
    return 0


def _export(plan: Plan, step: Step, figures: dict[str, Any], most_points: float | None) -> Exported:
    from pipeline.edge.export.export import Int8, export_step

    return export_step(plan, step, figures, None if most_points is None else Int8(most_points))


def _nothing_apart(plan: Plan) -> list[str]:
    """Return settings by which no entry sets recordings apart for validation."""
    trained = [entry for point in plan.points for entry in point.entries.values() if entry.stage in TRAINED]
    return list(dict.fromkeys(f"{entry.dotted_key}.fit.validation=0" for entry in trained))


def _figures(plan: Plan, step: Step) -> dict[str, Any]:
    """Return what was measured of a step's entry under its protocol and point: mean and deviation over seeds."""
    from pipeline.report.results import result_rows

    label = {name: value for name, value in step.labels[0].items() if name not in ("seed", "fold")}
    rows = [
        row
        for row in result_rows(plan)
        if (row.model, row.protocol, list(row.modalities), dict(row.variant))
        == (label["model"], label["protocol"], list(label["modalities"]), dict(label["variant"]))
    ]
    return {
        row.metric: {"protocol": row.protocol, "mean": row.mean, "std": row.std, "n": len(row.values)} for row in rows
    }


def _check_places(folder: Path, name: str) -> None:
    if not folder.is_dir() and not folder.absolute().parent.is_dir():
        raise ConfigError(f"-o {folder}: there is no folder {folder.parent}\n  make it, or name another one")
    for ending in ("", "-int8"):
        file = folder / f"{name}{ending}.onnx"
        if file.exists() and b"harvest.card" not in file.read_bytes():
            raise ConfigError(f"{file}: is there already, and not made by `pipeline export`\n  name another folder: -o")


def _write(exported: Exported, folder: Path, name: str) -> list[Path]:
    """Write files, each whole or not at all; the card last. One of int8 that is there no more is taken away."""
    from pipeline.edge.card import encode_card

    card = encode_card(exported.card)
    files = {folder / f"{name}.onnx": exported.content, folder / f"{name}.json": f"{card}\n".encode()}
    small = folder / f"{name}-int8.onnx"
    if exported.int8 is not None:
        files = {small: exported.int8, **files}
    elif small.exists():
        small.unlink()
        print(f"note: {small} was of an earlier export, and is deleted", file=sys.stderr)
    for file, content in files.items():
        write_atomically(file, content)
    return list(files)


def _write_examples(folder: Path) -> list[Path]:
    """Write programs of some lines that run a model, in Python and in JavaScript."""
    from importlib.resources import files

    written = []
    for name in ("predict.py", "predict.mjs"):
        write_atomically(folder / name, files("pipeline.edge.export").joinpath("examples", name).read_bytes())
        written.append(folder / name)
    return written


def _about(exported: Exported, written: list[Path]) -> dict[str, Any]:
    import msgspec

    about: dict[str, Any] = msgspec.to_builtins(exported.card)
    return {"files": {str(file): file.stat().st_size for file in written}, "refused": exported.refused or None, **about}


def _text(exported: Exported, written: list[Path]) -> str:
    card, figures = exported.card, exported.card.figures
    compared = figures["compared"]
    worst = max(figures["greatest_difference"].values())
    takes = ", ".join(f"{each.name} {each.sample} at {each.rate:g} Hz" for each in card.streams)
    lines = [
        f"written: {', '.join(f'{file} ({size(file.stat().st_size)})' for file in written)}",
        f"takes raw {takes}; {card.parameters:,} weights, {card.multiply_adds:,} multiply-adds",
        f"{compared['recordings']} recordings of the {compared['side']} side, raw, in batches of 1, 2 and 7: at most "
        f"{worst:.1g} in any probability from the trained model (top-1 {compared['top1']:.2f} %)",
    ]
    if "int8" in figures:
        lines.append(f"int8: top-1 {figures['int8']['top1']:.2f} % on the same recordings")
    if compared["side"] == "train":
        lines.append("these recordings trained it: their figures are none of what it is worth")
    if "top1" in figures:
        deviation = f" ± {figures['top1']['std']:.2f}" if figures["top1"]["std"] is not None else ""
        of = f"{figures['top1']['protocol']}, {figures['top1']['n']} seeds"
        lines.append(f"measured by the stages file's protocol ({of}): top-1 {figures['top1']['mean']:.2f}{deviation} %")
    *_, model = (file for file in written if file.suffix == ".onnx")  # in int8, where there is one
    lines.append(f"what it says of recordings: `pipeline predict {model} ...`")
    return "\n".join(lines)
