"""``pipeline pull``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from pipeline.cli.options import experiment_options, plan_of
from pipeline.errors import ConfigError
from pipeline.plan.planner import states_of
from pipeline.report.differing_outputs import differing_text
from pipeline.run.selection import of_entries


@click.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@experiment_options
@click.option("--all", "whole", is_flag=True, help="Everything in the remotes, not this experiment's outputs alone.")
@click.option(
    "--force", metavar="ENTRY", multiple=True,
    help="Take what the remotes have of this entry where it differs; what is here is set aside. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    entries: tuple[str, ...],
    path: Path,
    settings: tuple[str, ...],
    debug: bool,
    whole: bool,
    force: tuple[str, ...],
    as_json: bool,
) -> int:
    """Copy this experiment's outputs, or those of each ENTRY, from the remotes into the store."""
    from pipeline.run.push_pull import compare, everything, named, pin_in_remotes, pull

    if whole and (entries or force):
        raise click.UsageError("--all and ENTRY exclude each other")
    plan = plan_of(path, settings)
    chosen = of_entries(plan, (*entries, *force))
    again = {step.id for step in (of_entries(plan, force) if force else [])}
    if not plan.chain.urls:
        raise ConfigError(
            f"{plan.path}: remote: names no store to pull from\n"
            "  set remote: to a folder or a URL such as s3://bucket/features, or set PIPELINE_REMOTE"
        )
    remotes = plan.chain.remotes()
    new = plan.history.pin((step.stage, step.key) for step in chosen)
    new |= pin_in_remotes(plan, [(step.stage, step.key) for step in chosen if plan.states[step.id] == "remote"])
    if new:
        plan.states.update(states_of(plan.chain, chosen))  # cleaning here or there may have come between
    differs = compare(plan, [step for step in chosen if plan.states[step.id] == "cached"])
    if whole:
        outputs = {id_: name for remote in remotes.values() for id_, name in everything(remote).items()}
    else:
        again &= differs.keys()
        outputs = named(step for step in chosen if plan.states[step.id] == "remote" or step.id in again)
    shared = pull(plan, outputs, forced=again)
    shared.differs |= {id_: told for id_, told in differs.items() if id_ not in outputs}
    for id_, problem in shared.failed.items():
        print(f"error: {id_}: {problem}", file=sys.stderr)
    if shared.differs:
        print(f"note: {differing_text(plan, shared.differs)}", file=sys.stderr)
    where = ", ".join(store.url for store in remotes.values()) or "no remote can be reached"
    if not remotes:
        print("error: no remote can be reached\n  see the notes above; run it again when one can", file=sys.stderr)
    print(json.dumps(shared.as_json(), indent=1) if as_json else shared.as_text("pulled", where))
    return 1 if shared.failed or not remotes else 0
