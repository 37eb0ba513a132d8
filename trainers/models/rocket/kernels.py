"""What is fixed of MiniRocket's convolutions: weights, dilations, and the levels at which outputs are counted.

Dempster, Schmidt and Webb, MiniRocket: a very fast (almost) deterministic transform for time series classification
(KDD 2021, arXiv 2012.08791), 3.1 and 3.2; numbers are rounded as the authors' code rounds them.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

LENGTH = 9  # weights of a kernel
COUNT = 84  # the ways to choose three of nine
REACH = LENGTH // 2  # samples to either side of the middle, times the dilation
DILATIONS = 32  # of a kernel at most


def kernel_weights() -> list[list[float]]:
    """Return the weights (84, 9): three of each kernel are 2, six are -1, so that they add up to zero."""
    return [[2.0 if place in chosen else -1.0 for place in range(LENGTH)] for chosen in combinations(range(LENGTH), 3)]


def dilations(samples: int, features: int) -> list[tuple[int, int]]:
    """Return the dilations for series of L samples (9 at least), and how many features each kernel has at each.

    They are spread evenly in the exponent, up to the one at which a kernel is as long as the series.
    """
    each = features // COUNT
    most = min(each, DILATIONS)
    exponents = np.linspace(0, math.log2((samples - 1) / (LENGTH - 1)), most)
    found, counts = np.unique((2.0**exponents).astype(np.int64), return_counts=True)
    shares = (counts * (each / most)).astype(np.int64)
    for place in range(each - int(shares.sum())):
        shares[place % len(shares)] += 1
    return [(int(dilation), int(share)) for dilation, share in zip(found, shares, strict=True)]


def levels(count: int) -> list[float]:
    """Return the first of a sequence that covers 0..1 evenly however many are taken: multiples of the golden ratio."""
    golden = (math.sqrt(5) + 1) / 2
    return [number * golden % 1 for number in range(1, count + 1)]
