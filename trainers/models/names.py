"""Names of the models in a stages file: where class and parameters live. Strings only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Form = Literal["patches", "series", "images"]


class Place(NamedTuple):
    """``module:name`` of a class and of its parameters, and which form of a modality the model takes."""

    build: str
    params: str
    takes: Form = "patches"


MODELS: Mapping[str, Place] = {
    "dmft": Place("trainers.models.dmft.teacher:DMFTTeacher", "trainers.models.dmft.params:TeacherParams"),
    "dmft-lite": Place("trainers.models.dmft.student:DMFTStudent", "trainers.models.dmft.params:StudentParams"),
}
