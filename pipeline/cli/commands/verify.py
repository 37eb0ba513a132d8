"""``pipeline verify``."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import exclusive, json_text
from pipeline.cli.store_options import open_store, store_options
from pipeline.cli.told import say
from pipeline.experiment.planning import plan_of
from pipeline.experiment.retry import retry_after_quarantine
from pipeline.formatting import size
from pipeline.keys.recipe_check import contradiction
from pipeline.registry import STAGES
from pipeline.report.progress_line import ProgressLine
from pipeline.report.store.verification import VerifyReport
from pipeline.run.selection import outputs_of
from store import IN_THE_WAY, IrregularPath, Store
from store.errors import StoreError

if TYPE_CHECKING:
    from store import OutputName, VerifyResult

_IN_THE_WAY = re.compile(rf"outputs/({'|'.join(STAGES)})(/[0-9a-f]{{64}})?")  # of what is foreign, as it is no folder
_MAX_OUTPUTS = 4  # of a bucket, at a time; each has several objects under way


@click.command()
@click.argument("words", nargs=-1, metavar="[WHAT]...")
@store_options
@click.option("--all", "whole", is_flag=True, help="Everything in the store, not this experiment's outputs alone.")
@click.option("--size", "sizes", is_flag=True, help="Compare sizes only: quick, and finds what is cut off or missing.")
@click.option("--deep", is_flag=True, help="Read every object and compare its SHA-256; this is the default.")
@click.option("--quarantine", is_flag=True, help="Set damaged outputs aside; the next run fetches or makes them again.")
@click.option("--remote", metavar="URL", help="Check the outputs in this store instead.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def command(
    words: tuple[str, ...],
    path: Path,
    settings: tuple[str, ...],
    url: str | None,
    whole: bool,
    sizes: bool,
    deep: bool,
    quarantine: bool,
    remote: str | None,
    as_json: bool,
) -> int:
    """Check this experiment's outputs against their manifests, or those that each WHAT names.

    Exit code 1: something is damaged, could not be checked, or is neither a plain file nor a folder.
    """
    exclusive("--size", sizes, "--deep", deep)
    exclusive("--all", whole, "WHAT", words)
    if whole:
        store = open_store(path, settings, remote or url)
        steps = dict.fromkeys(store.outputs(), "")
    else:
        if url is not None:
            open_store(path, settings, url)  # a mistyped one, where nothing could be found wrong
        placed = settings if url is None else (*settings, f"store={url}")
        plan = retry_after_quarantine(lambda: plan_of(path, placed)) if quarantine else plan_of(path, placed)
        store = open_store(path, settings, remote) if remote else plan.store
        steps = outputs_of(plan, words, [store])
    report = VerifyReport(store.url, not sizes, steps)
    _check(store, report, whole)
    if whole:
        inventory = store.inventory()
        in_the_way = [path for path in inventory.foreign if _IN_THE_WAY.fullmatch(path)]
        report.irregular = [*inventory.irregular, *(IrregularPath(path, IN_THE_WAY) for path in in_the_way)]
        report.foreign = sorted({*inventory.foreign} - {*in_the_way})
    else:
        found = [each for checked in report.checked for each in checked.irregular]
        if "://" not in store.url:  # an object of a bucket is in no other's way
            found += [each for name in report.missing for each in store.folder(*name).irregular]
        report.irregular = [*dict.fromkeys(found)]
    if quarantine:
        _set_aside(store, report)
    if as_json:
        print(json_text(report.as_json()))
    else:
        say(report.as_text())
    return 1 if report.failed or report.irregular or report.damaged else 0


def _check(store: Store, report: VerifyReport, whole: bool) -> None:
    """Check the outputs that a report names, and add to it what is found; those of a `whole` store may be begun."""
    line = ProgressLine()
    progress, read = f"checked 0 of {len(report.steps)} outputs", 0

    def reading(now: int, total: int) -> None:
        line.update(f"{progress}; reading {size(now)} of {size(total)}")

    def verify(name: OutputName) -> VerifyResult | StoreError | None:
        try:
            return store.verify(*name, deep=report.deep, contradiction=contradiction, progress=reading)
        except StoreError as error:
            return error

    with ThreadPoolExecutor(_MAX_OUTPUTS) as threads:
        results = threads.map(verify, report.steps) if "://" in store.url else map(verify, report.steps)
        for done, (name, result) in enumerate(zip(report.steps, results, strict=True), 1):
            if isinstance(result, StoreError):
                report.failed[name] = str(result)
            elif result is not None:
                report.checked.append(result)
                read += result.bytes
            elif not whole:
                report.missing.append(name)
            progress = f"checked {done} of {len(report.steps)} outputs, {size(read)}"
            line.update(progress)
    line.clear()


def _set_aside(store: Store, report: VerifyReport) -> None:
    for each in report.damaged:
        name = each.stage, each.key
        why = "; ".join(f"{d.path}: expected {d.expected}, found {d.found}" for d in each.damage[:20])
        try:
            report.moved[name] = store.quarantine(*name, why, attempt=each.attempt)
        except StoreError as error:
            report.not_moved[name] = str(error)
            print(f"error: {'/'.join(name)} was not set aside: {error}", file=sys.stderr)
