"""What is wrong with a state that is to be loaded into a network, told by the shapes of its tensors."""

from __future__ import annotations

from collections.abc import Mapping

COUNTER = "num_batches_tracked"  # of training steps; older files lack it

Shapes = Mapping[str, tuple[int, ...]]


def state_problems(wanted: Shapes, given: Shapes) -> list[str]:
    """Say in a few words each how a state differs from what is wanted; nothing where only counters are missing."""
    lacking = [key for key in wanted if key not in given and COUNTER not in key]
    unknown = [key for key in given if key not in wanted]
    wrong = [key for key in wanted if key in given and given[key] != wanted[key]]
    problems = []
    for what, keys in (("lacks", lacking), ("has unknown", unknown)):
        if keys:
            problems.append(f"{what} {keys[0]}" + (f" and {len(keys) - 1} more" if len(keys) > 1 else ""))
    return problems + [f"{key} is {given[key]} instead of {wanted[key]}" for key in wrong[:1]]
