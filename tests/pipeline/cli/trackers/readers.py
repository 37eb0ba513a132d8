"""What TensorBoard's own reader, an MLflow server and a report's page hold of trainings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...report.html.html_reading import Element

Figures = dict[str, dict[int, float]]  # by name and epoch
Trainings = dict[tuple[str, int], Figures]  # by model and seed


def event_file(folder: Path) -> Figures:
    """Return what the event file in a folder holds, read by TensorBoard."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    found = {}
    for tag in reader.Tags()["scalars"]:
        points = [(each.step, each.value) for each in reader.Scalars(tag)]
        found[tag] = dict(points)
        assert len(found[tag]) == len(points), f"{folder}: {tag} has an epoch twice"
    return found


def event_files(folder: Path) -> Trainings:
    """Return all trainings below the folder of a stages file: ``MODEL/FOLD/seed=N``."""
    found = {}
    for file in folder.rglob("events.*"):
        model, _, seed = file.parent.relative_to(folder).parts
        assert (model, int(seed.removeprefix("seed="))) not in found, f"two files: {file.parent}"
        found[model, int(seed.removeprefix("seed="))] = event_file(file.parent)
    return found


def mlflow_runs(server: str, experiment: str) -> Trainings:
    """Return all trainings of an experiment, each of which must be there once, and have ended."""
    from mlflow import MlflowClient

    client = MlflowClient(server)
    found: Trainings = {}
    known = client.get_experiment_by_name(experiment)
    for run in client.search_runs([known.experiment_id]):
        assert run.info.status == "FINISHED"
        place = run.data.params["entry"], int(run.data.params["seed"])
        assert place not in found, f"{place} is there twice"
        found[place] = {}
        for figure in run.data.metrics:
            points = [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, figure)]
            found[place][figure] = dict(points)
            assert len(found[place][figure]) == len(points), f"{place}: {figure} has an epoch twice"
    return found


@dataclass(frozen=True)
class Drawn:
    """A curve of a page by epoch: its mean, least and greatest over seeds.

    `within` is what two hundredths of a pixel are,
    which places on the page, and ticks, are rounded to.
    """

    mean: list[float]
    low: list[float]
    high: list[float]
    within: float


def page_curves(page: Element) -> dict[tuple[str, str], Drawn]:
    """Return the curves of a page's pictures, by model and by the name that trackers have for the figure."""
    names = {each.attributes["data-m"]: each.attributes["value"] for each in page.all("datalist")[0].all("option")}
    found = {}
    for figure in ("loss", "accuracy"):
        (picture,) = [
            each
            for each in page.all("svg")
            if each.attributes.get("aria-label", "").startswith(f"{figure.capitalize()} on the training side")
        ]
        offset, slope = _scale(picture)
        for group in picture.all("g"):
            bands = [each for each in group.all("path") if "band" in each.attributes["class"]]
            for band in bands:
                (curve,) = [each for each in group.all("path") if "curve" in each.attributes["class"]]
                mean = [offset + slope * y for y in _heights(curve)]
                edges = [offset + slope * y for y in _heights(band)]
                high, low = edges[: len(mean)], edges[len(mean) :][::-1]
                side = "validation" if "dashed" in curve.attributes["class"] else "train"
                drawn = Drawn(mean, low, high, abs(slope) / 50)
                found[names[group.attributes["data-m"]], f"{figure}/{side}"] = drawn
    return found


def _scale(picture: Element) -> tuple[float, float]:
    """Return value and slope of the upward axis, by its first and last tick."""
    ticks = []
    for text in picture.all("text", **{"class": "t end soft"}):
        if tick := re.fullmatch(r"([\d.]+)(?: %)?", text.text):
            ticks.append((float(text.attributes["y"]) - 4, float(tick[1])))
    (y0, value0), (y1, value1) = min(ticks), max(ticks)
    slope = (value1 - value0) / (y1 - y0)
    return value0 - slope * y0, slope


def _heights(path: Element) -> list[float]:
    return [float(point.split()[1]) for point in re.split("[ML]", path.attributes["d"].rstrip("z"))[1:]]


def by_seed(trainings: Trainings, model: str) -> Mapping[int, Figures]:
    """Return what a model has of each seed."""
    return {seed: figures for (each, seed), figures in trainings.items() if each == model}
