"""What a manifest says of an output, held against its recipe: the key, and the keys of what it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from store.canonical import digest

_KEYS = {  # the entries of a recipe that are keys of inputs, map to them or list them; an index is in no recipe
    "index": (),
    "encode": (),
    "transform": ("features",),
    "gaf": ("features",),
    "train": ("features", "teacher", "virtual", "init"),
    "distil": ("features", "teacher", "virtual", "init"),
    "ensemble": ("members",),
    "evaluate": ("features", "model"),
    "robustness": ("features", "model"),
    "tune": ("evaluations",),
}


def contradiction(stage: str, key: str, recipe: Mapping[str, Any], inputs: Sequence[str]) -> str | None:
    """Say what is wrong with the manifest of an output of this program's stages; None where nothing is.

    Parameters
    ----------
    stage, key : str
        Under which it lies.
    recipe, inputs
        As it says. An input that its recipe does not name is no contradiction.
    """
    if stage not in _KEYS:
        return None
    if not is_of_recipe(key, recipe):
        return "its key is not that of its recipe"
    named = [each for entry in _KEYS[stage] for each in _texts(recipe.get(entry))]
    lost = next((each for each in named if each not in inputs), None)
    return f"its recipe names the input {lost[:99]}, its inputs do not" if lost is not None else None


def is_of_recipe(key: str, recipe: Mapping[str, Any]) -> bool:
    """Tell whether a key is that of a recipe, which may come from anybody."""
    try:
        return digest(recipe) == key
    except (TypeError, ValueError):
        return False


def _texts(value: Any) -> list[str]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    return [each for each in values if isinstance(each, str)]
