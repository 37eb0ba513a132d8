"""``pipeline pull``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli.options import exclusive, experiment_options, json_text, note_failures, plan_of, reported_of
from pipeline.cli.told import say
from pipeline.errors import ConfigError
from pipeline.plan.planner import states_of
from pipeline.report.differing_outputs import print_problems
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
    entries: tuple[str, ...], path: Path, settings: tuple[str, ...], whole: bool, force: tuple[str, ...], as_json: bool
) -> int:
    """Copy this experiment's outputs, or those of each ENTRY, from the remotes into the store."""
    from pipeline.run.push_pull import compare, everything, named, pin_in_remotes, pull

    exclusive("--all", whole, "ENTRY", entries or force)
    plan = plan_of(path, settings)
    chosen = of_entries(plan, (*entries, *force))
    forced = {step.id for step in (of_entries(plan, force) if force else [])}
    if not plan.chain.urls:
        raise ConfigError(
            f"{plan.path}: remote: names no store to pull from\n"
            "  set remote: to a folder or a URL such as s3://bucket/features, or set PIPELINE_REMOTE"
        )
    reported = reported_of(plan)
    remotes = {url: store for url, store in plan.chain.remotes().items() if url not in plan.chain.absent}
    note_failures(plan, reported)
    newly_pinned = plan.history.pin((step.stage, step.key) for step in chosen)
    in_remotes = [(step.stage, step.key) for step in chosen if plan.states[step.id] == "remote"]
    if pin_in_remotes(plan, in_remotes) or newly_pinned:
        plan.states.update(states_of(plan.chain, chosen))  # cleaning here or there may have come between
    differs = compare(plan, [step for step in chosen if plan.states[step.id] == "cached"])
    if whole:
        outputs = {id_: name for remote in remotes.values() for id_, name in everything(remote).items()}
    else:
        forced &= differs.keys()
        outputs = named(step for step in chosen if plan.states[step.id] == "remote" or step.id in forced)
    outcome = pull(plan, outputs, forced=forced)
    outcome.differs |= {id_: origin for id_, origin in differs.items() if id_ not in outputs}
    print_problems(plan, outcome)
    nothing = "there is no store at a remote" if plan.chain.absent else "no remote can be reached"
    if not remotes:
        print(f"error: {nothing}\n  see the notes above; run it again when there is one", file=sys.stderr)
    where = ", ".join(store.url for store in remotes.values()) or nothing
    if as_json:
        print(json_text(outcome.as_json()))
    else:
        say(outcome.as_text("pulled", where))
    return 1 if outcome.failed or not remotes else 0
