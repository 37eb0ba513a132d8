"""What may be tried of each setting, and how a sampler sees it: pure, without the sampler's library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.stagesfile.document import Document
from pipeline.stagesfile.tune import Number, Range

Coordinate = int | float  # where a value lies, for the sampler


@dataclass(frozen=True)
class Axis:
    """The interval that a sampler draws a setting's coordinate from.

    Attributes
    ----------
    kind
        ``place``: of a list without order; ``int`` and ``float``: numbers from `low` to `high`.
    """

    kind: Literal["place", "int", "float"]
    low: Number
    high: Number
    log: bool = False
    step: Number | None = None


@dataclass(frozen=True)
class Choices:
    """One of some values: rising numbers in their order, so that neighbours are near; any others without one."""

    values: Sequence[Any]

    @property
    def axis(self) -> Axis:
        """Return what a sampler draws from: the value's place."""
        numbers = [each for each in self.values if isinstance(each, int | float) and not isinstance(each, bool)]
        rising = len(numbers) == len(self.values) and sorted({*numbers}) == numbers
        return Axis("int" if rising else "place", 0, len(self.values) - 1)

    def value(self, coordinate: Coordinate) -> Any:
        """Return the value at a place."""
        return self.values[int(coordinate)]

    def coordinate(self, value: Any) -> Coordinate | None:
        """Return a value's place; None where it is none of these."""
        same = (each == value and isinstance(each, bool) == isinstance(value, bool) for each in self.values)
        return next((place for place, is_it in enumerate(same) if is_it), None)

    @property
    def probes(self) -> list[Any]:
        """Return values that show whether the setting can be made, and what it changes."""
        return list(self.values)


@dataclass(frozen=True)
class Numbers:
    """Numbers of a range."""

    range: Range

    @property
    def _is_whole(self) -> bool:
        written = [self.range.low, self.range.high, *([] if self.range.step is None else [self.range.step])]
        return all(isinstance(each, int) for each in written)

    @property
    def axis(self) -> Axis:
        """Return what a sampler draws from: the range itself."""
        low, high, step = self.range.low, self.range.high, self.range.step
        if step is not None:  # the last one that steps lead to
            high = type(high)(f"{low + int((high - low) / step + 1e-9) * step:.12g}")  # 0.3, not 0.30000000000000004
        return Axis("int" if self._is_whole else "float", low, high, self.range.log, step)

    def value(self, coordinate: Coordinate) -> Any:
        """Return a number as one would write it: with four digits, so that every machine tries the same."""
        if self._is_whole:
            return int(coordinate)
        digits = 4 if self.range.step is None else 10
        return min(max(float(f"{coordinate:.{digits}g}"), float(self.range.low)), float(self.range.high))

    def coordinate(self, value: Any) -> Coordinate | None:
        """Return the number itself; None where it is none of these."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not self.range.low <= value <= self.range.high
        ):
            return None
        steps = (value - self.range.low) / (self.range.step or 1)
        if (self._is_whole or self.range.step is not None) and abs(steps - round(steps)) > 1e-8:
            return None
        return int(value) if self._is_whole else float(value)

    @property
    def probes(self) -> list[Any]:
        """Return its ends."""
        return [self.value(self.axis.low), self.value(self.axis.high)]


Space = Mapping[str, Choices | Numbers]  # by dotted key


def read_space(document: Document, entry: str, written: Mapping[str, list[Any] | Range]) -> Space:
    """Return an entry's space; ConfigError with line, key and remedy for what cannot be searched."""
    place = f"tune.space.{entry}"
    if not written:
        remedy = f"name a key and its values, such as stages.{entry}.fit.lr: {{low: 1e-4, high: 1e-2, log: true}}"
        raise document.error(place, "names no setting", remedy)
    return {key: _dimension(document, f"{place}.{key}", key, each) for key, each in written.items()}


def _dimension(document: Document, place: str, key: str, written: list[Any] | Range) -> Choices | Numbers:
    top, *rest = key.split(".")
    if top not in ("stages", "fit") or not rest or not all(rest):
        remedy = "name keys below stages or fit, as --set takes them, such as stages.teacher.fit.lr"
        raise document.error(place, _why_not(top), remedy)
    if isinstance(written, Range):
        _check_range(document, place, written)
        return Numbers(written)
    if not written:
        raise document.error(place, "the list is empty", "give values, or {low: ..., high: ...}")
    if twice := next((each for i, each in enumerate(written) if each in written[:i]), None):
        raise document.error(place, f"has {twice!r} twice", "keep one")
    return Choices(tuple(written))


def _why_not(top: str) -> str:
    if top in ("protocol", "modalities", "source", "on_bad_recording"):
        return f"`{top}` says which recordings are tested: what differs in them cannot be compared"
    if top == "seeds":
        return "a seed is no setting: the best one is the luckiest"
    return "is nothing that a model is made by"


def _check_range(document: Document, place: str, written: Range) -> None:
    low, high, step = written.low, written.high, written.step
    for name, each in {"low": low, "high": high, "step": step}.items():
        if each is not None and not math.isfinite(each):
            raise document.error(f"{place}.{name}", f"is {each:g}", "give a number that can be tried")
    if not low < high:
        raise document.error(place, f"low {low:g} is not less than high {high:g}", "exchange them, or give a list")
    if written.log and low <= 0:
        raise document.error(f"{place}.low", f"is {low:g}, and has no logarithm", "give more than 0, or leave out log")
    if step is not None and not 0 < step <= high - low:
        raise document.error(f"{place}.step", f"is {step:g} of {high - low:g}", "give a part of the range")
    if written.log and step is not None:
        raise document.error(f"{place}.step", "does not go with log", "leave one out, or give a list")
