"""Seconds that the environment may set, ``PIPELINE_..._SECONDS``: each within its range, or an error that names it."""

from __future__ import annotations

import os

from store.errors import WrongVariable

_DAY = 86_400.0
_SECONDS = {  # name -> default, least, most
    "PIPELINE_TIMEOUT_SECONDS": (20.0, 0.1, _DAY),
    "PIPELINE_LEASE_SECONDS": (60.0, 0.3, _DAY),
    "PIPELINE_SILENT_SECONDS": (60.0, 0.5, _DAY),
    "PIPELINE_WORKER_WAIT_SECONDS": (120.0, 0.0, 365 * _DAY),
}


def seconds_from_environment(name: str) -> float:
    """Return what a variable says, or its default where it says nothing.

    Raises
    ------
    WrongVariable
        It is no number, or out of its range; infinity and NaN are.
    """
    default, least, most = _SECONDS[name]
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        wanted = f"a number of seconds from {least:g} to {most:.0f}"
        raise WrongVariable(f"{name}={text}: must be {wanted}; mend or unset it")
    return value


def check_environment() -> None:
    """Raise WrongVariable where any of them is off: threads that read them later could only fail."""
    for name in _SECONDS:
        seconds_from_environment(name)
