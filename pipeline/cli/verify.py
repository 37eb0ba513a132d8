"""``pipeline verify``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import plan_of
from pipeline.cli.retry import retry_after_quarantine
from pipeline.cli.store_options import open_store, store_options
from pipeline.formatting import size
from pipeline.keys.recipe_check import contradiction
from pipeline.report import verify_report as damage
from pipeline.report.progress_line import ProgressLine
from pipeline.run.selection import of_entries
from store import Store
from store.errors import StoreError

if TYPE_CHECKING:
    from store import IrregularPath, VerifyResult

_AT_ONCE = 4  # outputs in a bucket; each has several objects under way

Name = tuple[str, str]


@click.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@store_options
@click.option("--all", "whole", is_flag=True, help="Everything in the store, not this experiment's outputs alone.")
@click.option("--size", "sizes", is_flag=True, help="Compare sizes only: quick, and finds what is cut off or missing.")
@click.option("--deep", is_flag=True, help="Read every object and compare its SHA-256; this is the default.")
@click.option("--quarantine", is_flag=True, help="Set damaged outputs aside; the next run fetches or makes them again.")
@click.option("--remote", metavar="URL", help="Check the outputs in this store instead.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def command(
    entries: tuple[str, ...],
    path: Path,
    settings: tuple[str, ...],
    debug: bool,
    url: str | None,
    whole: bool,
    sizes: bool,
    deep: bool,
    quarantine: bool,
    remote: str | None,
    as_json: bool,
) -> int:
    """Check this experiment's outputs against their manifests, or those of each ENTRY.

    Exit code 1: something is damaged, could not be checked, or is neither a plain file nor a folder.
    """
    if sizes and deep:
        raise click.UsageError("--size and --deep exclude each other")
    if whole and entries:
        raise click.UsageError("--all and ENTRY exclude each other")
    if whole:
        store = open_store(path, settings, remote or url)
        names = dict.fromkeys(store.outputs(), "")
    else:
        if url is not None:
            open_store(path, settings, url)  # a mistyped one, where nothing could be found wrong
        placed = settings if url is None else (*settings, f"store={url}")
        plan = retry_after_quarantine(lambda: plan_of(path, placed)) if quarantine else plan_of(path, placed)
        names = {(step.stage, step.key): step.id for step in of_entries(plan, entries)}
        store = open_store(path, settings, remote) if remote else plan.store
    found = _check(store, names, deep=not sizes)
    if whole:
        inventory = store.inventory()
        found.irregular, found.foreign = inventory.irregular, inventory.foreign
    else:
        found.irregular = [each for checked in found.checked for each in checked.irregular]
    if quarantine:
        _set_aside(store, found)
    told = damage.VerifyReport(
        store.url, not sizes, found.checked, found.missing, found.failed, found.moved, names, found.irregular,
        found.foreign,
    )  # fmt: skip
    print(json.dumps(told.as_json(), indent=1) if as_json else told.as_text())
    return 1 if found.failed or found.irregular or any(each.damage for each in found.checked) else 0


@dataclass
class _Found:
    checked: list[VerifyResult] = field(default_factory=list)
    missing: list[Name] = field(default_factory=list)
    failed: dict[Name, str] = field(default_factory=dict)
    moved: dict[Name, str] = field(default_factory=dict)
    irregular: list[IrregularPath] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def _check(store: Store, names: dict[Name, str], *, deep: bool) -> _Found:
    found = _Found()
    line = ProgressLine("checked", "outputs")
    done, read = 0, 0

    def reading(now: int, total: int) -> None:
        line.update(done, len(names), f", {size(read)}; reading {size(now)} of {size(total)}")

    def one(name: Name) -> VerifyResult | StoreError | None:
        try:
            return store.verify(*name, deep=deep, contradiction=contradiction, progress=reading)
        except StoreError as error:
            return error

    for name, each in zip(names, _each(store, list(names), one), strict=True):
        if each is None:
            found.missing += [name] if names[name] else []  # of a whole store these are only begun
        elif isinstance(each, StoreError):
            found.failed[name] = str(each)
        else:
            found.checked.append(each)
            read += each.bytes
        done += 1
        line.update(done, len(names), f", {size(read)}")
    line.clear()
    return found


def _each(store: Store, names: list[Name], one: damage.Check) -> Iterator[VerifyResult | StoreError | None]:
    if "://" not in store.url:
        yield from map(one, names)
        return
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        yield from threads.map(one, names)


def _set_aside(store: Store, found: _Found) -> None:
    for each in found.checked:
        if each.damage:
            name = each.stage, each.key
            why = "; ".join(f"{d.path}: expected {d.expected}, found {d.found}" for d in each.damage[:20])
            try:
                found.moved[name] = store.quarantine(*name, why, attempt=each.attempt)
            except StoreError as error:
                print(f"error: {'/'.join(name)} was not set aside: {error}", file=sys.stderr)
