"""Which outputs a step reads: each input's form comes from an encode step or from a gaf step; and their plug-ins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.plan.steps.step import Step
from pipeline.registry import ENCODE_PLUGINS, TRANSFORM, Registration, find
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.parameters import VIRTUAL
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


def is_virtual(step: Step) -> bool:
    """Tell whether a step makes what a virtual sensor measures, beside a modality's features."""
    return step.stage == "encode" and bool(step.recipe["params"].get("virtual"))


def virtual_behind(point: Point, entry: Entry, steps: Mapping[str, Sequence[Step]]) -> list[Step]:
    """Return the virtual sensors of encode entries whose images an entry needs; `steps` are those of each entry."""
    images = [point.entries[need] for need in entry.needs if point.entries[need].stage == "gaf"]
    return [step for gaf in images for need in gaf.needs for step in steps[need] if is_virtual(step)]


def find_virtual(
    point: Point,
    entry: Entry,
    needed: Sequence[Step],
    augment: Mapping[str, Any] | None,
    features: Mapping[str, Step],
    inputs: Sequence[str],
    steps: Mapping[str, Step],
) -> dict[str, Step]:
    """Find the virtual sensors that `augment.virtual` takes recordings of, by modality; none where it is 0.

    Parameters
    ----------
    features
        The step that gives each input, by the input's name.
    inputs
        Those of the trained model: its teacher sees no virtual sensor.
    steps
        All steps, by id.

    Raises
    ------
    ConfigError
        There is no virtual sensor of any modality of the model, or one is encoded otherwise than the real one.
    """
    if not (augment or {}).get("virtual"):
        return {}
    key, found = f"{entry.dotted_key}.augment.virtual", dict[str, Step]()
    candidates = {step.id: step for step in needed if is_virtual(step)}.values()
    for name in inputs:
        modality, origin = modality_of(name), features[name]
        of_modality = [step for step in candidates if step.work["modality"] == modality + VIRTUAL]
        origin = steps[origin.work["features"]] if origin.stage == "gaf" else origin
        alike = [step for step in of_modality if _encoded_alike(step, origin)]
        if len(alike) > 1:
            problem = f"two entries have a virtual {modality}: {alike[0].entry} and {alike[1].entry}"
            raise point.document.error(key, problem, "need one of them")
        if of_modality and not alike:
            problem = f"{modality} comes through {origin.entry}, and its virtual sensor does not"
            raise point.document.error(key, problem, "need the encode entry that has `virtual`, or leave it out")
        found |= dict.fromkeys([modality], alike[0]) if alike else {}
    if not found:
        series = [modality_of(name) for name in inputs if point.source.modalities[modality_of(name)].kind == "series"]
        where = f"say where it sits: stages.{needed[0].entry}.{series[0]}.virtual, or " if series else ""
        remedy = f"{where}leave it out"
        raise point.document.error(key, "no needed entry has a virtual sensor", remedy)
    return found


def _encoded_alike(virtual: Step, real: Step) -> bool:
    params = {name: value for name, value in virtual.recipe["params"].items() if name != "virtual"}
    return real.stage == "encode" and params == real.recipe["params"]


def position(point: Point, name: str) -> tuple[int, str]:
    """Return where an input stands among the source's."""
    return list(point.source.modalities).index(modality_of(name)), name


def clocks_of(point: Point, modalities: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return each modality's streams and their rate."""
    described = {name: point.source.modalities[name] for name in modalities}
    return {name: {"streams": list(each.streams), "rate": each.rate} for name, each in described.items()}


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


def encode_plugins(kind: str, params: Mapping[str, Any]) -> list[Registration]:
    """Return the plug-in that a modality's encode parameters name, if they do."""
    parameter, table, _ = ENCODE_PLUGINS[kind]
    value = params.get(parameter)
    return [find(table, value["name"])] if isinstance(value, dict) else []


def reduction_plugins(features: Iterable[Step], steps: Mapping[str, Step]) -> list[Registration]:
    """Return the plug-ins that whoever reads some features needs, to make patches anew; `steps` are all, by id."""
    found: dict[Registration, None] = {}
    for step in features:
        while step.stage == TRANSFORM:
            step = steps[step.work["features"]]
        if step.stage == "encode" and (kind := step.recipe["modality"]["kind"]) != "video":
            found |= dict.fromkeys(encode_plugins(kind, step.recipe["params"]))
    return [*found]
