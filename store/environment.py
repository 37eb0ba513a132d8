"""Durations that the environment sets, ``PIPELINE_..._SECONDS``, each checked against its range."""

from __future__ import annotations

import os

from store.errors import WrongVariable

_DAY = 86_400.0
_SECONDS = {  # name -> default, minimum, maximum
    "PIPELINE_TIMEOUT_SECONDS": (20.0, 0.1, _DAY),
    "PIPELINE_LEASE_SECONDS": (60.0, 0.3, _DAY),
    "PIPELINE_SILENT_SECONDS": (60.0, 0.5, _DAY),
    "PIPELINE_WORKER_WAIT_SECONDS": (120.0, 0.0, 365 * _DAY),
}


def seconds_from_environment(name: str) -> float:
    """Return the value of a variable, or its default where it is unset or empty.

    Raises
    ------
    WrongVariable
        It is not a number, or out of its range, as are infinity and NaN.
    """
    default, minimum, maximum = _SECONDS[name]
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")  # which is in no range
    if not minimum <= value <= maximum:
        wanted = f"a number of seconds from {minimum:g} to {maximum:.0f}"
        raise WrongVariable(f"{name}={text}: must be {wanted}; fix or unset it")
    return value


def is_true(value: str) -> bool:
    """Tell whether a variable switches something on, as object_store reads it."""
    return value.strip().lower() in ("1", "true", "on", "yes", "y")


def check_environment() -> None:
    """Raise WrongVariable where any of them is unusable, before the threads that read them could only fail."""
    for name in _SECONDS:
        seconds_from_environment(name)
