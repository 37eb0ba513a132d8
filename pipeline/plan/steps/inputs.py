"""Which outputs a step reads: each input's form comes from an encode step or from a gaf step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.plan.steps.split import Split
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from trainers.data.input_names import modality_of

FORMS = {"encode": ("patches", "series"), "transform": ("patches", "series"), "gaf": ("images",)}


def find_inputs(point: Point, entry: Entry, needed: Sequence[Step], names: Sequence[str]) -> dict[str, Step]:
    """Find the needed step that gives each input.

    Raises
    ------
    ConfigError
        No needed entry gives an input, two do, an encode entry keeps no series where one is wanted, or two
        inputs of one modality come from different series (an augmented copy could not give both).
    """
    inputs = {name: _provider(point, entry, needed, name) for name in names}
    origins: dict[str, str] = {}
    for name, step in inputs.items():
        origin = step.work["features"] if step.stage == "gaf" else step.id
        other = origins.setdefault(modality_of(name), origin)
        if other != origin:
            raise point.document.error(
                f"{entry.dotted_key}.needs",
                f"{modality_of(name)} comes from two encodings, {other} and {origin}",
                "let all forms of a modality come from one encode entry",
            )
    return inputs


def _provider(point: Point, entry: Entry, needed: Sequence[Step], name: str) -> Step:
    modality, _, form = name.partition(":")
    form = form or "patches"
    steps = [s for s in needed if form in FORMS.get(s.stage, ()) and s.work["modality"] == modality]
    steps = [
        s for s in steps if s.id not in {other.work.get("features") for other in steps}
    ]  # of which another is made
    if len(steps) > 1:
        problem = f"two entries give {modality}: {steps[0].entry} and {steps[1].entry}"
        raise point.document.error(f"{entry.dotted_key}.needs", problem, "need one of them")
    if not steps:
        stage = "gaf" if form == "images" else "encode"
        article = "an" if stage == "encode" else "a"
        given = [s.work["modality"] for s in needed if s.stage in (stage, "transform" if stage == "encode" else stage)]
        remedy = f"needed {stage} entries give {', '.join(given)}" if given else f"add {article} {stage} entry to needs"
        problem = f"no needed entry gives {'images' if form == 'images' else 'features'} of {modality}"
        raise point.document.error(f"{entry.dotted_key}.needs", problem, f"{remedy}; `modalities:` chooses")
    if form == "series":
        needs_series(point, entry, steps[0])
    return steps[0]


def position(point: Point, name: str) -> tuple[int, str]:
    """Return where an input stands among the source's."""
    return list(point.source.modalities).index(modality_of(name)), name


def clocks_of(point: Point, modalities: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return each modality's streams and their rate."""
    described = {name: point.source.modalities[name] for name in modalities}
    return {name: {"streams": list(each.streams), "rate": each.rate} for name, each in described.items()}


def find_teacher(needed: Sequence[Step], split: Split, seed: int) -> Step | None:
    """Return the needed model of that split and seed, if there is one.

    Splits are compared by their recordings, not by name: two protocols may split alike.
    """
    models = (step for step in needed if step.stage in ("train", "distil"))
    return next((step for step in models if (step.work["seed"], step.work["split"]) == (seed, split)), None)


def seed_of_teacher(point: Point, entry: Entry, chosen: str, seed: int) -> int:
    """Return the seed of a student's teacher: its own, or the next one of the experiment's."""
    if chosen == "same":
        return seed
    seeds = point.experiment.seeds
    if len(seeds) == 1:
        remedy = "add a second one to `seeds`, or leave it out"
        raise point.document.error(f"{entry.dotted_key}.teacher_seed", "there is one seed, and no next", remedy)
    return seeds[(seeds.index(seed) + 1) % len(seeds)]


def gives_series(step: Step) -> bool:
    """Tell whether a step's output has aligned series."""
    return step.stage == "transform" or bool(step.stage == "encode" and step.recipe["params"].get("keep_series", False))


def needs_series(point: Point, entry: Entry, encoded: Step) -> None:
    """Raise ConfigError where an encode step stores no aligned series."""
    if not gives_series(encoded):
        modality = encoded.work["modality"]
        what = "keeps no series" if "keep_series" in encoded.recipe["params"] else "has no series, being video"
        raise point.document.error(
            entry.dotted_key,
            f"{encoded.entry} {what} of {modality}",
            f"set stages.{encoded.entry}.{modality}.keep_series: true, or choose other modalities",
        )
