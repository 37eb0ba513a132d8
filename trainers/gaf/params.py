"""Parameters of Gramian angular fields. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class GafParams(Struct, frozen=True, forbid_unknown_fields=True):
    """How a channel's series becomes images.

    Attributes
    ----------
    size
        S, rows and columns of an image, 2 to 1024.
    field
        ``summation`` (GASF) cannot see the sign of a series, ``difference`` (GADF) can; ``both``: first the
        summation fields of all channels, then their difference fields.
    scaling
        How values come into -1..1: ``sample``, by the least and the greatest of each recording and channel,
        which drops offset and amplitude; or ``fixed``, by `range`, which keeps both.
    range
        With ``fixed``: the value that becomes 1, in the sensor's unit, one for all channels or one a
        channel; what is beyond is clipped.
    """

    size: Annotated[int, Meta(ge=2, le=1024)] = 64
    field: Literal["summation", "difference", "both"] = "summation"
    scaling: Literal["sample", "fixed"] = "sample"
    range: float | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.scaling == "sample":
            if self.range is not None:
                raise ValueError("range: scaling: sample does not use it; leave it out or set scaling: fixed")
            return
        if self.range is None:
            raise ValueError("range: scaling: fixed needs it; give the value that becomes 1, in the sensor's unit")
        given = self.range if isinstance(self.range, tuple) else (self.range,)
        if not given or not all(0 < value <= 1e9 for value in given):
            raise ValueError(f"range: must be greater than 0, up to 1e9, one value or one a channel, not {self.range}")

    @property
    def fields(self) -> tuple[Literal["summation", "difference"], ...]:
        """The fields in the order of their images."""
        return ("summation", "difference") if self.field == "both" else (self.field,)

    def ranges(self, channels: int) -> tuple[float, ...] | None:
        """Return the value that becomes 1 of each channel; None with ``sample``.

        Raises
        ------
        ValueError
            There is not one value a channel.
        """
        if self.range is None:
            return None
        if not isinstance(self.range, tuple):
            return (self.range,) * channels
        if len(self.range) != channels:
            raise ValueError(
                f"range: has {len(self.range)} values, the series has {channels} channels; give one value or {channels}"
            )
        return self.range
