"""``pipeline graph``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import experiment_options
from pipeline.experiment.planning import plan_of
from pipeline.report.graph.drawing import as_mermaid, as_svg, as_text

_FORMATS = {"text": as_text, "mermaid": as_mermaid, "svg": as_svg}


@click.command()
@experiment_options
@click.option(
    "--format", "form", type=click.Choice(list(_FORMATS)), default="text", show_default=True, help="What to print."
)
def command(path: Path, settings: tuple[str, ...], form: str) -> int:
    """Print the graph of entries; redirect an SVG into a file."""
    print(_FORMATS[form](plan_of(path, settings)))
    return 0
