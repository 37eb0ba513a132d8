"""``pipeline push``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from pipeline.cli.options import experiment, plan_of
from pipeline.run.choose import of_entries


@click.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@experiment
@click.option("--all", "whole", is_flag=True, help="Everything in the store, not this experiment's outputs alone.")
@click.option("--remote", metavar="URL", help="Where to; the first remote where left out.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    entries: tuple[str, ...],
    path: Path,
    settings: tuple[str, ...],
    debug: bool,
    whole: bool,
    remote: str | None,
    as_json: bool,
) -> int:
    """Copy this experiment's outputs to a remote, or those of each ENTRY."""
    from pipeline.run.sharing import everything, named, push, target_of

    if whole and entries:
        raise click.UsageError("--all and ENTRY exclude each other")
    plan = plan_of(path, settings)
    here = [step for step in of_entries(plan, entries) if plan.states[step.id] == "cached"]
    target = target_of(plan, remote)
    shared = push(plan, target, everything(plan.store) if whole else named(here), whole=whole)
    for id_, problem in shared.failed.items():
        print(f"error: {id_}: {problem}", file=sys.stderr)
    print(json.dumps(shared.as_json(), indent=1) if as_json else shared.as_text("pushed", target.url))
    return 1 if shared.failed else 0
