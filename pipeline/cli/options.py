"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.cli.told import DEFAULT_FILE, use_file
from pipeline.log import show

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
