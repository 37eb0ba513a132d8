"""Names in a stages file lead to classes that exist."""

from importlib import import_module

import pytest

from trainers.losses.names import LOSSES
from trainers.models.names import MODELS


@pytest.mark.parametrize("place", [*MODELS.values(), *LOSSES.values()])
def test_every_name_leads_to_a_class_and_its_parameters(place: tuple[str, str]) -> None:
    for target in place:
        module, name = target.split(":")
        assert isinstance(getattr(import_module(module), name), type)
