"""``pipeline doctor``."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from pipeline.cli.options import experiment_options, json_text
from pipeline.cli.told import with_file
from pipeline.doctor.examine import examine
from pipeline.doctor.text import as_json, as_text
from pipeline.stagesfile.settings import parse_setting


@click.command()
@experiment_options
@click.option("--json", "as_objects", is_flag=True, help="Print the findings as JSON.")
def command(path: Path, settings: tuple[str, ...], as_objects: bool) -> int:
    """Look at this machine and at the experiment; the exit code is 1 where something is to be repaired."""
    found = examine(path, [parse_setting(text) for text in settings])
    found = [each._replace(repair=with_file(each.repair, path)) for each in found]
    print(json_text(as_json(found)) if as_objects else as_text(found, shutil.get_terminal_size((100, 24)).columns))
    return int(any(each.level == "problem" for each in found))
