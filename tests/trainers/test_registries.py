"""Names in a stages file lead to classes that exist."""

from typing import Any

import msgspec
import pytest

from pipeline.registry import import_object
from trainers.losses.registry import LOSSES
from trainers.models.registry import MODELS


@pytest.mark.parametrize("place", [*MODELS.values(), *LOSSES.values()])
def test_every_name_leads_to_a_class_and_its_parameters(place: Any) -> None:
    build, params = import_object(place.build), import_object(place.params)
    assert issubclass(params, msgspec.Struct)
    assert isinstance(build, type)
    assert not issubclass(build, msgspec.Struct)


@pytest.mark.parametrize("name", MODELS)
def test_a_class_says_of_itself_whether_it_is_solved(name: str) -> None:
    build = import_object(MODELS[name].build)
    assert getattr(build, "solved", False) == MODELS[name].solved == hasattr(build, "solve")
