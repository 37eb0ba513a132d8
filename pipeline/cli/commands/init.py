"""``pipeline init``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import exclusive, experiment_options
from pipeline.errors import ConfigError
from pipeline.init.known import known_text
from pipeline.init.looked import look_at
from pipeline.init.proposal import Proposal, propose
from pipeline.init.question import Question
from pipeline.init.show import answers, as_text, open_text
from pipeline.init.write import exists, write_new, yaml_text
from pipeline.stagesfile.experiment import read_points
from pipeline.stagesfile.settings import parse_setting
from pipeline.terminal import note


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@experiment_options
@click.option("--dataset", metavar="NAME", help="Write the stages file of a data set that the program knows.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what seems right.")
def command(folder: Path | None, path: Path, settings: tuple[str, ...], dataset: str | None, yes: bool) -> int:
    """Write a stages file for a folder; exit code 2 where something is open and nobody can be asked."""
    if folder is None and dataset is None:
        raise click.UsageError("give the folder that holds your recordings: pipeline init DIR")
    asks = not yes and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    replace = _may_be_written(path, asks=asks)
    if dataset is not None:
        exclusive("--dataset", True, "--set", settings)
        text = known_text(dataset, folder, "" if folder is None else _written(folder, path))
        write_new(path, text, replace=replace)
        return _written_down(path)
    assert folder is not None
    given = [parse_setting(each) for each in settings]
    looked = look_at(folder)
    proposal = propose(looked, given)
    while proposal.questions and asks:
        question = proposal.questions[0]
        given.append((question.key, _answer(folder, proposal, question)))
        proposal = propose(looked, given)
    print(as_text(folder, proposal))
    if proposal.questions and not yes:
        print(open_text(proposal.questions))
        raise ConfigError(
            f"{len(proposal.questions)} of this is open, and there is no terminal to ask\n"
            "  answer with the options above, or take what seems right with --yes"
        )
    for question in proposal.questions:
        said = "left open" if question.guess is None else "taken as it seems"
        note(f"{question.text} {said}; to say otherwise: {answers(question)[-1]}")
    text = _text(proposal, folder, path)
    read_points(path, text, given)  # whatever was set must fit
    write_new(path, text, replace=replace)
    return _written_down(path)


def _may_be_written(path: Path, *, asks: bool) -> bool:
    """Tell whether a file is to be replaced; ConfigError where it is there and is to stay."""
    if not path.exists():
        return False
    if not asks or not click.confirm(f"{path} is there. Overwrite it?", default=False):
        raise exists(path)
    return True


def _answer(folder: Path, proposal: Proposal, question: Question) -> Any:
    """Ask a question, with what was found before it."""
    print(as_text(folder, proposal))
    print(f"\n{question.text}")
    for number, (value, meaning) in enumerate(question.choices, 1):
        print(f"  {number}  {value if isinstance(value, str) else ', '.join(map(str, value))}  {meaning}")
    default = next((str(at) for at, (value, _) in enumerate(question.choices, 1) if value == question.guess), "1")
    said = click.prompt(f"a number, or a value for {question.key}", default=default)
    if said.isdigit() and 1 <= int(said) <= len(question.choices):
        return question.choices[int(said) - 1][0]
    return parse_setting(f"{question.key}={said}")[1]


def _text(proposal: Proposal, folder: Path, path: Path) -> str:
    source = proposal.document["source"]
    root = {} if "root" in source else {"root": _written(folder, path)}
    document = {**proposal.document, "source": {"name": source["name"], **root, **source}}
    head = (
        f"Made by `pipeline init`. Run: pipeline run{'' if path.name == 'stages.yaml' else f' -f {path}'}\n"
        "Every key is explained in docs/stages-file.md; docs/own-data.md shows how to go on."
    )
    return yaml_text(document, proposal.comments, head)


def _written(folder: Path, path: Path) -> str:
    """Write a folder as a stages file beside it does: relative, where that is shorter."""
    absolute = str(folder.absolute())
    relative = os.path.relpath(absolute, path.absolute().parent)
    return relative if len(relative) <= len(absolute) else absolute


def _written_down(path: Path) -> int:
    option = "" if path == Path("stages.yaml") else f" -f {path}"
    print(f"\nwrote {path}; next: pipeline status{option}, then pipeline run{option}")
    return 0
