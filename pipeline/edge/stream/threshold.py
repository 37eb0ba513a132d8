"""How sure a label must be to be said: what is less sure is no activity."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from pipeline.edge.stream.smoothing import Probabilities, Smoothed
from pipeline.errors import ConfigError

Measure = Literal["probability", "entropy"]


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """The least probability of a label, or the greatest entropy of all probabilities.

    Attributes
    ----------
    measure
        ``entropy`` is a share of that of equal probabilities.
    figures
        What was measured when it was chosen.
    key, window
        Of which model, and in windows of how many seconds; empty and 0 of a number that somebody gave.
    """

    measure: Measure = "probability"
    value: Annotated[float, msgspec.Meta(ge=0, le=1)]
    figures: dict[str, Any] = {}
    key: str = ""
    window: float = 0.0

    def doubts(self, key: str, window: float) -> str:
        """Say for what else it was chosen; empty where for this very model and windows of this length."""
        if self.key and self.key != key:
            return "it was chosen for another model"
        if self.window and abs(self.window - window) > 1e-6:
            return f"it was chosen for windows of {self.window:g} s, and these have {window:g} s"
        return ""

    def accepts(self, smoothed: Smoothed) -> bool:
        """Tell whether a label is sure enough."""
        if self.measure == "probability":
            return smoothed.probability >= self.value
        return entropy(smoothed.probabilities) <= self.value


def entropy(probabilities: Probabilities) -> float:
    """Return the entropy of (K,) probabilities over that of K equal ones: 0 to 1."""
    if len(probabilities) < 2:
        return 0.0
    some = probabilities[probabilities > 0].astype(np.float64)
    return float(-(some * np.log(some)).sum() / math.log(len(probabilities)))


def threshold_of(text: str) -> Threshold:
    """Read what ``--threshold`` names: a number, ``entropy:NUMBER``, or a file that calibration wrote."""
    measure, _, number = text.rpartition(":")
    try:
        return msgspec.convert({"measure": measure or "probability", "value": float(number)}, Threshold)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--threshold {text}: {error}\n  give a number from 0 to 1, or entropy:NUMBER") from None
    except ValueError:
        pass
    try:
        return msgspec.json.decode(Path(text).read_bytes(), type=Threshold)
    except OSError as error:
        raise ConfigError(
            f"--threshold {text}: {error.strerror}\n"
            "  give a number from 0 to 1, entropy:NUMBER, or a file that `pipeline stream calibrate` wrote"
        ) from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{text}: {error}\n  write it again by `pipeline stream calibrate`") from None
