"""``pipeline status``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.cli.options import experiment, plan_of
from pipeline.report import status


@click.command()
@experiment
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(path: Path, settings: tuple[str, ...], debug: bool, as_json: bool) -> int:
    """Show every entry's state, why steps would run, and which recordings cannot be used."""
    plan = plan_of(path, settings)
    steps = plan.steps.values()
    print(json.dumps(status.as_json(plan, steps), indent=1) if as_json else status.as_text(plan, steps))
    return 0
