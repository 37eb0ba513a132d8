"""``pipeline push``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import exclusive, experiment_options, json_text
from pipeline.cli.told import say
from pipeline.experiment.planning import plan_of
from pipeline.report.differing_outputs import print_problems
from pipeline.run.selection import outputs_of


@click.command()
@click.argument("words", nargs=-1, metavar="[WHAT]...")
@experiment_options
@click.option("--all", "whole", is_flag=True, help="Everything in the store, not this experiment's outputs alone.")
@click.option("--remote", metavar="URL", help="Where to; the first remote where left out.")
@click.option(
    "--force", metavar="WHAT", multiple=True,
    help="Replace what the remote has of this where it differs; that is set aside there. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    words: tuple[str, ...],
    path: Path,
    settings: tuple[str, ...],
    whole: bool,
    remote: str | None,
    force: tuple[str, ...],
    as_json: bool,
) -> int:
    """Copy this experiment's outputs to a remote, or those that each WHAT names."""
    from pipeline.run.push_pull import everything, labelled, push, target_of

    exclusive("--all", whole, "WHAT", words or force)
    plan = plan_of(path, settings)
    forced = outputs_of(plan, force, [plan.store]) if force else {}
    chosen = forced | (outputs_of(plan, words, [plan.store]) if words or not force else {})
    target = target_of(plan, remote)
    here = {name: id_ for name, id_ in chosen.items() if not id_ or plan.states[id_] == "cached"}
    outputs = everything(plan.store) if whole else labelled(here)
    outcome = push(plan, target, outputs, whole=whole, forced={*forced})
    print_problems(plan, outcome)
    if as_json:
        print(json_text(outcome.as_json()))
    else:
        say(outcome.as_text("pushed", target.url))
    return 1 if outcome.failed else 0
