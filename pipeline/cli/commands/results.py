"""``pipeline results``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import exclusive, experiment_options, json_text, plan_of
from pipeline.cli.told import say
from pipeline.report.results import per_recording, result_rows
from pipeline.report.results_text import results_text


@click.command()
@experiment_options
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@click.option("--per-recording", "recordings", is_flag=True, help="Print CSV, one line a test recording.")
@click.option("--per-modality", is_flag=True, help="Add each modality's own top-1 (Table 8 of the DMFT paper).")
@click.option("--vskd-f1", is_flag=True, help="Add F1 as the VSKD paper computes it, from accuracy and recall.")
def command(
    path: Path, settings: tuple[str, ...], as_json: bool, recordings: bool, per_modality: bool, vskd_f1: bool
) -> int:
    """Print mean and deviation over seeds of every model that is there."""
    exclusive("--json", as_json, "--per-recording", recordings)
    plan = plan_of(path, settings)
    if recordings:
        print(per_recording(plan), end="")
    elif as_json:
        print(json_text([row.as_json() for row in result_rows(plan, per_modality, vskd_f1)]))
    else:
        say(results_text(plan, per_modality, vskd_f1))
    return 0
