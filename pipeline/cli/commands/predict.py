"""``pipeline predict``: what an exported model says of recordings. It imports nothing that needs torch."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import exclusive
from pipeline.terminal import note

if TYPE_CHECKING:
    from pipeline.edge.card import Card
    from pipeline.edge.runtime.predict import Job, Prediction

_COLUMNS = ("recording", "predicted", "probability", "label", "problem")


def _keep_debug(ctx: click.Context, param: click.Parameter, debug: bool) -> None:
    ctx.meta["debug"] = debug


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="All recordings of the dataset in DIR, which the model's source reads, with their labels.",
)
@click.option("--subjects", metavar="NAME,...", help="Of --source: recordings of these subjects alone.")
@click.option("--rate", "rates", multiple=True, metavar="[STREAM=]HZ", help="Samples a second of files without times.")
@click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="[STREAM=]UNIT",
    help="What values are in; refused where the model was trained on another.",
)
@click.option("--any-rate", is_flag=True, help="Take recordings whose rate is not that of training.")
@click.option("--any-values", is_flag=True, help="Take recordings whose values are far from those of training.")
@click.option(
    "--batch", type=click.IntRange(1, 4096), default=8, show_default=True, metavar="N", help="Recordings at a time."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv"]),
    default="json",
    show_default=True,
    help="A JSON object a line, or a table.",
)
@click.option("--all-classes", is_flag=True, help="Print every class's probability.")
@click.option("--debug", is_flag=True, expose_value=False, callback=_keep_debug, help="Show tracebacks.")
def command(
    model: Path,
    files: tuple[str, ...],
    source: Path | None,
    subjects: str | None,
    rates: tuple[str, ...],
    units: tuple[str, ...],
    any_rate: bool,
    any_values: bool,
    batch: int,
    form: str,
    all_classes: bool,
) -> int:
    """Print what an exported model says of recordings."""
    exclusive("FILE", files, "--source", source)
    exclusive("--rate", rates, "--source", source)
    if not files and source is None:
        raise click.UsageError("give files of recordings, or --source DIR")
    if subjects is not None and source is None:
        raise click.UsageError("--subjects is of --source: give that, too")
    from pipeline.edge.runtime.model import open_model

    opened = open_model(model)  # says what to install before anything else needs it
    from pipeline.edge.runtime.predict import predict
    from pipeline.edge.runtime.recordings import Claims, check_units

    card = opened.card
    check_units(card, _by_stream("--unit", units, card))
    claims = Claims(_rates(rates, card), any_rate, any_values)
    jobs = _jobs(card, files) if source is None else _of_source(card, source, subjects)
    found = predict(opened, jobs, claims, batch)
    return _print(found, card, form, all_classes)


def _of_source(card: Card, source: Path, subjects: str | None) -> list[Job]:
    from pipeline.edge.runtime.source import source_jobs

    return source_jobs(card, source, [each.strip() for each in subjects.split(",")] if subjects else [])


def _by_stream(option: str, texts: Sequence[str], card: Card) -> dict[str, str]:
    """Return what an option says of each stream; without a name it is of the only one."""
    names = [each.name for each in card.streams]
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals and len(names) > 1:
            example = " ".join(f"{option} {each}=..." for each in names)
            raise click.UsageError(f"{option} {text}: say of which stream: {example}")
        if equals and name not in names:
            raise click.UsageError(f"{option} {text}: {card.model} takes no stream {name}, but {', '.join(names)}")
        found[name or names[0]] = value
    return found


def _rates(texts: Sequence[str], card: Card) -> dict[str, float]:
    found = {}
    for name, text in _by_stream("--rate", texts, card).items():
        try:
            found[name] = float(text)
        except ValueError:
            found[name] = 0.0
        if not 0 < found[name] <= 1e6:
            raise click.UsageError(f"--rate {text}: must be samples a second, more than 0")
    return found


def _jobs(card: Card, files: Sequence[str]) -> list[Job]:
    """Return a recording for each argument, which is a file, or STREAM=FILE,STREAM=FILE."""
    from pipeline.edge.runtime.predict import Job
    from pipeline.edge.runtime.reading.read import read_stream

    def read(paths: Mapping[str, Path]) -> Any:
        return {each.name: read_stream(paths[each.name], each) for each in card.streams}

    return [Job(text, partial(read, _paths(card, text))) for text in files]


def _paths(card: Card, text: str) -> dict[str, Path]:
    names = [each.name for each in card.streams]
    any_name = "|".join(map(re.escape, names))
    parts = re.split(rf"(?:^|,)({any_name})=", text)
    if len(parts) == 1 and len(names) == 1:
        return {names[0]: Path(text)}
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    if parts[0] or sorted(parts[1::2]) != sorted(names) or not all(found.values()):
        wanted = ",".join(f"{each}=FILE" for each in names)
        raise click.UsageError(f"{text}: {card.model} takes a recording as {wanted}")
    return {name: Path(found[name]) for name in names}


def _print(found: Iterable[Prediction], card: Card, form: str, all_classes: bool) -> int:
    columns = [*_COLUMNS, *(f"p_{name}" for name in card.classes if all_classes)]
    table = csv.DictWriter(sys.stdout, columns, restval="", lineterminator="\n") if form == "csv" else None
    if table:
        table.writeheader()
    count = unusable = labelled = right = 0
    for each in found:
        row, classes = _row(each, card), {}
        if all_classes and each.probabilities is not None:
            classes = dict(zip(card.classes, map(_rounded, each.probabilities), strict=True))
        if table:
            table.writerow({**row, **{f"p_{name}": value for name, value in classes.items()}})
        else:
            print(json.dumps({**row, **({"probabilities": classes} if classes else {})}))
        count, unusable = count + 1, unusable + bool(each.problem)
        if each.label is not None and not each.problem:
            labelled, right = labelled + 1, right + (row["predicted"] == each.label)
    if labelled:
        note(f"{right} of {labelled} right, {100 * right / labelled:.2f} %")
    if unusable:
        note(f"{unusable} of {count} recordings could not be used; `problem` says why")
    return 1 if unusable else 0


def _row(each: Prediction, card: Card) -> dict[str, Any]:
    row: dict[str, Any] = {"recording": each.recording}
    if each.label is not None:
        row["label"] = each.label
    if each.probabilities is None:
        return {**row, "problem": "; ".join(line.strip() for line in each.problem.splitlines())}
    best = int(each.probabilities.argmax())
    return {**row, "predicted": card.classes[best], "probability": _rounded(each.probabilities[best])}


def _rounded(value: Any) -> float:
    """Return a float32 in the digits that it has."""
    return float(f"{float(value):.7g}")
