"""What an entry may say of a model that is solved in closed form, which no fit loop trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point

_KEPT = ("validation",)  # of `fit`: what is set apart is set apart for all


def solved_fit(point: Point, entry: Entry, name: str) -> Any:
    """Return the `fit` of a model that is solved: what is set apart, by the entry or at the top, and one epoch.

    ConfigError where the entry would distil into it, or says of the fit loop what means nothing to it.
    """
    if entry.stage == "distil":
        problem = f"{name} is solved in closed form, and no loss of a teacher is"
        remedy = "train it in an entry of stage train; there it can be the teacher of others"
        raise point.document.error(f"{entry.dotted_key}.model", problem, remedy)
    if entry.body.get("init_from") is not None:
        problem = f"{name} is solved in closed form, and begins with nothing"
        raise point.document.error(f"{entry.dotted_key}.init_from", problem, "leave it out")
    own = entry.body.get("fit", {})
    for key in own if isinstance(own, dict) else ():
        if key not in _KEPT:
            problem = f"means nothing to {name}, which is solved in closed form"
            remedy = f"leave it out; of fit it has {', '.join(_KEPT)} alone"
            raise point.document.error(f"{entry.dotted_key}.fit.{key}", problem, remedy)
    if not isinstance(own, dict):
        return own  # as it is refused for any model
    common = {key: value for key, value in point.experiment.fit.items() if key in _KEPT}
    return {**common, **own, "epochs": 1}


def solved_augment(point: Point, entry: Entry, model: Mapping[str, Any], augment: Any) -> Any:
    """Return the augmentation of a model that is solved, None where it has no copies of recordings."""
    copies = model.get("copies", 0)
    if copies and augment is None:
        problem = f"{copies} copies of each recording would all be the same: there is no augmentation"
        remedy = "take `augment: null` out, or set copies to 0"
        raise point.document.error(f"{entry.dotted_key}.model.copies", problem, remedy)
    if copies and augment.get("mixup"):
        problem = f"{model['name']} is solved for one label of each recording, and a mixture has two"
        raise point.document.error(f"{entry.dotted_key}.augment.mixup", problem, "leave it out")
    return augment if copies else None
