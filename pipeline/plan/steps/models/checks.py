"""What of a model and its loss cannot fit what it reads, as far as that is known without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.plan.steps.step import Step
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point

_DMFT = ("dmft", "dmft-lite")  # their streams are known by the modalities


def check_model(
    point: Point, entry: Entry, params: Mapping[str, Any], features: Mapping[str, Step], teacher: Step | None
) -> None:
    """Raise ConfigError where parameters contradict each other, or the features.

    Parameters
    ----------
    params
        The entry's, after defaults.
    features
        The step that gives each of the model's inputs, by the input's name.
    """
    model, loss = params["model"], params.get("loss", {})
    if loss.get("name") == "attention" and teacher is not None and teacher.stage == "ensemble":
        problem = f"attention compares feature maps, and {teacher.entry}, an ensemble, has none as one"
        _refuse(point, entry, "loss", problem, "need one model as the teacher, or choose another loss")
    if len(features) == 1 and (params["augment"] or {}).get("modality_dropout"):
        problem = f"the model sees {next(iter(features))} alone, which cannot be absent"
        _refuse(point, entry, "augment.modality_dropout", problem, "leave it out, or add modalities")
    if model["name"] in _DMFT and isinstance(width := model["width"], int) and width % (heads := model["heads"]):
        divisors = ", ".join(str(n) for n in range(1, min(width, 64) + 1) if width % n == 0)
        _refuse(point, entry, "model.heads", f"{heads} does not divide the width {width}", f"choose of {divisors}")
    if model["name"] == "early-fusion" and len({*map(_patches, features.values())}) > 1:
        given = ", ".join(f"{name} {_patches(step)}" for name, step in features.items())
        remedy = "give them one number of patches in encode, or take late-fusion"
        _refuse(point, entry, "model", f"early-fusion wants as many patches of each modality, not {given}", remedy)
    if model["name"] == "trn":
        (name, step), segments = next(iter(features.items())), model["segments"]
        if (patches := _patches(step)) < segments:
            remedy = f"lower it, or encode {name} with patches: {segments}"
            _refuse(point, entry, "model.segments", f"{segments} is more than the {patches} patches of {name}", remedy)
    if loss.get("name") == "dmft-kd" and loss["comparable"] and params["fit"]["loss"] == "joint":
        problem = "fit.loss: joint is one term, to which a divergence a stream is not comparable"
        _refuse(point, entry, "loss.comparable", problem, "set it to false")
    if loss.get("name") == "dmft-kd" and loss["weights"] is not None:
        streams = [f"{name}/{way}" for name in features for way in ("temporal", "spatial")]
        _check_weights(point, entry, loss, streams if model["name"] in _DMFT else [*loss["weights"]])


def _patches(step: Step) -> int:
    return int(step.work.get("patches") or step.recipe["params"]["patches"])


def check_single(point: Point, entry: Entry, params: Mapping[str, Any], modalities: Sequence[str]) -> None:
    """Raise ConfigError where a model of one modality shall see several."""
    if len(modalities) > 1:
        problem = f"{params['model']['name']} takes one modality, not {', '.join(modalities)}"
        _refuse(point, entry, "modalities", problem, f"choose one: [{modalities[0]}]")


def _check_weights(point: Point, entry: Entry, loss: Mapping[str, Any], streams: Sequence[str]) -> None:
    weights, remaining = loss["weights"], 1 - loss["w_cs"]
    if {*weights} != {*streams}:
        problem = f"names {', '.join(weights) or 'none'}, and not each of the student's streams"
        _refuse(point, entry, "loss.weights", problem, f"one for each of {', '.join(streams)}")
    if abs((total := sum(weights.values())) - remaining) > 1e-6:
        problem = f"they add up to {total:g}, and with w_cs {loss['w_cs']:g} to no 1"
        _refuse(point, entry, "loss.weights", problem, f"let them add up to {remaining:g}")


def _refuse(point: Point, entry: Entry, key: str, problem: str, remedy: str) -> None:
    raise point.document.error(f"{entry.dotted_key}.{key}", problem, remedy)
