"""``pipeline gc``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import exclusive, json_text
from pipeline.cli.store_options import open_store, store_options
from pipeline.cli.told import say
from pipeline.errors import ConfigError
from pipeline.keys.recipe_check import contradiction
from pipeline.report.progress_line import ProgressLine
from pipeline.report.store import cleaning as scraps
from pipeline.terminal import note
from store import resolve_ref_names
from store.errors import StoreError

if TYPE_CHECKING:
    from store import GarbageCollection, Store

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.command()
@store_options
@click.option(
    "--grace", default="14d", show_default=True, metavar="TIME",
    help="Keep what was written less than this ago: a number and s, m, h, d or w.",
)  # fmt: skip
@click.option(
    "--forget", multiple=True, metavar="REF",
    help="Drop this experiment's reference first, named as gc and `store du` list it. Repeatable.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would be freed, and stop: what gc does without --yes.")
@click.option("--yes", is_flag=True, help="Free it.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    path: Path,
    settings: tuple[str, ...],
    url: str | None,
    grace: str,
    forget: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Show what no experiment uses and what was left behind; with --yes, free it."""
    exclusive("--dry-run", dry_run, "--yes", yes)
    if not all(forget):
        raise click.UsageError("--forget: names nothing; `pipeline store du` lists references")
    grace_s = _seconds(grace)
    store = open_store(path, settings, url)
    dropped = _references(store, forget)
    collection = store.garbage_collection(grace_s=grace_s, drop_refs=dropped, contradiction=contradiction)
    for why in collection.unreadable.values():
        note(f"{why}; see `pipeline verify --all`")
    not_freed = _free(collection) if yes else None
    if as_json:
        print(json_text(scraps.as_json(collection, store.url, not_freed)))
    elif not_freed is None:
        say(scraps.as_text(collection, store.url))
    else:
        say(scraps.freed_text(collection, not_freed))
    return 0


def _references(store: Store, named: tuple[str, ...]) -> list[str]:
    """Find references by what is given of their names; ConfigError where that is of none, or of several."""
    try:
        return resolve_ref_names(list(store.refs()), named) if named else []
    except StoreError as error:
        raise ConfigError(f"{error}\n  give one of these, or the beginning of one") from None


def _free(collection: GarbageCollection) -> dict[str, str]:
    """Free what can be freed; return what was not, by its path, and why."""
    not_freed: dict[str, str] = {}
    line = ProgressLine()
    for done, (item, why) in enumerate(collection.run(), 1):
        if why:
            not_freed[item.path] = why
        line.update(f"freed {done} of {len(collection.garbage)} things")
    line.clear()
    return not_freed


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw]?)", text.strip())
    if not match or (not match[2] and float(match[1])):
        raise click.UsageError(f"--grace {text}: not a time; write a number and s, m, h, d or w, such as 14d or 36h")
    return float(match[1]) * _UNITS_S[match[2] or "s"]
