"""What a stages file says of a search for settings: ``tune:``. No part of it enters a key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

LEAVE_ONE_OUT = "leave-one-out"
Number = int | float
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Range(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Numbers between two others; whole ones where all that is written here is whole.

    Attributes
    ----------
    low, high
        The least and the greatest, both among them.
    log
        Whether orders of magnitude count alike.
    step
        From one to the next; left out, any number between.
    """

    low: Number
    high: Number
    log: bool = False
    step: Number | None = None


class TuneParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A search for settings of entries, by inner folds of training recordings alone.

    Attributes
    ----------
    space
        By entry, whose top-1 is to be as high as can be: dotted keys, as `--set` takes them, to a list of values or a
        range.
    trials
        How many settings are tried of each entry, those of the file among them; null: 30, or where there are `hours`
        as many as these allow.
    hours
        How long trials of each entry may compute: the seconds of all their steps, one after another. The batch that
        passes it is the last one. null: `trials` alone count.
    inner
        Inner folds of each training side, or `leave-one-out`. null: that of up to 4 subjects, else 3 folds.
    seeds
        Of trials; null: the first of the experiment's.
    batch
        How many trials are chosen at a time, before any of them is known, and run side by side.
    seed
        Of the sampler.
    """

    space: dict[str, dict[str, list[Any] | Range]]
    trials: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    hours: Annotated[float, Meta(gt=0)] | None = None
    inner: Annotated[int, Meta(ge=2, le=1000)] | Literal["leave-one-out"] | None = None
    seeds: tuple[Seed, ...] | None = None
    batch: Annotated[int, Meta(ge=1, le=1000)] = 4
    seed: Seed = 0
