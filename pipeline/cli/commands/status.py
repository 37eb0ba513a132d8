"""``pipeline status``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import experiment_options, json_text
from pipeline.cli.told import say
from pipeline.experiment.planning import note_failures, plan_of, reported_of
from pipeline.plan.planner import Plan
from pipeline.report import status
from pipeline.report.differing_outputs import differing_text


@click.command()
@experiment_options
@click.option("--compare", is_flag=True, help="Say which cached outputs differ from those in the remotes.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(path: Path, settings: tuple[str, ...], compare: bool, as_json: bool) -> int:
    """Show every entry's state, why steps would run, and which recordings cannot be used."""
    plan = plan_of(path, settings)
    steps = plan.steps.values()
    differs = _differing(plan) if compare else None
    if as_json:
        print(json_text(status.as_json(plan, steps, differs)))
        return 0
    say(status.as_text(plan, steps))
    if differs is not None:
        say(differing_text(plan, differs) if differs else "nothing that is cached differs from the remotes'")
    return 0


def _differing(plan: Plan) -> dict[str, str]:
    from pipeline.run.push_pull import compare

    reported = reported_of(plan)
    differing = compare(plan, [step for step in plan.steps.values() if plan.states[step.id] == "cached"])
    note_failures(plan, reported)
    return differing
