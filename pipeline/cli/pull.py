"""``pipeline pull``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from pipeline.cli.options import experiment, plan_of
from pipeline.errors import ConfigError
from pipeline.run.choose import of_entries


@click.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@experiment
@click.option("--all", "whole", is_flag=True, help="Everything in the remotes, not this experiment's outputs alone.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    entries: tuple[str, ...], path: Path, settings: tuple[str, ...], debug: bool, whole: bool, as_json: bool
) -> int:
    """Copy this experiment's outputs, or those of each ENTRY, from the remotes into the store."""
    from pipeline.run.sharing import everything, named, pull

    if whole and entries:
        raise click.UsageError("--all and ENTRY exclude each other")
    plan = plan_of(path, settings)
    chosen = of_entries(plan, entries)
    if not plan.chain.urls:
        raise ConfigError(
            f"{plan.path}: remote: names no store to pull from\n"
            "  set remote: to a folder or a URL such as s3://bucket/features, or set PIPELINE_REMOTE"
        )
    remotes = plan.chain.remotes()
    if whole:
        outputs = {id_: name for remote in remotes.values() for id_, name in everything(remote).items()}
    else:
        outputs = named(step for step in chosen if plan.states[step.id] == "remote")
    shared = pull(plan, outputs)
    for id_, problem in shared.failed.items():
        print(f"error: {id_}: {problem}", file=sys.stderr)
    where = ", ".join(store.url for store in remotes.values()) or "no remote can be reached"
    print(json.dumps(shared.as_json(), indent=1) if as_json else shared.as_text("pulled", where))
    return 1 if shared.failed or not remotes else 0
