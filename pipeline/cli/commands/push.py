"""``pipeline push``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import exclusive, experiment_options, json_text, plan_of
from pipeline.cli.told import say
from pipeline.report.differing_outputs import print_problems
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
    whole: bool,
    remote: str | None,
    force: tuple[str, ...],
    as_json: bool,
) -> int:
    """Copy this experiment's outputs to a remote, or those of each ENTRY."""
    from pipeline.run.push_pull import everything, named, push, target_of

    exclusive("--all", whole, "ENTRY", entries or force)
    plan = plan_of(path, settings)
    cached = [step for step in of_entries(plan, (*entries, *force)) if plan.states[step.id] == "cached"]
    forced = {step.id for step in (of_entries(plan, force) if force else [])}
    target = target_of(plan, remote)
    outputs = everything(plan.store) if whole else named(cached)
    outcome = push(plan, target, outputs, whole=whole, forced=forced)
    print_problems(plan, outcome)
    if as_json:
        print(json_text(outcome.as_json()))
    else:
        say(outcome.as_text("pushed", target.url))
    return 1 if outcome.failed else 0
