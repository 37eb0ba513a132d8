"""Times as tables write them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pipeline.errors import ConfigError
from pipeline.sources.folder.params import TimeUnit

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def seconds(where: Path, name: str, text: str, unit: TimeUnit | Literal["samples"], rate: float) -> float:
    """Return a time in seconds, of the epoch for dates, of samples at a rate in Hz; ConfigError names the line."""
    try:
        if unit == "iso8601":
            date = datetime.fromisoformat(text)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        value = float(text.replace(",", ".")) * (1 / rate if unit == "samples" else _SECONDS[unit])
        if math.isfinite(value) and value >= 0:
            return value
    except ValueError:
        pass
    what = "a date such as 2026-11-29T17:00:00" if unit == "iso8601" else f"a number of {unit}, from 0"
    raise ConfigError(f"{where}: {name} is {text!r}, wanted {what}\n  fix the line, or say its `unit`")
