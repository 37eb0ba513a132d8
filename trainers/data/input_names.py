"""Names of inputs: a modality in one of the forms in which models take it. No torch: planning reads this."""

from __future__ import annotations

from typing import Literal

Form = Literal["patches", "series", "images"]


def input_name(modality: str, form: Form) -> str:
    """Return an input's key in a batch: ``inertial``, ``inertial:series`` or ``inertial:images``."""
    return modality if form == "patches" else f"{modality}:{form}"


def modality_of(name: str) -> str:
    """Return the modality that an input is of."""
    return name.partition(":")[0]
