"""``pipeline explain STEP``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.cli.options import experiment_options, json_text, plan_of
from pipeline.cli.told import say
from pipeline.errors import ConfigError
from pipeline.plan.explain import describe_acceptance, reasons
from pipeline.report.status import standing
from pipeline.stagesfile.schema import did_you_mean


@click.command()
@click.argument("step")
@experiment_options
@click.option("--json", "as_json", is_flag=True, help="Print the recipe and reasons as JSON.")
def command(step: str, path: Path, settings: tuple[str, ...], as_json: bool) -> int:
    """Explain STEP, a step's id as `status --json` lists it, or an entry for all of its steps."""
    plan = plan_of(path, settings)
    chosen = [s for s in plan.steps.values() if step == s.id or step in s.entries]
    if not chosen:
        entry, bracket, _ = step.partition("[")
        entries = dict.fromkeys(s.entry for s in plan.steps.values())
        names = [s.id for s in plan.steps.values() if s.entry == entry] if bracket and entry in entries else entries
        raise ConfigError(f"explain {step}: no such step or entry\n  {did_you_mean(step, names)}")
    if as_json:
        print(json_text([{"id": s.id, **standing(plan, s), "recipe": s.recipe} for s in chosen]))
        return 0
    for s in chosen:
        say(f"{s.id}: {plan.states[s.id]}, key {s.key[:12]}")
        for reason in reasons(plan, s):
            say(f"  because {reason.text}")
        if acceptance := describe_acceptance(s):
            say(f"  {acceptance}")
        if s.id == step:
            print("  made from " + json.dumps(s.recipe, indent=1).replace("\n", "\n  "))
    return 0
