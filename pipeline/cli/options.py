"""Options that several commands share, and the plan that they lead to."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.cli.told import DEFAULT_FILE, use_file
from pipeline.lock import lock_path
from pipeline.log import info, show
from pipeline.plan.planner import Plan, make_plan, plan_again
from pipeline.report.progress_line import ProgressLine
from pipeline.stagesfile.settings import parse_setting
from pipeline.terminal import note

F = TypeVar("F", bound=Callable[..., Any])


def _show_log(ctx: click.Context, param: click.Parameter, verbosity: int) -> None:
    if verbosity:
        show(verbosity)


def _keep_debug(ctx: click.Context, param: click.Parameter, debug: bool) -> None:
    ctx.meta["debug"] = debug  # for `run`, whose steps fail elsewhere; `main` looks at the arguments


def _use_file(ctx: click.Context, param: click.Parameter, path: Path) -> Path:
    use_file(ctx, path)
    return path


def _use_files(ctx: click.Context, param: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(paths) == 1:
        use_file(ctx, paths[0])
    return paths


def experiment_options(command: F) -> F:
    """Add ``-f`` and ``--set``, which the command takes as `path` and `settings`, ``--debug`` and ``-v``."""
    return _with_options(
        command,
        click.option(
            "-f", "--file", "path", type=click.Path(path_type=Path, readable=False), default=DEFAULT_FILE,
            metavar="FILE", show_default=True, callback=_use_file, help="The stages file.",
        ),
    )  # fmt: skip


def several_experiments_options(command: F) -> F:
    """Add the same, but ``-f`` may be given several times: the command takes `paths` and `settings`."""
    return _with_options(
        command,
        click.option(
            "-f", "--file", "paths", type=click.Path(path_type=Path, readable=False), default=(DEFAULT_FILE,),
            show_default=True, callback=_use_files, multiple=True, help="The stages file. Repeatable.",
        ),
    )  # fmt: skip


def _with_options(command: F, file: Callable[[F], F]) -> F:
    options: list[Callable[[F], F]] = [
        file,
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE",
            help="Override a key of the stages file, for example source.root=DIR. Repeatable.",
        ),
        click.option("--debug", is_flag=True, expose_value=False, callback=_keep_debug, help="Show tracebacks."),
        click.option(
            "-v", "--verbose", count=True, expose_value=False, callback=_show_log,
            help="Say more of what is done, -vv still more.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def exclusive(one: str, is_one_given: object, other: str, is_other_given: object) -> None:
    """Raise UsageError where both of two options are given."""
    if is_one_given and is_other_given:
        raise click.UsageError(f"{one} and {other} exclude each other")


def json_text(value: Any) -> str:
    """Write what ``--json`` asks for."""
    return json.dumps(value, indent=1)


def reported_of(plan: Plan) -> set[str]:
    """Return the URLs of the remotes of which `note_failures` says something."""
    return {*plan.chain.failures, *plan.chain.absent}


def note_failures(plan: Plan, reported: Container[str]) -> None:
    """Say which remotes are left out, or are no stores yet, but for those of which that was said before."""
    for url, why in plan.chain.failures.items():
        if url not in reported:
            note(f"remote {url} is left out: {why}")
    for url, remote in plan.chain.absent.items():
        if url not in reported:
            or_push = "" if remote.read_only else ", or `pipeline push` makes one there"
            note(f"there is no store at the remote {url}: check its name{or_push}")


def plan_of(path: Path, settings: tuple[str, ...], earlier: Plan | None = None) -> Plan:
    """Make the plan, or an `earlier` one again; show long hashing on standard error, and say once what is away."""
    started, line = time.monotonic(), ProgressLine()

    def progress(what: str, done: int, total: int) -> None:
        line.update(f"{what}: {done} of {total}")

    reported = reported_of(earlier) if earlier else set()
    plan = plan_again(earlier) if earlier else make_plan(path, [parse_setting(text) for text in settings], progress)
    line.clear()
    note_failures(plan, reported)
    counts = ", ".join(f"{count} {state}" for state, count in Counter(plan.states.values()).items())
    info(__name__, "planned %d steps in %.2f s: %s", len(plan.steps), time.monotonic() - started, counts)
    if earlier is None:
        for location, what in plan.absent.items():
            note(f"{what} not at {location}; keys come from {lock_path(path).name}")
        _note_idle_defaults(plan, settings)
    return plan


def _note_idle_defaults(plan: Plan, settings: tuple[str, ...]) -> None:
    """Say of a default of ``fit`` that was set on the command line where no entry leaves it open."""
    entries = [entry for point in plan.points for entry in point.entries.values() if entry.stage in ("train", "distil")]
    for key in (setting.partition("=")[0] for setting in settings):
        top, _, name = key.partition(".")
        if top == "fit" and name and entries and all(name in (entry.body.get("fit") or {}) for entry in entries):
            note(f"--set {key} changes nothing: each entry says its own; set stages.{entries[0].name}.{key}")
