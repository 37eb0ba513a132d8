"""``pipeline explain WHAT``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.cli.options import experiment_options, json_text
from pipeline.cli.told import say
from pipeline.experiment.planning import plan_of
from pipeline.plan.explain import describe_code, reasons
from pipeline.report.status import standing
from pipeline.run.selection import outputs_of


@click.command()
@click.argument("word", metavar="WHAT")
@experiment_options
@click.option("--json", "as_json", is_flag=True, help="Print the recipe and reasons as JSON.")
def command(word: str, path: Path, settings: tuple[str, ...], as_json: bool) -> int:
    """Explain a step, or all of an entry."""
    plan = plan_of(path, settings)
    chosen = [plan.steps[id_] for id_ in outputs_of(plan, [word], []).values()]
    if as_json:
        print(json_text([{"id": s.id, **standing(plan, s), "recipe": s.recipe} for s in chosen]))
        return 0
    for s in chosen:
        say(f"{s.id}: {plan.states[s.id]}, key {s.key[:12]}")
        for reason in reasons(plan, s):
            say(f"  because {reason.text}")
        if code := describe_code(plan, s):
            say(f"  {code}")
        if word == s.id or word not in s.entries:
            print("  made from " + json.dumps(s.recipe, indent=1).replace("\n", "\n  "))
    return 0
