"""``pipeline push``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from pipeline.cli.options import experiment_options, plan_of
from pipeline.report.differing_outputs import differing_text
from pipeline.run.selection import of_entries


@click.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@experiment_options
@click.option("--all", "whole", is_flag=True, help="Everything in the store, not this experiment's outputs alone.")
@click.option("--remote", metavar="URL", help="Where to; the first remote where left out.")
@click.option(
    "--force", metavar="ENTRY", multiple=True,
    help="Replace what the remote has of this entry where it differs; that is set aside there. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    entries: tuple[str, ...],
    path: Path,
    settings: tuple[str, ...],
    debug: bool,
    whole: bool,
    remote: str | None,
    force: tuple[str, ...],
    as_json: bool,
) -> int:
    """Copy this experiment's outputs to a remote, or those of each ENTRY."""
    from pipeline.run.push_pull import everything, named, push, target_of

    if whole and (entries or force):
        raise click.UsageError("--all and ENTRY exclude each other")
    plan = plan_of(path, settings)
    here = [step for step in of_entries(plan, (*entries, *force)) if plan.states[step.id] == "cached"]
    forced = {step.id for step in (of_entries(plan, force) if force else [])}
    target = target_of(plan, remote)
    shared = push(plan, target, everything(plan.store) if whole else named(here), whole=whole, forced=forced)
    for id_, problem in shared.failed.items():
        print(f"error: {id_}: {problem}", file=sys.stderr)
    if shared.differs:
        print(f"note: {differing_text(plan, shared.differs)}", file=sys.stderr)
    print(json.dumps(shared.as_json(), indent=1) if as_json else shared.as_text("pushed", target.url))
    return 1 if shared.failed else 0
