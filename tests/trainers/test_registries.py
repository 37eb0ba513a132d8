"""Names in a stages file lead to classes that exist."""

from importlib import import_module
from typing import Any

import pytest

from trainers.losses.registry import LOSSES
from trainers.models.registry import MODELS


@pytest.mark.parametrize("place", [*MODELS.values(), *LOSSES.values()])
def test_every_name_leads_to_a_class_and_its_parameters(place: Any) -> None:
    for target in (place.build, place.params):
        module, name = target.split(":")
        assert isinstance(getattr(import_module(module), name), type)
