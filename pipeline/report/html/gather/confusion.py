"""Which classes are taken for which, and an order in which those stand side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

Counts = Mapping[tuple[str, str], int]  # (true class, predicted class) -> recordings


def totals(counts: Counts) -> Counter[str]:
    """Return how many recordings there are of each true class."""
    summed: Counter[str] = Counter()
    for (label, _), count in counts.items():
        summed[label] += count
    return summed


def recall(counts: Counts) -> dict[str, float]:
    """Return the share of each class that was recognised, from 0 to 1; of classes that were tested."""
    return {label: counts.get((label, label), 0) / total for label, total in totals(counts).items()}


def confusion_order(classes: Sequence[str], counts: Counts) -> list[str]:
    """Order classes so that those taken for each other stand side by side.

    The closest pairs, by the shares of each that are taken for the other, are joined first; a class that has two
    neighbours, and the two ends of one chain, are joined no more. Chains with most confusion come first; classes that
    are never confused keep their order, at the end.
    """
    total = totals(counts)
    shares: dict[tuple[str, str], float] = defaultdict(float)
    place = {label: number for number, label in enumerate(classes)}
    for (label, predicted), count in counts.items():
        if label != predicted and count and label in place and predicted in place:
            one, other = sorted((label, predicted), key=place.__getitem__)
            shares[one, other] += count / total[label]
    chains = {label: [label] for label in classes}  # each class to the chain that it is in
    for one, other in sorted(shares, key=lambda pair: (-shares[pair], place[pair[0]], place[pair[1]])):
        left, right = chains[one], chains[other]
        if left is right or one not in (left[0], left[-1]) or other not in (right[0], right[-1]):
            continue
        left = left if left[-1] == one else left[::-1]
        right = right if right[0] == other else right[::-1]
        chain = left + right
        for label in chain:
            chains[label] = chain
    wrong: dict[str, float] = defaultdict(float)
    for (one, other), share in shares.items():
        wrong[one] += share
        wrong[other] += share
    whole = list({id(chain): chain for chain in chains.values()}.values())
    whole.sort(key=lambda chain: (-sum(wrong[label] for label in chain), min(place[label] for label in chain)))
    return [label for chain in whole for label in chain]
