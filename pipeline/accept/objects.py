"""How much two objects differ: JSON, JSON lines and safetensors by value, anything else by its bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from safetensors import SafetensorError

from pipeline.accept.differences import ArrayDifference, compare, mismatch
from pipeline.formatting import cut


def compare_objects(name: str, old: bytes, new: bytes, tolerance: float) -> ArrayDifference:
    """Compare objects of one name; text, truth values and whole numbers must be equal."""
    if old == new:
        return ArrayDifference(name, bits=True)
    try:
        if name.endswith(".json"):
            return _documents(name, json.loads(old), json.loads(new), tolerance)
        if name.endswith(".jsonl"):
            before, after = ([json.loads(line) for line in side.splitlines()] for side in (old, new))
            return _documents(name, before, after, tolerance)
        if name.endswith(".safetensors"):
            return _tensors(name, old, new, tolerance)
    except (ValueError, RecursionError, SafetensorError) as error:  # the earlier output may come from anybody
        return mismatch(name, f"cannot be read: {error}")
    return mismatch(name, f"{len(old)} bytes became {len(new)} other bytes")


def _largest_of(name: str, parts: Sequence[ArrayDifference]) -> ArrayDifference:
    """Return one difference for several parts of a thing: the worst, and first one that is not taken."""
    worst = max(parts, key=lambda part: (not part.taken, part.largest), default=ArrayDifference(name))
    return replace(worst, name=name, where=f"{worst.name}: {worst.where}" if worst.where else "", bits=False)


def _documents(name: str, old: Any, new: Any, tolerance: float) -> ArrayDifference:
    """Compare JSON values; numbers at one place of all items of a list are one array, with one scale."""
    before, after = dict(_leaves(old, "", "")), dict(_leaves(new, "", ""))
    for place in {**before, **after}:
        if place not in before or place not in after:
            return mismatch(name, f"{place}: {'is new' if place not in before else 'is gone'}")
    numbers: dict[str, list[tuple[str, float, float]]] = {}
    for place, (kind, value) in before.items():
        now = after[place][1]
        if _is_number(value) and _is_number(now) and float in (type(value), type(now)):
            numbers.setdefault(kind, []).append((place, value, now))
        elif type(value) is not type(now) or value != now:
            return mismatch(name, f"{place}: {cut(str(value), 60)} became {cut(str(now), 60)}")
    parts = []
    for kind, triples in numbers.items():
        places, olds, news = zip(*triples, strict=True)
        part = compare(kind, np.array(olds, float), np.array(news, float), tolerance)
        if part.where:  # a row of the array: name its place in the document instead
            row, _, values = part.where.removeprefix("at [").partition("]: ")
            part = replace(part, name=places[int(row)], where=values)
        parts.append(part)
    return _largest_of(name, parts)


def _leaves(value: Any, kind: str, place: str) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yield each leaf's place, and with it the place without positions in lists and the value."""
    if isinstance(value, dict):
        yield place or ".", (kind, {})
        for key, item in value.items():
            yield from _leaves(item, f"{kind}.{key}", f"{place}.{key}")
    elif isinstance(value, list):
        yield f"{place}[]", (f"{kind}[]", len(value))
        for row, item in enumerate(value):
            yield from _leaves(item, f"{kind}[]", f"{place}[{row}]")
    else:
        yield place, (kind, value)


def _tensors(name: str, old: bytes, new: bytes, tolerance: float) -> ArrayDifference:
    before, after = _read(old), _read(new)
    for what in {**before, **after}:
        if what not in before or what not in after:
            return mismatch(name, f"{what} {'is new' if what not in before else 'is gone'}")
    parts = []
    for what, (old_type, values) in before.items():
        new_type, new_values = after[what]
        if old_type != new_type:
            parts.append(mismatch(what, f"{cut(old_type, 60)} became {cut(new_type, 60)}"))
        elif values is not None:
            parts.append(compare(what, values, new_values, tolerance))
    return _largest_of(name, parts)


def _read(content: bytes) -> dict[str, tuple[str, Any]]:
    """Return each tensor's type and values, and the metadata as a type without values."""
    import torch
    from safetensors.torch import load

    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    read: dict[str, tuple[str, Any]] = {
        what: (str(tensor.dtype), (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())
        for what, tensor in load(content).items()
    }
    return {"metadata": (json.dumps(header.get("__metadata__"), sort_keys=True), None), **read}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
