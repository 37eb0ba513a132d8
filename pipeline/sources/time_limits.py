"""What the times of a recording's samples can be: one check for all sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from pipeline.sources.broken_file import BrokenFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Seconds = Annotated[float, msgspec.Meta(gt=0, le=31_622_400)]  # a year


class TimeLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What no recording has unless a time stamp is damaged; holds for series with times, of any source.

    Attributes
    ----------
    gap
        Longest time between two samples, in seconds.
    length
        Longest time from the first sample to the last, in seconds; alignment takes memory for as much.
    """

    gap: Seconds = 10.0
    length: Seconds = 3600.0

    def changed(self) -> dict[str, float]:
        """Return the limits that are not the default ones: these alone enter keys."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value != getattr(DEFAULT, name)}


DEFAULT = TimeLimits()


class SourceRecipe(msgspec.Struct, frozen=True):
    """What stages read of a recipe's ``source``; whoever opens the dataset reads the rest."""

    times: TimeLimits = DEFAULT


def check(times: NDArray[np.float64], limits: TimeLimits) -> None:
    """Hold increasing times against the limits; BrokenFileError where a gap or the whole is longer."""
    import numpy as np

    with np.errstate(over="ignore"):
        steps, length = np.diff(times), float(times[-1] - times[0])
    longest = float(steps.max(initial=0.0))
    if longest > limits.gap:
        after = float(times[int(steps.argmax())] - times[0])
        raise BrokenFileError(
            f"has {longest:g} s between two samples, {after:g} s after its first, more than the {limits.gap:g} s of "
            "source.times.gap: a time stamp is damaged"
        )
    if length > limits.length:
        raise BrokenFileError(
            f"lasts {length:g} s, more than the {limits.length:g} s of source.times.length: a time stamp is damaged"
        )
