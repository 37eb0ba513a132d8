"""Options that several commands share, and the plan that they lead to."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.lock import lock_path
from pipeline.log import info, show
from pipeline.plan.planner import Plan, make_plan, plan_again
from pipeline.stagesfile.settings import parse_setting
from pipeline.terminal import drawing

F = TypeVar("F", bound=Callable[..., Any])


def _show_log(ctx: click.Context, param: click.Parameter, verbosity: int) -> None:
    if verbosity:
        show(verbosity)


def experiment_options(command: F) -> F:
    """Add ``-f``, ``--set``, ``--debug`` and ``-v``."""
    options = [
        click.option(
            "-f", "--file", "path", type=click.Path(path_type=Path, readable=False), default=Path("stages.yaml"),
            show_default=True, help="The stages file.",
        ),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE",
            help="Override a key of the stages file, for example source.root=DIR. Repeatable.",
        ),
        click.option("--debug", is_flag=True, help="Show tracebacks."),
        click.option(
            "-v", "--verbose", count=True, expose_value=False, callback=_show_log,
            help="Say more of what is done, -vv still more.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def plan_of(path: Path, settings: tuple[str, ...], earlier: Plan | None = None) -> Plan:
    """Make the plan, or an `earlier` one again; show long hashing on standard error, and say once what is away."""
    shown, started = False, time.monotonic()

    def progress(what: str, done: int, total: int) -> None:
        nonlocal shown
        if total >= 500 and sys.stderr.isatty() and (done % 100 == 0 or done == total):
            shown = True
            print(f"\r{what}: {done} of {total}", end="", file=drawing(sys.stderr), flush=True)

    reported = dict(earlier.chain.failures) if earlier else {}
    plan = plan_again(earlier) if earlier else make_plan(path, [parse_setting(text) for text in settings], progress)
    if shown:
        print(file=sys.stderr)
    for url in plan.chain.failures.keys() - reported.keys():
        print(f"note: remote {url} is left out: {plan.chain.failures[url]}", file=sys.stderr)
    counts = ", ".join(f"{count} {state}" for state, count in Counter(plan.states.values()).items())
    info(__name__, "planned %d steps in %.2f s: %s", len(plan.steps), time.monotonic() - started, counts)
    if earlier is None:
        for location, what in plan.absent.items():
            print(f"note: {what} not at {location}; keys come from {lock_path(path).name}", file=sys.stderr)
    return plan
