"""What a window becomes: one of the reductions that have a name, or a plug-in's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pipeline.errors import ContractError
from trainers.data.patches import Reduce, Reduction

if TYPE_CHECKING:
    from pipeline.stages.context import Resolve


def resolve_reduction(reduce: Reduce | Mapping[str, Any], resolve: Resolve | None) -> Reduce | CheckedReduction:
    """Return how windows are reduced, as a recipe or an output says: by a name, or a plug-in's with its parameters."""
    if isinstance(reduce, str):
        return reduce
    assert resolve is not None
    build, params = resolve("reduction", reduce)
    return CheckedReduction(str(reduce["name"]), build(params))


class CheckedReduction:
    """A plug-in's object, called with windows (N, P, window, C) of N recordings.

    ContractError where it gives anything but floating-point patches (N, P, D).
    """

    def __init__(self, name: str, reduce: Callable[[Tensor], Any]) -> None:
        self._reduce = reduce
        self._whose = f"reduce {name} ({type(reduce).__module__})"

    def __call__(self, windows: Tensor) -> Tensor:
        """Return patches (N, P, D) in the type of the windows."""
        made = self._reduce(windows)
        wanted = f"({windows.shape[0]}, {windows.shape[1]}, features)"
        if not isinstance(made, Tensor) or not made.is_floating_point():
            given = made.dtype if isinstance(made, Tensor) else type(made).__name__
            raise self.mistake(f"gave {given}, wanted a tensor of floating-point numbers {wanted}")
        if made.ndim != 3 or made.shape[:2] != windows.shape[:2] or not made.shape[2]:
            raise self.mistake(f"gave a tensor {tuple(made.shape)}, wanted {wanted}")
        return made.to(windows.dtype)

    def mistake(self, what: str) -> ContractError:
        """Return the error that says what is wrong with what the plug-in gave."""
        return ContractError(f"{self._whose}: {what}\n  mend it there")


def features_of(reduce: Reduce | Reduction, window: int, channels: int) -> int:
    """Return D, how many features a window (window, channels) becomes."""
    if callable(reduce):
        return reduce(torch.zeros(1, 1, window, channels)).shape[2]
    return channels * {"mean": 1, "mean-std": 2, "flatten": window}[reduce]
