"""What the values of options and arguments can be, by what these are called in a command's usage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from pipeline.cli.completion import experiment, settings
from pipeline.cli.completion.experiment import Names
from pipeline.cli.told import DEFAULT_FILE

Items = Iterable[CompletionItem]


def complete_values(param: click.Parameter) -> None:
    """Let a parameter know what its values can be."""
    called = (param.metavar or param.name or "").strip("[].").upper()
    find = _FOUND_BY.get(called) or _FOUND_BY.get(f"--{param.name}")
    words = [word for word in (param.metavar or "").split("|") if word.islower()]
    if find is not None:
        param.type = _Known(find)
    elif words:  # such as auto|N
        param.type = _Known(lambda context, begun: map(CompletionItem, words))


class _Known(StringParamType):
    """Text of which is known what it can be."""

    def __init__(self, find: Callable[[click.Context, str], Items]) -> None:
        self._find = find

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return what can be there: what begins as it was begun, and what the shell itself completes."""
        found = self._find(ctx, incomplete)
        return [item for item in found if item.type in ("file", "dir") or item.value.startswith(incomplete)]


def _names(ctx: click.Context) -> Names:
    """Return the names of the experiment that a line is about."""
    given: dict[str, Any] = {}
    for params in (ctx.parent.params if ctx.parent else {}, ctx.params):
        path = Path(params.get("path") or (params.get("paths") or (DEFAULT_FILE,))[0])
        given["path"] = given.get("path", DEFAULT_FILE) if path == DEFAULT_FILE else path
        given["settings"] = (*given.get("settings", ()), *(params.get("settings") or ()))
    return Names(**given, url=ctx.params.get("url"))


def _entries(ctx: click.Context, begun: str) -> Items:
    names = _names(ctx)
    return [CompletionItem(name, help=names.stage_of(name)) for name in names.entries]


def _steps(ctx: click.Context, begun: str) -> Items:
    """Return entries, then the ids of one entry's steps, which may be many."""
    names, entry = _names(ctx), begun.partition("[")[0]
    own = ctx.params.get("entry")  # of `accept ENTRY STEP`
    if "[" in begun:
        return [CompletionItem(id_) for id_ in names.steps if id_.startswith(f"{entry}[")]
    if own:
        return [CompletionItem(id_) for id_ in names.steps if id_.partition("[")[0] == own]
    several = dict.fromkeys(id_.partition("[")[0] for id_ in names.steps if "[" in id_)
    return [*_entries(ctx, begun), *(CompletionItem(f"{name}[", "open", "one of its steps") for name in several)]


def _settings(ctx: click.Context, begun: str) -> Items:
    if settings.is_folder(begun):
        return [CompletionItem(begun, "dir")]
    found = settings.complete_setting(begun, _names(ctx))
    return [CompletionItem(each.text, "open" if each.open else "plain") for each in found]


def _described(found: Iterable[tuple[str, str]]) -> Items:
    return [CompletionItem(value, help=said) for value, said in found]


def _data_sets(ctx: click.Context, begun: str) -> Items:
    from pipeline.init.known import names

    return map(CompletionItem, names())


_FOUND_BY: dict[str, Callable[[click.Context, str], Items]] = {
    "ENTRY": _entries,
    "STEP": _steps,
    "KEY=VALUE": _settings,
    "RUN": lambda ctx, begun: _described(_names(ctx).runs()),
    "KEY": lambda ctx, begun: _described(_names(ctx).keys(begun)),
    "REF": lambda ctx, begun: map(CompletionItem, _names(ctx).references()),
    "RECORDING": lambda ctx, begun: map(CompletionItem, _names(ctx).recordings()),
    "STAGE": lambda ctx, begun: map(CompletionItem, experiment.stages()),
    "DIR": lambda ctx, begun: [CompletionItem(begun, "dir")],
    "FILE": lambda ctx, begun: [CompletionItem(begun, "file")],
    "URL": lambda ctx, begun: [CompletionItem(begun, "dir")],
    "--dataset": _data_sets,
}
