"""Options of commands that do steps: how many at a time, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _number_or_auto(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    try:
        return click.IntRange(min=1)(value, parameter, context)
    except click.BadParameter:
        raise click.BadParameter(f"{value!r} is neither auto nor a number from 1", context, parameter) from None


def machine_options(command: F) -> F:
    """Add ``--jobs``, ``--device``, ``--scheduler`` and ``--together``, as `RunOptions` has them."""
    options: list[Callable[[F], F]] = [
        click.option(
            "--jobs", type=click.IntRange(min=1), metavar="N", help="Steps at a time; left out: one a core, at most 8."
        ),
        click.option(
            "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
            help="Where networks run; auto: on a GPU where there is one; cuda: an error where there is none.",
        ),
        click.option(
            "--scheduler",
            metavar="local|ADDRESS",
            help="Work at a dask scheduler: tcp:// or tls://HOST:PORT, or local for one of this machine's cores or "
            "GPUs.",
        ),
        click.option(
            "--together", metavar="auto|N", default="auto", show_default=True, callback=_number_or_auto,
            help="Train up to N models that differ in fold and seed only as one; auto: on a GPU as many as fit, on a "
            "CPU one.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command
