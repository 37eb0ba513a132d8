"""Groups of recordings dealt to k parts: the same on every machine, by a hash and whole numbers alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

_WHOLE = 1_000_000  # all recordings of a class, as whole numbers that every machine adds up alike


def deal(groups: Sequence[str], count: int, seed: int) -> dict[str, int]:
    """Deal groups to parts 0..count-1, which differ by one group at most.

    Goes by the groups' names alone: more recordings of groups that are there move none.
    """
    order = sorted(set(groups), key=lambda group: _hash(group, seed))
    return {group: rank % count for rank, group in enumerate(order)}


def deal_stratified(groups: Sequence[str], classes: Sequence[str], count: int, seed: int) -> dict[str, int]:
    """Deal groups to parts 0..count-1, so that each has as even a share of each class as a greedy choice finds.

    The largest groups come first; each goes where the classes that it has are rarest so far. More recordings may move
    groups, since it is their numbers that decide.

    Parameters
    ----------
    groups, classes
        Of each recording.
    """
    totals = Counter(classes)
    counts: dict[str, Counter[str]] = {}
    for group, class_ in zip(groups, classes, strict=True):
        counts.setdefault(group, Counter())[class_] += 1
    shares = {group: {c: n * _WHOLE // totals[c] for c, n in own.items()} for group, own in counts.items()}
    weight = {group: sum(share * share for share in own.values()) for group, own in shares.items()}
    order = sorted(shares, key=lambda group: (-weight[group], _hash(group, seed)))
    held: list[Counter[str]] = [Counter() for _ in range(count)]  # shares of each class by part
    sizes = [0] * count
    part_of: dict[str, int] = {}
    for group in order:
        part = min(range(count), key=lambda part: (_overlap(held[part], shares[group]), sizes[part], part))
        held[part].update(shares[group])
        sizes[part] += counts[group].total()
        part_of[group] = part
    return part_of


def _overlap(held: Counter[str], shares: Mapping[str, int]) -> int:
    """Return how much a part has already of what a group has."""
    return sum(held[class_] * share for class_, share in shares.items())


def _hash(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"k-folds:{seed}:{group}".encode()).digest()
