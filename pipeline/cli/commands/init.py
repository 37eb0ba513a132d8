"""``pipeline init``."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import exclusive, experiment_options
from pipeline.errors import ConfigError
from pipeline.formatting import counted
from pipeline.init.known import known_text
from pipeline.init.looked import look_at
from pipeline.init.proposal import Proposal, propose
from pipeline.init.question import Question
from pipeline.init.show import as_text, choices_text, folded, open_text, untold_text, wrapped
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
        raise click.UsageError(
            "give the folder that holds your recordings: `pipeline init DIR`; "
            "or take the built-in sample: `pipeline init --dataset sample`"
        )
    try:
        if dataset is not None:
            exclusive("--dataset", True, "--set", settings)
            return _known(dataset, folder, path, yes=yes)
        assert folder is not None
        return _looked_at(folder, path, settings, yes=yes)
    except ConfigError as error:
        raise ConfigError(folded(str(error)), error.of_file) from error


def _known(dataset: str, folder: Path | None, path: Path, *, yes: bool) -> int:
    replace = _may_be_written(path, asks=_can_ask(yes=yes))
    written = "" if folder is None else _written(folder, path)
    write_new(path, known_text(dataset, folder, written, path, f"pipeline run{_option(path)}"), replace=replace)
    return _written_down(path)


def _looked_at(folder: Path, path: Path, settings: tuple[str, ...], *, yes: bool) -> int:
    asks = _can_ask(yes=yes)
    replace = _may_be_written(path, asks=asks)
    given = [parse_setting(each) for each in settings]
    looked = look_at(folder)
    proposal = propose(looked, given)
    print(shown := as_text(folder, proposal))
    while proposal.questions and asks:
        answer = proposal.questions[0].key, _answer(proposal.questions[0])
        try:
            proposal = propose(looked, [*given, answer])
        except ConfigError as error:
            print(folded(str(error)))
            continue
        given.append(answer)
        before, shown = shown, as_text(folder, proposal)
        if shown != before:
            print(f"\n{shown}")
    if proposal.questions and not yes:
        print(open_text(proposal.questions))
        raise ConfigError(
            f"{counted(len(proposal.questions), 'question')} open, and there is no terminal to ask\n"
            "  answer with the options above, or take what seems right with --yes"
        )
    for question in proposal.questions:
        note(untold_text(question))
    text = _text(proposal, folder, path)
    read_points(path, text, given)  # whatever was set must fit
    write_new(path, text, replace=replace)
    return _written_down(path)


def _can_ask(*, yes: bool) -> bool:
    return not yes and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _may_be_written(path: Path, *, asks: bool) -> bool:
    """Tell whether a file is to be replaced; ConfigError where it is there and is to stay."""
    if not path.exists():
        return False
    if not asks or not click.confirm(f"{path} is there. Overwrite it?", default=False):
        raise exists(path)
    return True


def _answer(question: Question) -> Any:
    """Ask a question."""
    print(choices_text(question))
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
        f"Made by `pipeline init`. Run: pipeline run{_option(path)}\n"
        "Every key is explained in docs/stages-file.md; docs/own-data.md shows how to go on."
    )
    return yaml_text(document, proposal.comments, head)


def _written(folder: Path, path: Path) -> str:
    """Write a folder as a stages file beside it does: relative, where that is shorter."""
    absolute = str(folder.absolute())
    relative = os.path.relpath(absolute, path.absolute().parent)
    return relative if len(relative) <= len(absolute) else absolute


def _written_down(path: Path) -> int:
    option = _option(path)
    print("\n".join(["", *wrapped(f"wrote {path}; next:"), f"  pipeline inspect{option}", f"  pipeline run{option}"]))
    return 0


def _option(path: Path) -> str:
    """Return what makes other commands take a stages file."""
    return "" if path == Path("stages.yaml") else f" -f {shlex.quote(str(path))}"
