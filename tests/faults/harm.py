"""Doing harm to stored objects: bytes that flip, and objects that are cut off, emptied, exchanged or gone."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from .lab import Lab
from .places import Objects, Place, damage, manifests

HARMS = ("flipped", "flipped", "flipped", "truncated", "truncated", "emptied", "grown", "exchanged", "deleted")


def harm(place: Place, path: str, others: list[str], dice: Random) -> str:
    """Do harm to an object, and return what was done."""
    objects = place.objects()
    data, how = objects[path], dice.choice(HARMS)
    at = dice.randrange(len(data)) if data else 0
    if how == "deleted":
        place.delete(path)
    elif how == "exchanged" and others:
        other = dice.choice(others)
        place.write({path: objects[other], other: data})
    elif how == "truncated" and data:
        place.write({path: data[:at]})
    elif how == "emptied" and data:
        place.write({path: b""})
    elif how == "flipped" and data:
        place.write({path: data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]})
    else:
        how = "grown"
        place.write({path: data + dice.randbytes(dice.randint(1, 99))})
    return how


def of_outputs(objects: Mapping[str, bytes], stages: tuple[str, ...] = ()) -> list[str]:
    """Return the paths of published objects, manifests among them."""
    return sorted(
        path
        for path in objects
        if path.startswith("outputs/") and not path.endswith("/lock") and (not stages or path.split("/")[1] in stages)
    )


def harm_output(place: Place, dice: Random, stages: tuple[str, ...] = ()) -> str:
    """Do harm to an output's object or, one time in four, to its manifest."""
    paths = of_outputs(place.objects(), stages)
    manifest = [path for path in paths if path.endswith("/manifest.json")]
    chosen = dice.choice(manifest if dice.random() < 0.25 else [path for path in paths if path not in manifest])
    folder = chosen.rpartition("/")[0]
    siblings = [path for path in paths if path != chosen and path.startswith(f"{folder}/") and path not in manifest]
    what = "a manifest" if chosen in manifest else "an object"
    return f"{what} {harm(place, chosen, siblings, dice)}: {chosen}"


def same_outputs(objects: Objects, lab: Lab) -> bool:
    """Tell whether all outputs are there, with the bytes of an undisturbed run."""
    try:
        return (
            manifests(objects).keys() == manifests(lab.whole).keys() and not damage(objects) and not lab.other(objects)
        )
    except (ValueError, KeyError, TypeError):  # a manifest that cannot be read
        return False
