"""``pipeline pull``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli.options import exclusive, experiment_options, json_text
from pipeline.cli.told import say
from pipeline.errors import ConfigError
from pipeline.experiment.planning import note_failures, plan_of, reported_of
from pipeline.plan.planner import states_of
from pipeline.report.differing_outputs import print_problems
from pipeline.run.selection import outputs_of
from store import OutputName


@click.command()
@click.argument("words", nargs=-1, metavar="[WHAT]...")
@experiment_options
@click.option("--all", "whole", is_flag=True, help="Everything in the remotes, not this experiment's outputs alone.")
@click.option(
    "--force", metavar="WHAT", multiple=True,
    help="Take what the remotes have of this where it differs; what is here is set aside. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    words: tuple[str, ...], path: Path, settings: tuple[str, ...], whole: bool, force: tuple[str, ...], as_json: bool
) -> int:
    """Copy this experiment's outputs, or those that each WHAT names, from the remotes into the store."""
    from pipeline.run.push_pull import compare, everything, labelled, pin_in_remotes, pull

    exclusive("--all", whole, "WHAT", words or force)
    plan = plan_of(path, settings)
    reported = reported_of(plan)
    remotes = {url: store for url, store in plan.chain.remotes().items() if url not in plan.chain.absent}
    stores = [*remotes.values()]
    by_force = outputs_of(plan, force, stores) if force else {}
    chosen = by_force | (outputs_of(plan, words, stores) if words or not force else {})
    if not plan.chain.urls:
        raise ConfigError(
            f"{plan.path}: remote: names no store to pull from\n"
            "  set remote: to a folder or a URL such as s3://bucket/features, or set PIPELINE_REMOTE"
        )
    note_failures(plan, reported)
    steps = [plan.steps[id_] for id_ in chosen.values() if id_]
    newly_pinned = plan.history.pin(chosen)
    in_remotes = [(step.stage, step.key) for step in steps if plan.states[step.id] == "remote"]
    if pin_in_remotes(plan, in_remotes) or newly_pinned:
        plan.states.update(states_of(plan.chain, steps))  # cleaning here or there may have come between
    differs = compare(plan, [step for step in steps if plan.states[step.id] == "cached"])
    forced: set[OutputName] = set()
    if whole:
        outputs = {id_: name for remote in remotes.values() for id_, name in everything(remote).items()}
    else:
        forced = {name for name in by_force if not chosen[name] or chosen[name] in differs}
        wanted = {name for name, id_ in chosen.items() if not id_ or plan.states[id_] == "remote"} | forced
        outputs = labelled({name: id_ for name, id_ in chosen.items() if name in wanted})
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
